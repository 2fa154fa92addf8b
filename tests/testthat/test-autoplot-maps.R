# Pictures of attributions. They are drawn from plain maps, so hardly anything here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

landsat_maps <- function(...) made_maps(wavelengths = c(550, 650, 750, 950), ...)
sentinel_maps <- function(size = c(32, 32)) made_maps(size, names(sentinel), sentinel)
many_maps <- function(size = c(4, 6)) made_maps(size, paste0("b", 1:60), seq(400, 2400, length.out = 60))
spectra <- function(...) made_maps(1, paste0("b", 1:40), seq(400, 2400, length.out = 40), band_first = TRUE, ...)

# Fills of the tiles by panel, row and column.
fills <- function(plot, layer = 1) {
  data <- drawn(plot, layer)
  data.frame(panel = as.integer(data$PANEL), row = -data$y, col = data$x, fill = data$fill)
}

test_that("pictures of maps stay as they are", {
  maps <- landsat_maps()
  expect_picture("maps of small patches", autoplot(maps))
  expect_picture("maps beside a composite, one column", autoplot(maps, 2, x = map_pixels_of(maps), width = 85))
  maps <- sentinel_maps(c(5, 5)) # tiles, since images in files differ from machine to machine
  expect_picture("maps of 13 bands", autoplot(maps, x = map_pixels_of(maps)))
  expect_picture("maps of 60 bands", autoplot(many_maps(c(2, 3))))
  maps <- spectra()
  expect_picture("attributions of a spectrum", autoplot(maps, x = map_pixels_of(maps)))
  expect_picture("attributions along one axis of pixels", autoplot(made_maps(20)))
})

test_that("no picture of maps warns", {
  for (maps in list(
    landsat_maps(), many_maps(), spectra(), made_maps(20), made_maps(1), made_maps(c(1, 5)), made_maps(c(3, 3), "one"),
    made_maps(c(30, 4), c("a", "b"), all_outputs = TRUE, method = "saliency")
  )) {
    for (width in c(85, 175)) expect_no_warning(ggplot2::ggplotGrob(autoplot(maps, width = width)))
  }
})

test_that("every tile has the colour of its attribution, on one scale about zero", {
  maps <- landsat_maps(all_outputs = TRUE)
  plot <- autoplot(maps, 2, 3)
  values <- maps$values[2, 3, , , ]
  at <- fills(plot)
  expect_equal(nrow(at), length(values))
  limit <- max(abs(values))
  scale <- ggplot2::ggplot_build(plot)$plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(-limit, limit))
  expect_equal(at$fill, scale$map(values[cbind(at$row, at$col, at$panel)]))
  expect_identical(strips(plot), maps$bands)
  expect_match(plot$labels$subtitle, "DeepSHAP, logit of city\nimage 2: forest, predicted as water; positive values")
  expect_identical(autoplot(maps, 2, "city")$data, plot$data)
})

test_that("the composite stands in front, stretched over all images", {
  maps <- landsat_maps()
  x <- map_pixels_of(maps)
  plot <- autoplot(maps, 3, x = x)
  expect_identical(gsub("\n", " ", strips(plot)), c("RGB: nir1, red, green", maps$bands))
  at <- fills(plot, 2)
  expect_identical(at$panel, rep(1L, 9))
  bright <- vapply(c(3, 2, 1), function(band) {
    ends <- quantile(x[, , , band], c(0.02, 0.98))
    pmin(pmax((x[cbind(3, at$row, at$col, band)] - ends[[1]]) / (ends[[2]] - ends[[1]]), 0), 1)
  }, numeric(9))
  expect_equal(t(grDevices::col2rgb(at$fill)), round(255 * bright), ignore_attr = TRUE)

  as_list <- lapply(1:3, function(i) x[i, , , ])
  expect_identical(fills(autoplot(maps, 3, x = as_list), 2), at)
  chosen <- autoplot(maps, 3, x = x, rgb = c("nir2", "red", "red"))
  expect_identical(fills(chosen, 2), fills(autoplot(maps, 3, x = x, rgb = c(4, 2, 2)), 2))
  expect_match(gsub("\n", " ", strips(chosen)[[1]]), "RGB: nir2, red, red")
})

test_that("composites have the bands of red, green and blue light, by wavelength, else by name, as in Python", {
  cases <- utils::read.csv(test_path("..", "fixtures", "composites.csv"), colClasses = c(shown = "character"))
  for (case in split(cases, cases$case)) {
    chosen <- composite_bands(case$band, case$wavelength)
    expect_identical(case$shown[chosen], primaries, info = case$case[[1]])
    false <- false_colours(list(bands = case$band, wavelengths = case$wavelength), chosen)
    expect_identical(is.null(false), case$true_colours[[1]] == "yes", info = case$case[[1]])
  }
  expect_equal(composite_bands("pan", 500), c(1, 1, 1))
  flat <- array(7, c(1, 3, 2, 2))
  expect_equal(unique(as.vector(composite(flat, 1, 1:3))), "#808080")
})

