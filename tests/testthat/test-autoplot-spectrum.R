# The picture "spectrum". It is drawn from plain results, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

nm <- c(650, 550, 480, 850) # not in the order of the spectrum

test_that("pictures of spectra stay as they are", {
  expect_picture("spectrum", autoplot(landsat_result(), "spectrum"))
  expect_picture("spectrum without wavelengths, one column", autoplot(
    scored(paste("land cover", 1:8), paste0("B", 1:13)), "spectrum",
    width = 85
  ))
  expect_picture("spectrum of 60 bands, 12 classes", autoplot(many_scored(60, 12), "spectrum"))
  expect_picture("spectrum of all outputs", autoplot(scored(all_outputs = TRUE, wavelengths = nm), "spectrum"))
})

test_that("no spectrum warns", {
  for (object in list(
    many_scored(4, 1), many_scored(13, 20), many_scored(200, 2), scored(n = c(5, 1, 3)), scored(n = 1),
    scored(n = c(5, 0, 3)), scored(paste0("c", 1:9), n = 2, all_outputs = TRUE)
  )) {
    for (width in c(85, 175)) {
      expect_no_warning(ggplot2::ggplotGrob(autoplot(object, "spectrum", width = width)))
    }
  }
})

test_that("a spectrum has a line per class in the order of wavelengths, with the table's intervals", {
  object <- scored(wavelengths = nm)
  plot <- autoplot(object, "spectrum")
  lines <- drawn(plot, 4)
  expect_identical(lines$x, rep(sort(nm), 3))
  expect_equal(lines$y, as.vector(matrix(object$table$importance, 4)[order(nm), ]))
  expect_identical(unique(lines$colour), unname(palette_colours("class")[1:3]))
  ribbons <- drawn(plot, 3)
  expect_equal(ribbons$ymin, as.vector(matrix(object$table$conf_low, 4)[order(nm), ]))
  expect_identical(ribbons$fill, lines$colour)
  expect_identical(plot$labels$x, "Wavelength (nm)")
  expect_identical(x_labels(plot), as.character(seq(500, 850, by = 50)))

  plot <- autoplot(scored(n = c(5, 1, 3), wavelengths = nm), "spectrum")
  expect_identical(nrow(drawn(plot, 3)), 8L) # no ribbon for a single image
  alone <- autoplot(scored("water", n = 1), "spectrum")
  expect_match(alone$labels$subtitle, "no interval from single images", fixed = TRUE)
})

test_that("without wavelengths of their own, bands stand side by side", {
  for (wavelengths in list(NA, c(650, 550, 650, 850), c(650, NA, 480, 850))) {
    plot <- autoplot(scored(wavelengths = wavelengths), "spectrum")
    expect_identical(plot$labels$x, "Band")
    expect_identical(x_labels(plot), c("red", "green", "blue", "nir"))
    expect_equal(as.numeric(drawn(plot, 3)$x), rep(1:4, 3))
  }
})

test_that("lines stop where bands were taken out", {
  wavelengths <- c(seq(400, 1340, by = 10), 1400, seq(1450, 1790, by = 10))
  expect_identical(runs(wavelengths), rep(c(0, 1, 2), c(95, 1, 35)))
  expect_identical(runs(c(443, 490, 560, 1610, 2190)), rep(0, 5)) # few bands are far from each other
  object <- many_scored(131, 2)
  object$wavelengths <- wavelengths
  object$table$wavelength <- rep(wavelengths, 2)
  plot <- autoplot(object, "spectrum")
  expect_identical(as.vector(table(drawn(plot, 4)$group)), rep(c(95L, 1L, 35L), 2))
  expect_identical(drawn(plot, 5)$x, c(1400, 1400))
})

test_that("more classes than colours have a panel each, with the others in grey", {
  object <- many_scored(13, 9)
  plot <- autoplot(object, "spectrum")
  expect_identical(strips(plot), sprintf("land cover %d (n = 4)", 1:9))
  expect_identical(as.vector(table(drawn(plot, 3)$PANEL)), rep(9L * 13L, 9))
  front <- drawn(plot, 5)
  expect_equal(front$y, object$table$importance)
  expect_identical(unique(front$colour), palette_colours("class")[[1]])
  expect_match(plot$labels$subtitle, "grey: the other classes", fixed = TRUE)
  expect_identical(nlevels(drawn(autoplot(many_scored(13, 8), "spectrum"), 3)$PANEL), 1L)
})

test_that("parts of the spectrum are shaded and named where wavelengths are known", {
  nm <- c(490, 560, 720, 850, 1600, 2200)
  object <- scored(bands = paste0("B", 1:6), wavelengths = nm)
  plot <- autoplot(object, "spectrum")
  expect_equal(drawn(plot, 1)$xmin, c(490, 790, 1900))
  names <- gsub("\n", " ", drawn(plot, length(plot$layers))$label)
  expect_identical(names, c("visible", "red edge", "NIR", "SWIR1", "SWIR2"))
  narrow <- autoplot(object, "spectrum", width = 60)
  expect_lt(nrow(drawn(narrow, length(narrow$layers))), 5) # what has no room is not named
  expect_null(shades(c(450, 500, 650), 100, 8)$behind) # all is visible
})

test_that("outputs have the panels of a spectrum", {
  plot <- autoplot(scored(all_outputs = TRUE), "spectrum")
  expect_identical(strips(plot), c("logit of water", "logit of forest", "logit of city"))
  expect_identical(nrow(drawn(plot, 3)), 36L)

  object <- scored(paste0("c", 1:9), n = 3, all_outputs = TRUE)
  plot <- autoplot(object, "spectrum")
  own <- object$table[as.character(object$table$class) == as.character(object$table$output), ]
  expect_equal(drawn(plot, 4)$y, own$importance)
  expect_match(plot$labels$subtitle, "coloured: the class of the output", fixed = TRUE)
})

test_that("arguments that a picture does not take are named", {
  expect_snapshot(error = TRUE, {
    autoplot(scored(), "spectrum", values = TRUE)
    autoplot(scored(), "distribution", values = FALSE)
    autoplot(scored(), "heatmap", top = 3)
    autoplot(scored(), "ranks", top = 2.5)
    autoplot(scored(), "distribution", top = 0)
  })
})
