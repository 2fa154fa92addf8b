# What pictures show, in which order and colours. They are drawn from plain results, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

# A result with made-up numbers; classes and bands are not in alphabetical order.
made_up <- function(classes = c("water", "forest", "city"), bands = c("red", "green", "blue", "nir"), n = c(5, 8, 3),
                    outputs = c("own", "all", "first"), wavelengths = NA, signed = TRUE, method = "deepshap",
                    output = "logit", directed = FALSE) {
  outputs <- match.arg(outputs)
  n <- rep_len(n, length(classes))
  cells <- switch(outputs,
    own = data.frame(class = seq_along(classes), output = seq_along(classes)),
    all = expand.grid(output = seq_along(classes), class = seq_along(classes))[c("class", "output")],
    first = data.frame(class = seq_along(classes), output = 1L)
  )
  rows <- nrow(cells) * length(bands)
  level <- function(codes, names) factor(names[codes], names, ordered = TRUE)
  cell <- rep(seq_len(nrow(cells)), each = length(bands))
  band <- rep(seq_along(bands), nrow(cells))
  importance <- 0.25 + (7 * cell + 5 * band + cell * band) %% 11 / 4
  images <- n[cells$class[cell]]
  effect <- if (signed) importance * ifelse((cell + band) %% 3 == 0, -1, 1) else NA_real_
  error <- ifelse(images > 1, importance / 10, NA)
  table <- tibble::tibble(
    class = level(cells$class[cell], classes), output = level(cells$output[cell], classes), band = level(band, bands),
    wavelength = rep_len(as.double(wavelengths), rows), importance = importance,
    effect = effect,
    share = importance / stats::ave(importance, cell, FUN = sum),
    rank = as.integer(stats::ave(-importance, cell, FUN = function(x) rank(x, ties.method = "first"))),
    std_error = error, conf_low = importance - 2 * error, conf_high = importance + 2 * error, n = as.integer(images)
  )
  structure(
    list(
      table = table, image_class = level(rep(seq_along(classes), n), classes), classes = classes, outputs = classes,
      bands = bands, wavelengths = rep_len(as.double(wavelengths), length(bands)), method = method,
      statistic = if (signed) "band_sum" else "pixel_mean_abs", output = output, signed = signed, directed = directed
    ),
    class = "band_importance"
  )
}

many <- function(n_bands, n_classes = 3) {
  made_up(
    paste("land cover", seq_len(n_classes)), paste0("band_", seq_len(n_bands)),
    n = 4, wavelengths = seq(400, 2400, length.out = n_bands)
  )
}

test_that("pictures of each type stay as they are", {
  expect_picture("heatmap", autoplot(made_up()))
  expect_picture("bars", autoplot(made_up(), "bars"))
  expect_picture("effect", autoplot(made_up(), "effect"))
})

test_that("pictures of many bands and classes stay as they are", {
  expect_picture("heatmap of 13 bands, one column", autoplot(many(13, 6), width = 85))
  expect_picture("bars of 13 bands, one column", autoplot(many(13, 6), "bars", width = 85))
  expect_picture("heatmap of 60 bands", autoplot(many(60)))
  expect_picture("bars of 60 bands", autoplot(many(60), "bars"))
  expect_picture("heatmap of 20 classes", autoplot(many(4, 20)))
})

test_that("pictures of all outputs stay as they are", {
  expect_picture("heatmap of all outputs", autoplot(made_up(outputs = "all")))
  expect_picture("bars of all outputs", autoplot(made_up(outputs = "all"), "bars"))
})

test_that("no picture warns", {
  for (type in c("heatmap", "bars", "effect")) {
    for (object in list(many(4, 1), many(13, 20), many(200, 2), made_up(n = c(5, 1, 3)), made_up(n = 1))) {
      for (width in c(85, 175)) {
        expect_no_warning(ggplot2::ggplotGrob(autoplot(object, type, width = width)))
      }
    }
  }
})

test_that("pictures can be added to", {
  plot <- autoplot(made_up(), "bars") + ggplot2::labs(title = "mine") + ggplot2::theme(legend.position = "top")
  expect_identical(plot$labels$title, "mine")
  expect_identical(plot(made_up(), "bars")$labels$title, "Importance of each band by class")
})

test_that("the heatmap shows shares in the user's order, the first class on top", {
  object <- made_up()
  plot <- autoplot(object)
  expect_identical(x_labels(plot), object$bands)
  expect_identical(y_labels(plot), rev(object$classes))
  text <- drawn(plot, 2)
  text <- text[order(-text$y, text$x), ]
  expect_identical(text$label, sprintf("%.0f", 100 * object$table$share))
})

