# The columns of a layer of images as they are drawn.
pixels <- function(plot, layer = 1) {
  data <- drawn(plot, layer)
  tibble::tibble(panel = as.integer(data$PANEL), row = -data$y, col = data$x, fill = data$fill)
}

test_that("pictures of features stay as they are", {
  found <- made_features()
  expect_picture("features as a grid", autoplot(found))
  expect_picture("features as a grid, over the range, one column", autoplot(found, stretch = "range", width = 85))
  expect_picture("features by band", autoplot(found, "bands"))
  expect_picture("features as spectra", autoplot(found, "spectrum"))
  expect_picture("features as spectra, without wavelengths", autoplot(made_features(wavelengths = NaN), "spectrum"))
  expect_picture("traces of features", autoplot(made_features(dead = 2), "trace"))
  late <- made_features(
    n = 3, layer = "logit", objective = "logit", names = c("water", "forest", "city"), dead = 2
  )
  expect_picture("features layer by layer", autoplot(c(found, late), rgb = "strongest"))
  expect_picture("kernels as tiles", autoplot(made_kernels(n = 14)))
  expect_picture("profiles of kernels", autoplot(made_kernels(), "profile"))
  expect_picture("maps of activations", autoplot(made_activations(), 2))
  expect_picture("activations along one axis", autoplot(made_activations(size = 9)))
  expect_picture("activations without positions", autoplot(made_activations(size = integer(), k = 30)))
  expect_picture("top images beside those that were made", autoplot(made_top(), found = found))
  expect_picture("spectra of top images", autoplot(made_top(), "spectrum", found = found))
})

test_that("no picture of features warns", {
  spectrum <- made_features(size = c(1, 1))
  many <- made_features(bands = paste0("b", 1:40), wavelengths = seq(400, 2400, length.out = 40))
  for (width in c(85, 175)) {
    quiet <- function(object, ...) expect_no_warning(ggplot2::ggplotGrob(autoplot(object, ..., width = width)))
    for (object in list(spectrum, many, made_features(bands = c("a", "b"), wavelengths = NaN))) {
      quiet(object)
      quiet(object, "spectrum")
      quiet(object, "trace")
    }
    quiet(many, "bands")
    quiet(made_kernels(n = 1, size = c(1, 5)))
    quiet(made_kernels(bands = paste0("c", 1:30)))
    quiet(made_kernels(bands = paste0("c", 1:30)), "profile")
    quiet(made_activations(signed = FALSE))
    quiet(made_top(size = c(1, 1)))
    quiet(made_top(), rgb = "strongest", most = 1)
  }
})

test_that("colours are the deviations from the middle of the range", {
  found <- made_features(n = 2)
  at <- pixels(autoplot(found, stretch = "range", rgb = c(6, 5, 1)))
  bright <- vapply(c(6, 5, 1), function(band) {
    value <- found$values[cbind(at$panel, at$row, at$col, band)]
    pmin(pmax((value - found$low[[band]]) / (found$high[[band]] - found$low[[band]]), 0), 1)
  }, numeric(nrow(at)))
  expect_equal(t(grDevices::col2rgb(at$fill)), floor(255 * bright + 0.5), ignore_attr = TRUE)
  # a faint image is as colourful as a strong one, by one factor for all its bands
  faint <- found
  middle <- (found$low + found$high) / 2
  faint$values <- sweep(sweep(found$values, 4, middle) / 10, 4, middle, "+")
  expect_identical(pixels(autoplot(faint)), pixels(autoplot(found)))
  expect_false(identical(pixels(autoplot(faint, stretch = "range")), pixels(autoplot(found, stretch = "range"))))
})

test_that("the strongest bands are those that hold most, the longest wavelength as red", {
  found <- made_features(n = 1) # holds waves in bands 3 and 4
  found$contrast[1, 9] <- 0.35 # more than the third
  expect_match(autoplot(found, rgb = "strongest")$labels$subtitle, "red, green, blue: B8A, B04, B03", fixed = TRUE)
  expect_identical(rgb_bands(found, NULL, found$contrast), c(4L, 3L, 2L))
  expect_error(autoplot(found, rgb = "stronger"), class = "bandlens_error_bands")
  expect_error(
    autoplot(made_features(bands = c("a", "b"), wavelengths = NaN), rgb = "strongest"),
    class = "bandlens_error_bands"
  )
})