test_that("pictures say where colours are false", {
  maps <- landsat_maps()
  note <- function(maps, ...) gsub("\n", " ", autoplot(maps, x = map_pixels_of(maps), ...)$labels$subtitle)
  false <- "false colours, as bands of red, green and blue are not all known: nir1, red, green"
  expect_match(note(maps), false, fixed = TRUE)
  expect_no_match(note(maps, rgb = c("nir2", "nir1", "red")), "false")
  maps <- sentinel_maps(c(5, 5))
  expect_no_match(note(maps), "false")
  expect_match(gsub("\n", " ", strips(autoplot(maps, x = map_pixels_of(maps)))[[1]]), "RGB: B04, B03, B02")
})

test_that("several images stand in rows on one scale beside their composites", {
  maps <- landsat_maps()
  x <- map_pixels_of(maps)
  plot <- autoplot(maps, c(3, 1), x = x)
  expect_picture("several maps", plot)
  values <- maps$values[c(3, 1), 1, , , ]
  limit <- max(abs(values))
  scale <- plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(-limit, limit))
  tiles <- drawn(plot, 2)
  tiles <- tiles[order(-tiles$y, tiles$x), ] # row of an image, row of pixels, band, column
  expect_equal(tiles$fill, scale$map(as.vector(aperm(values, c(3, 4, 2, 1)))))
  front <- drawn(plot, 3)
  alone <- function(image) {
    at <- drawn(autoplot(maps, image, x = x), 2)
    at$fill[order(-at$y, at$x)]
  }
  expect_identical(front$fill[order(-front$y, front$x)], c(alone(3), alone(1)))
  expect_identical(y_labels(plot), c("3: city", "1: water"))
  expect_identical(x_labels(plot), c("RGB", maps$bands))
  note <- gsub("\n", " ", plot$labels$subtitle)
  expect_match(note, "^DeepSHAP, class logit rows: images with their classes")
  expect_match(note, "false colours", fixed = TRUE)
  expect_identical(gsub("\n", " ", y_labels(autoplot(maps, 1:3)))[[2]], "2: forest, as water")
  every <- landsat_maps(all_outputs = TRUE)
  expect_match(autoplot(every, 1:2, "city")$labels$subtitle, "^DeepSHAP, logit of city\n")
})

test_that("each of several images may have its own scale", {
  maps <- landsat_maps()
  maps$values[2, , , , ] <- maps$values[2, , , , ] / 1000
  plot <- autoplot(maps, 1:2, scales = "free")
  expect_picture("several maps on free scales", plot)
  scale <- plot$scales$get_scales("fill")
  expect_equal(scale$limits, c(-1, 1))
  values <- maps$values[1:2, 1, , , ]
  values <- values / apply(abs(values), 1, max)
  tiles <- drawn(plot, 2)
  expect_equal(tiles$fill[order(-tiles$y, tiles$x)], scale$map(as.vector(aperm(values, c(3, 4, 2, 1)))))
  expect_match(gsub("\n", " ", plot$labels$subtitle), "each has its own scale", fixed = TRUE)
  expect_no_match(autoplot(maps, 1:2)$labels$subtitle, "own scale")
})

test_that("several images of many bands show those that have room", {
  for (n in c(60, 200)) {
    maps <- made_maps(c(20, 30), paste0("b", seq_len(n)), seq(400, 2400, length.out = n)) # an image, not tiles
    plot <- autoplot(maps, 1:3, x = map_pixels_of(maps))
    expect_no_warning(ggplot2::ggplotGrob(plot))
    labels <- x_labels(plot)
    best <- sort(order(-apply(abs(maps$values), 5, sum))[seq_len(length(labels) - 1)])
    expect_identical(labels, c("RGB", sprintf("%.0f nm", maps$wavelengths[best])))
    expect_true(length(best) %in% 10:12)
    expect_match(gsub("\n", " ", plot$labels$subtitle), sprintf("%d of %d bands, those with", length(best), n))
  }
})

test_that("several images that can't be drawn together are named", {
  maps <- landsat_maps()
  expect_snapshot(error = TRUE, {
    autoplot(maps, rep(1:3, 5))
    autoplot(maps, c(1, 4))
    autoplot(maps, 1, scales = "free")
    autoplot(spectra(), 1:2)
    autoplot(maps, 1:2, rgb = 1:3)
  })
})