test_that("the heatmap's fills run from zero to the largest share", {
  object <- made_up()
  plot <- autoplot(object)
  scale <- plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(0, 100 * max(object$table$share)))
  expect_identical(toupper(scale$map(scale$limits)), ramp("share", c(0, 1)))
})

test_that("values are printed only where they fit", {
  prints <- function(object, ...) length(autoplot(object, ...)$layers) == 2
  expect_true(prints(many(4), width = 85))
  expect_true(prints(many(13), width = 85))
  expect_false(prints(many(26), width = 85))
  expect_false(prints(many(200)))
  expect_true(prints(many(26), width = 175))
  expect_false(prints(many(60), width = 600)) # single digits in hundreds of tiles without names
  expect_true(prints(many(60), values = TRUE))
  expect_true(prints(many(26), width = 85, values = TRUE))
  expect_false(prints(many(4), values = FALSE))
})

test_that("text contrasts with its tile", {
  for (type in c("heatmap", "effect")) {
    plot <- autoplot(many(13, 20), type)
    tiles <- drawn(plot, 1)
    texts <- drawn(plot, 2)
    texts <- texts[match(paste(tiles$x, tiles$y), paste(texts$x, texts$y)), ]
    expect_setequal(texts$colour, c(ink("text"), ink("paper")))
    expect_gt(min(contrast(texts$colour, tiles$fill)), 4)
  }
})

test_that("a class without importance has empty tiles, and one without images none", {
  object <- made_up()
  object$table$share[object$table$class == "forest"] <- NaN
  plot <- autoplot(object)
  expect_identical(nrow(drawn(plot, 2)), 8L)
  expect_identical(sum(drawn(plot, 1)$fill == ink("missing")), 4L)

  object$table <- object$table[object$table$class != "forest", ]
  expect_identical(y_labels(autoplot(object)), c("city", "water"))
})

test_that("all outputs are facets", {
  plot <- autoplot(made_up(outputs = "all"))
  expect_identical(strips(plot), c("logit of water", "logit of forest", "logit of city"))
  expect_match(plot$labels$subtitle, "logit of each output", fixed = TRUE)
})

test_that("bars show importance by class, coloured by band", {
  object <- made_up()
  plot <- autoplot(object, "bars")
  bars <- drawn(plot)
  expect_equal(bars$y, object$table$importance)
  expect_identical(as.integer(bars$PANEL), as.integer(object$table$class))
  expect_identical(bars$fill, rep(unname(band_colours(object$bands)), 3))
  expect_identical(x_labels(plot), object$bands)
  expect_identical(strips(plot), c("water (n = 5)", "forest (n = 8)", "city (n = 3)"))
})

test_that("bars have the table's intervals, and none for a single image", {
  for (object in list(made_up(n = c(5, 1, 3)), many(40))) {
    plot <- autoplot(object, "bars")
    known <- object$table[object$table$n > 1, ]
    whiskers <- drawn(plot, 2)
    expect_equal(whiskers$ymin, known$conf_low)
    expect_equal(whiskers$ymax, known$conf_high)
    expect_match(plot$labels$subtitle, "whiskers: 95 % interval over images", fixed = TRUE)
  }
  object <- made_up(n = c(5, 1, 3))
  plot <- autoplot(object, "bars")
  expect_equal(drawn(plot, 3)$y, object$table$importance[object$table$n == 1])
  expect_match(plot$labels$subtitle, "95 % interval over images, none from single images", fixed = TRUE)
  # what is below zero keeps off the edge
  lower_edge <- function(plot) ggplot2::ggplot_build(plot)$layout$panel_params[[1]]$y.range[[1]]
  expect_identical(lower_edge(plot), 0)
  object <- made_up(directed = TRUE)
  object$table$conf_low[[2]] <- -1
  expect_lt(lower_edge(autoplot(object, "bars")), -1)

  alone <- autoplot(made_up("water", n = 1), "bars")
  expect_length(alone$layers, 2)
  expect_equal(drawn(alone, 2)$y, made_up("water", n = 1)$table$importance)
  expect_match(alone$labels$subtitle, "n = 1 image; no interval", fixed = TRUE)
})