test_that("the strongest bands of top images are the strongest of those made, else those that set them apart", {
  top <- made_top()
  apart <- c(3, 0.2, -4, 1, rep(0, 8), -2)
  top$mean[] <- rep(top$all_mean + apart * top$all_std, each = prod(dim(top$mean)[1:2]))
  expect_match(autoplot(top, rgb = "strongest")$labels$subtitle, "red, green, blue: B12, B03, B01", fixed = TRUE)
  found <- made_features(n = 4)
  strongest <- autoplot(found, rgb = "strongest")$labels$subtitle
  strongest <- regmatches(strongest, regexpr("red, green, blue: [^;]*", strongest))
  both <- gsub("\n", " ", autoplot(top, found = found, rgb = "strongest")$labels$subtitle)
  expect_match(both, gsub("\n", " ", strongest), fixed = TRUE)
})

test_that("pictures have a background, so that files of them are not transparent", {
  theme <- ggplot2::ggplot_build(autoplot(made_features(n = 1)))$plot$theme
  expect_identical(ggplot2::calc_element("plot.background", theme)$fill, ink("paper"))
})

test_that("every tile has its deviation or weight, on one scale about zero", {
  kernels <- made_kernels(n = 14)
  plot <- autoplot(kernels)
  at <- drawn(plot, 2)
  expect_equal(nrow(at), length(kernels$values))
  scale <- ggplot2::ggplot_build(plot)$plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(-1, 1) * max(abs(kernels$values)))
  expect_equal(at$fill, scale$map(as.vector(aperm(kernels$values, c(3, 2, 4, 1)))))
  expect_identical(x_labels(plot), kernels$bands)
  # blocks side by side, where bands are few
  blocks <- ggplot2::ggplot_build(plot)$layout$panel_params
  expect_gt(length(blocks), 1)
  rows <- unlist(lapply(blocks, function(block) block$y$get_labels()[!is.na(block$y$get_breaks())]))
  expect_identical(rows, as.character(3:16))

  found <- made_features(bands = paste0("b", 1:40), wavelengths = NaN, n = 2) # waves in bands 3 to 6
  plot <- autoplot(found, "bands")
  expect_match(plot$labels$subtitle, "26 of 40 bands, those that hold most")
  expect_true(all(paste0("b", 3:6) %in% x_labels(plot)))
})

test_that("spectra have the means and ranges of the table", {
  found <- made_features()
  plot <- autoplot(found, "spectrum")
  line <- drawn(plot, 3)
  expect_equal(line$y, tidy(found, "band")$mean)
  expect_equal(line$x, tidy(found, "band")$wavelength)
  ribbon <- drawn(plot, 2)
  expect_equal(ribbon$ymax - ribbon$ymin, 2 * tidy(found, "band")$std)
  expect_equal(drawn(plot, 1)$ymin, tidy(found, "band")$low)
  # spectra have nothing to spread over
  expect_no_match(autoplot(made_features(size = c(1, 1)))$labels$subtitle, "standard deviation")
})

test_that("traces are parts of each image's largest activation, without dead features", {
  found <- made_features(n = 3, dead = 2)
  plot <- autoplot(found, "trace")
  expect_equal(drawn(plot, 1)$y, rep(1:3 / 3, 2))
  expect_equal(drawn(plot, 2)$y, 1:3 / 3)
  expect_match(plot$labels$subtitle, "1 dead left out")
  found$trace[1, 3] <- NA # an interrupt prevented it
  expect_equal(nrow(drawn(autoplot(found, "trace"), 1)), 5)
  expect_error(autoplot(made_features(steps = 1), "trace"), class = "bandlens_error_result")
})