test_that("of many bands those that matter most are shown, and single large values don't bleach the others", {
  maps <- many_maps()
  plot <- autoplot(maps)
  sums <- apply(abs(maps$values[1, 1, , , ]), 3, sum)
  best <- sort(order(-sums)[1:25])
  expect_identical(strips(plot), sprintf("%.0f nm", maps$wavelengths[best]))
  expect_match(gsub("\n", " ", plot$labels$subtitle), "25 of 60 bands, those with the largest sum of |attribution|",
    fixed = TRUE
  )
  maps <- sentinel_maps()
  expect_no_match(autoplot(maps)$labels$subtitle, "darkest")
  maps$values[1, 1, 1, 1, 1] <- 50
  plot <- autoplot(maps)
  expect_match(
    gsub("\n", " ", plot$labels$subtitle), "the darkest colours stand for all beyond \u00b10.4, 0.1 % of values"
  )
  limit <- quantile(abs(maps$values[1, 1, , , ]), 0.999, names = FALSE)
  expect_equal(ggplot2::ggplot_build(plot)$plot$scales$get_scales("fill")$limits, c(-limit, limit))
  expect_equal(scale_end(c(0, 0)), list(limit = 1, beyond = FALSE))
  expect_equal(c(scale_tick(0.3), scale_tick(0.3999), scale_tick(12345)), c(0.3, 0.39, 12000))
})

test_that("spectra are lines along their wavelengths, wherever the bands are", {
  maps <- spectra()
  plot <- autoplot(maps, 2)
  line <- drawn(plot, 2)
  expect_equal(line$x, maps$wavelengths)
  expect_equal(line$y, as.vector(maps$values[2, 1, , 1]))
  beside <- autoplot(maps, 2, x = map_pixels_of(maps))
  expect_identical(strips(beside), c("Spectrum", "Attribution (logit)"))
  expect_equal(drawn(beside, 2)$y[1:40], as.vector(map_pixels_of(maps)[2, , 1]))
  expect_identical(x_labels(autoplot(made_maps(1))), c("green", "red", "nir1", "nir2"))
})

test_that("images with one axis of pixels have a line per band", {
  maps <- made_maps(20)
  line <- drawn(autoplot(maps), 2)
  expect_equal(line$y, as.vector(maps$values[1, 1, , ]))
  expect_equal(line$x, rep(1:20, 4))
})

test_that("what can't be drawn is named", {
  maps <- landsat_maps()
  x <- map_pixels_of(maps)
  expect_error(autoplot(maps, 4), class = "bandlens_error_option")
  expect_error(autoplot(maps, 1, 2), class = "bandlens_error_option")
  expect_error(autoplot(maps, 1, "city"), class = "bandlens_error_option")
  expect_error(autoplot(maps, rgb = 1:3), class = "bandlens_error_option")
  expect_error(autoplot(maps, x = x, rgb = c("red", "green", "swir")), class = "bandlens_error_bands")
  expect_error(autoplot(maps, x = x, rgb = c(1, 2)), class = "bandlens_error_bands")
  expect_error(autoplot(maps, x = x[1:2, , , ]), class = "bandlens_error_input")
  expect_error(autoplot(maps, x = x / 0), class = "bandlens_error_input")
  expect_error(autoplot(maps, width = -1), class = "bandlens_error_option")
  expect_error(autoplot(spectra(), x = map_pixels_of(spectra()), rgb = 1:3), class = "bandlens_error_option")
  expect_error(autoplot(made_maps(20), x = map_pixels_of(made_maps(20))), class = "bandlens_error_option")
  expect_snapshot(error = TRUE, {
    autoplot(made_maps(c(2, 3, 4)))
    autoplot(maps, x = x[1:2, , , ])
    autoplot(maps, x = x, rgb = "red")
    autoplot(maps, 1, "city")
  })
})

test_that("maps of a model are drawn beside its images, which may live in Python", {
  skip_without_python()
  x <- images(2)
  maps <- band_maps(small_model(), x, labels(2), background = images(8, seed = 2))
  plot <- autoplot(maps, 2, x = x)
  expect_identical(strips(plot), c("RGB", bands))
  expect_identical(fills(plot), fills(autoplot(maps, 2)) |> transform(panel = panel + 1L))
  theirs <- reticulate::np_array(unname(x))
  expect_identical(fills(autoplot(maps, 2, x = theirs), 2), fills(plot, 2))
})

test_that("plot() draws the picture", {
  maps <- landsat_maps()
  expect_identical(plot(maps, 2)$data, autoplot(maps, 2)$data)
})