test_that("effects are symmetric about zero, and need a sign", {
  object <- made_up()
  plot <- autoplot(object, "effect")
  scale <- plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(-1, 1) * max(object$table$importance))
  expect_identical(toupper(scale$map(0)), ramp("signed", 0.5))
  expect_setequal(drawn(plot, 2)$label, sprintf("%.1f", round(object$table$effect, 1)))

  error <- error_of(autoplot(made_up(signed = FALSE, method = "saliency"), "effect"))
  expect_s3_class(error, "bandlens_error_result")
})

test_that("subtitles and units say what was computed", {
  expect_identical(
    autoplot(made_up())$labels$subtitle,
    "DeepSHAP, signed sum over pixels, class logit\nn = 16 images; each row adds up to 100 %"
  )
  plot <- autoplot(made_up(outputs = "first", signed = FALSE, method = "saliency", output = "probability"), "bars")
  expect_identical(plot$labels$subtitle, paste(
    "Saliency, mean |attribution| over pixels, probability of water",
    "n = 16 images; whiskers: 95 % interval over images",
    sep = "\n"
  ))
  expect_identical(plot$labels$y, "Mean |band score|\n(probability per unit of input)")
  expect_identical(display_name("method", "my_own"), "my_own")
  permuted <- made_up(method = "permutation", output = "accuracy", directed = TRUE)
  expect_identical(autoplot(permuted, "bars")$labels$y, "Mean band score\n(accuracy)")
})

test_that("names are wrapped at spaces and shown in full", {
  expect_identical(wrap("soil with vegetation stubble", 20), "soil with vegetation\nstubble")
  expect_identical(wrap("Donaudampfschifffahrt on-the-water", 10), "Donaudampfschifffahrt\non-the-water")
  long <- "mixture of everything that the photo interpreters could not tell apart"
  object <- made_up(c(long, "water"), c("near infrared, narrow", "red"))
  expect_identical(gsub("\n", " ", y_labels(autoplot(object, width = 85))), c("water", long))
  expect_identical(gsub("\n", " ", strips(autoplot(object, "bars", width = 85)))[[1]], paste(long, "(n = 5)"))
})

test_that("the axis names few bands, and shows round wavelengths or every k-th band of many", {
  names_of <- function(n) paste0("b", seq_len(n))
  expect_identical(band_ticks(names_of(4), rep(NA, 4))$labels, names_of(4))
  wavelengths <- seq(400, 997, by = 3)
  ticks <- band_ticks(names_of(200), wavelengths)
  expect_identical(ticks$labels, c("400", "500", "600", "700", "800", "900"))
  expect_true(all(abs(wavelengths[ticks$positions] - as.numeric(ticks$labels)) <= 1.5))
  expect_identical(ticks$title, "Wavelength (nm)")

  with_hole <- c(seq(400, 1340, by = 10), seq(1450, 1790, by = 10))
  expect_identical(band_ticks(names_of(130), with_hole)$labels, c("400", "600", "800", "1000", "1200", "1600"))

  expect_identical(band_ticks(names_of(100), rep(NA, 100))$labels, c("b20", "b40", "b60", "b80", "b100"))
  backwards <- seq(1000, 505, length.out = 100)
  expect_identical(band_ticks(names_of(100), backwards)$labels, c("905", "805", "705", "605", "505"))
  expect_identical(x_labels(autoplot(many(200), "bars")), as.character(seq(500, 2250, by = 250)))
})

test_that("panels stand side by side while their bands have room", {
  columns <- function(room) vapply(c(4, 13, 26, 200), function(n_bands) panel_columns(6, n_bands, room), numeric(1))
  expect_identical(columns(109), c(3, 3, 2, 2))
  expect_identical(columns(47), c(2, 2, 1, 1))
})

test_that("band colours are those of Python", {
  cases <- utils::read.csv(test_path("..", "fixtures", "band_colours.csv"))
  for (case in split(cases, cases$case)) {
    expect_identical(unname(band_colours(case$band, case$wavelength)), case$colour)
  }
})

test_that("an ordered factor of bands does not bring its own colours", {
  object <- made_up()
  expect_s3_class(tidy(object)$band, "ordered")
  colours <- unique(drawn(autoplot(object, "bars"))$fill)
  expect_identical(colours, unname(palette_colours("band")[c(3, 2, 1, 4)]))
})

test_that("bad arguments are named", {
  object <- made_up()
  expect_snapshot(error = TRUE, {
    autoplot(object, "pie")
    autoplot(object, colour = "red")
    autoplot(object, values = "yes")
    autoplot(object, "bars", values = TRUE)
    autoplot(object, width = -1)
    autoplot(made_up(signed = FALSE, method = "saliency"), "effect")
  })
})