test_that("layers are rows, of features that are not dead", {
  early <- made_features(n = 3, dead = 1)
  late <- made_features(n = 1, layer = "conv3")
  plot <- autoplot(c(early, late))
  expect_identical(gsub("\n", " ", strips(plot)), c("conv2: 4", "5", "conv3: 3", ""))
  expect_identical(unique(pixels(plot)$panel), 1:3)
  expect_identical(strips(autoplot(c(early, late), per_layer = 1)), c("conv2: 4", "conv3: 3"))
  other <- made_features(size = c(3, 3))
  expect_snapshot(error = TRUE, autoplot(c(early, other)))
  expect_error(autoplot(c(made_features(n = 1, dead = 1), late)), class = "bandlens_error_result")
  expect_error(autoplot(c(early, made_features(bands = letters[1:13]))), class = "bandlens_error_result")
})

test_that("activations are drawn where they are", {
  activations <- made_activations()
  plot <- autoplot(activations, 2)
  at <- pixels(plot)
  scale <- ggplot2::ggplot_build(plot)$plot$scales$get_scales("fill")
  expect_equal(at$fill, scale$map(activations$values[cbind(2, at$row, at$col, at$panel)]))
  expect_equal(scale$limits[[1]], -scale$limits[[2]])
  positive <- ggplot2::ggplot_build(autoplot(made_activations(signed = FALSE)))$plot$scales$get_scales("fill")
  expect_equal(positive$limits[[1]], 0)
  bars <- drawn(autoplot(made_activations(size = integer()), 2))
  expect_equal(bars$ymin + bars$ymax, made_activations(size = integer())$values[2, ], ignore_attr = TRUE)
  silent <- made_activations()
  silent$values[2, , , 3] <- 0
  expect_match(autoplot(silent, 2)$labels$subtitle, "1 of 5 features silent")
  expect_error(autoplot(activations, 3), class = "bandlens_error_option")
  expect_error(autoplot(made_activations(size = c(2, 2, 2))), class = "bandlens_error_result")
})

test_that("top images stand behind the image that was made", {
  found <- made_features()
  top <- made_top()
  plot <- autoplot(top, found = found[4:1], most = 2)
  expect_identical(gsub("\n", " ", strips(plot))[1:4], c("feature 3", "9.67", "8.33", "feature 4"))
  at <- pixels(plot)
  alone <- pixels(autoplot(found))
  expect_identical(at$fill[at$panel == 4], alone$fill[alone$panel == 2])
  data <- at[at$panel == 5, ] # of feature 4, the first place
  part <- top$values[, 1:2, , , ]
  red <- (top$values[cbind(2, 1, data$row, data$col, 4)] - quantile(part[, , , , 4], 0.02)) /
    diff(quantile(part[, , , , 4], c(0.02, 0.98)))
  expect_equal(
    grDevices::col2rgb(data$fill)["red", ], floor(255 * pmin(pmax(unname(red), 0), 1) + 0.5),
    ignore_attr = TRUE
  )
  spectra <- autoplot(top, "spectrum", found = found)
  expect_equal(drawn(spectra, 1)$ymax[1:13], top$all_mean + top$all_std)
  lines <- drawn(spectra, 3)
  expect_setequal(round(lines$y[lines$PANEL == 2], 8), round(c(
    colMeans(top$mean[2, , ]), tidy(found, "band")$mean[14:26]
  ), 8))
})

test_that("what can't be drawn is named", {
  found <- made_features()
  expect_error(autoplot(found, "bands", rgb = 1:3), class = "bandlens_error_option")
  expect_error(autoplot(made_features(size = c(1, 1)), "grid"), class = "bandlens_error_result")
  expect_error(autoplot(found, width = 0), class = "bandlens_error_option")
  expect_error(autoplot(made_kernels(n = 200)), class = "bandlens_error_option")
  expect_snapshot(error = TRUE, {
    autoplot(made_features(n = 17), "bands")
    autoplot(made_features(n = 65))
    autoplot(made_top(), found = made_features(layer = "conv3"))
    autoplot(made_top(), found = made_features(size = c(3, 3)))
    autoplot(made_top(), found = 1)
  })
})

test_that("plot() draws the picture", {
  expect_identical(plot(made_features(), rgb = 1:3)$data, autoplot(made_features(), rgb = 1:3)$data)
  expect_identical(plot(made_kernels(), "profile")$data, autoplot(made_kernels(), "profile")$data)
  expect_identical(plot(made_activations(), 2)$data, autoplot(made_activations(), 2)$data)
  expect_identical(plot(made_top())$data, autoplot(made_top())$data)
})
