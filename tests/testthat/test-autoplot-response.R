# Pictures of curves, of scores of one image, and of scores against levels. Nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

panels <- function(plot) nrow(ggplot2::ggplot_build(plot)$layout$layout)

test_that("pictures stay as they are", {
  expect_picture("response", autoplot(made_response()))
  expect_picture("response of 60 bands, 6 classes", autoplot(made_response(60, 6)))
  expect_picture("response of 200 bands, 20 classes", autoplot(made_response(200, 20)))
  expect_picture("response of several outputs", autoplot(made_response(4, 3, all_outputs = TRUE), bands = 1:2))
  expect_picture("response of single images", autoplot(made_response(n = 6, kind = "ice")))
  expect_picture("waterfall", autoplot(summed(), "waterfall", image = 7))
  expect_picture("waterfall of 60 bands, one column", autoplot(
    summed(paste("land cover", 1:2), paste0("band_", 1:60), n = 4), "waterfall",
    width = 85
  ))
  expect_picture("dependence", autoplot(summed(), "dependence"))
})

test_that("curves have a panel per band and a colour per class", {
  few <- autoplot(made_response(4, 2))
  expect_equal(panels(few), 4)
  expect_match(few$labels$subtitle, "Accumulated local effects, class logit\nn = 24 images; shaded: 95 %", fixed = TRUE)
  expect_identical(few$labels$y, "Effect on the output (logit)")
  many <- autoplot(made_response(200, 20, n = 3))
  expect_equal(panels(many), 6)
  note <- gsub("\n", " ", many$labels$subtitle)
  expect_match(note, "6 of 200 bands, those with the largest curves; 8 of 20 classes in colour, those with the largest")
  # with a wavelength where it is known
  expect_identical(strips(few)[[1]], "band_1 (400 nm)")
  expect_identical(strips(autoplot(made_response(4, 2, known = FALSE)))[[1]], "band_1")
})

test_that("the strongest bands are shown unless others are wanted", {
  response <- made_response(20, 3)
  curves <- tidy(response)
  spans <- stats::aggregate(effect ~ class + band, curves, function(effect) diff(range(effect)))
  spans <- vapply(split(spans$effect, spans$band), mean, 0)
  expect_setequal(present(droplevels(autoplot(response)$data$band)), names(sort(-spans))[1:6])
  expect_length(present(autoplot(response, top = 2)$data$band), 2)
  chosen <- autoplot(response, bands = c("band_7", "band_1"), classes = "land cover 2")
  expect_identical(present(chosen$data$band), c("band_1", "band_7"))
  expect_identical(present(chosen$data$class), "land cover 2")
  expect_match(gsub("\n", " ", chosen$labels$subtitle), "2 of 20 bands; 1 of 3 classes in colour")
})

test_that("intervals that would make curves flat are cut, and that is said", {
  wide <- made_response()
  wide$conf_high <- wide$effect + 100
  plot <- autoplot(wide)
  expect_match(plot$labels$subtitle, "cut at the edges")
  expect_equal(max(plot$data$conf_high), max(wide$effect) + diff(range(wide$effect)) / 2)
  expect_no_match(autoplot(made_response())$labels$subtitle, "cut")
})

test_that("bars show the levels of all images", {
  response <- made_response(4, 2)
  bars <- drawn(autoplot(response))
  high <- bars$ymax - bars$ymin
  for (panel in 1:4) {
    own <- high[bars$PANEL == panel]
    counts <- graphics::hist(response$band_levels[, panel], plot = FALSE, breaks = seq(
      min(response$band_levels[, panel]), max(response$band_levels[, panel]),
      length.out = 31
    ), include.lowest = TRUE)$counts
    expect_equal(sum(own / max(own) * max(counts)), 24, tolerance = 0.2)
  }
  expect_lt(max(bars$ymax), min(response$effect))
})

test_that("curves of single images have a panel per class and band", {
  plot <- autoplot(made_response(20, 6, n = 8, kind = "ice"))
  expect_equal(panels(plot), 16)
  expect_match(gsub("\n", " ", plot$labels$subtitle), "4 of 20 bands, those with the largest curves; 4 of 6 classes")
  lines <- drawn(plot)
  expect_equal(length(unique(paste(lines$PANEL, lines$group))), 16 * 8)
  many <- autoplot(made_response(2, 2, n = 150, kind = "ice"))
  expect_length(unique(many$data$image), 200)
  expect_match(gsub("\n", " ", many$labels$subtitle), "at most 100 images of a class are drawn")
})

test_that("steps are lines in panels of bands and classes", {
  expect_picture("response at steps", autoplot(stepped_response(2)))
  expect_picture("response at steps of several inputs", autoplot(stepped_response(2, 6, TRUE, all_outputs = TRUE)))
  plot <- autoplot(stepped_response(2))
  expect_equal(panels(plot), 6)
  lines <- drawn(plot, 2)
  expect_equal(length(unique(paste(lines$PANEL, lines$group))), 18)
  expect_length(unique(lines$colour), 3)
  expect_match(plot$labels$subtitle, "a line for each of 3 steps")
  many <- autoplot(stepped_response(7, 6))
  note <- gsub("\n", " ", many$labels$subtitle)
  expect_match(note, "4 of 7 bands, those with the largest curves; 4 of 6 classes, those with the largest curves")
  few <- autoplot(stepped_response(7, 6), bands = "band_7", classes = "land cover 2")
  expect_equal(panels(few), 1)
  expect_match(autoplot(stepped_response(2, several = TRUE))$labels$subtitle, "bands\\s+without steps")
  expect_error(autoplot(stepped_response(2), bands = "VV"), class = "bandlens_error_bands")
  # of single images, and of one step, each cell has a panel
  expect_equal(panels(autoplot(stepped_response(2, 2, kind = "ice"), bands = 1:2)), 4)
})

test_that("options that don't fit are refused", {
  response <- made_response()
  expect_error(autoplot(response, bands = "nir"), class = "bandlens_error_bands")
  expect_error(autoplot(response, bands = 5), class = "bandlens_error_bands")
  expect_error(autoplot(response, bands = 1, top = 2), class = "bandlens_error_option")
  expect_error(autoplot(response, classes = "sea"), class = "bandlens_error_option")
  expect_error(autoplot(response, top = 0), class = "bandlens_error_option")
  expect_error(autoplot(response, type = "bars"), class = "bandlens_error_option")
  expect_error(autoplot(summed(), "bars", bands = 1), class = "bandlens_error_option")
  expect_error(autoplot(summed(), "bars", image = 2), class = "bandlens_error_option")
  expect_error(autoplot(summed(), "waterfall", image = 100), class = "bandlens_error_option")
  expect_error(autoplot(summed(), "waterfall", output = "city"), class = "bandlens_error_option")
  expect_error(autoplot(summed(), "waterfall", values = TRUE), class = "bandlens_error_option")
})

test_that("bands without a curve can only be shown with others", {
  response <- made_response()
  kept <- response$row_band != "band_2"
  rows <- fields_along("band_response", "row")
  response[rows] <- lapply(response[rows], `[`, kept)
  expect_error(autoplot(response, bands = "band_2"), class = "bandlens_error_result")
  expect_equal(panels(autoplot(response)), 4)
})

test_that("a waterfall leads from the background to the image", {
  result <- summed(bands = paste0("band_", 1:60))
  plot <- autoplot(result, "waterfall", image = 7)
  steps <- plot$data
  expect_equal(nrow(steps), 11)
  scores <- result$scores[7, 1, ]
  expect_equal(steps$end[[11]], result$output_values[[7]])
  expect_equal(steps$step[[11]], unname(scores[which.max(abs(scores))]))
  expect_identical(steps$name[[1]], "50 other bands")
  expect_equal(sum(steps$step), sum(scores))
  expect_identical(steps$sign, ifelse(steps$step < 0, "-", "+"))
  labels <- y_labels(plot)
  expect_identical(labels[c(1, 13)], c("mean of the background", "this image"))
  expect_match(plot$labels$subtitle, "image 7: forest; positive values raise the logit", fixed = TRUE)
  expect_equal(nrow(autoplot(result, "waterfall", top = 3)$data), 4)
  result$method <- "integrated_gradients"
  expect_identical(y_labels(autoplot(result, "waterfall"))[[1]], "baseline")
})

test_that("what scores miss has a bar where it is not negligible", {
  result <- summed()
  result$output_values <- result$output_values + 0.4
  steps <- autoplot(result, "waterfall")$data
  expect_identical(steps$sign[[1]], "none")
  expect_match(steps$text[[1]], "+0.40", fixed = TRUE)
  expect_equal(utils::tail(steps$end, 1), result$output_values[[1]])
  result$output_values <- result$output_values - 0.4 + 1e-5
  expect_false("none" %in% autoplot(result, "waterfall")$data$sign)
  result$residuals <- NULL
  expect_error(autoplot(result, "waterfall"), class = "bandlens_error_result")
})

test_that("dependence shows scores over levels", {
  result <- summed(paste("land cover", 1:20), paste0("band_", 1:200))
  plot <- autoplot(result, "dependence")
  expect_equal(panels(plot), 6)
  row <- plot$data[9, ]
  expect_identical(row$level, result$band_means[row$image, as.integer(row$band)])
  expect_identical(row$score, result$scores[row$image, 1, as.integer(row$band)])
  note <- gsub("\n", " ", plot$labels$subtitle)
  expect_match(note, "6 of 200 bands, those with the largest mean share; 8 of 20 classes in colour")
  expect_identical(present(autoplot(result, "dependence", bands = 3)$data$band), "band_3")
  many <- autoplot(summed(n = c(800, 900, 3)), "dependence")
  expect_length(unique(many$data$image), 1000)
  expect_match(many$labels$subtitle, "points: 1000 images, drawn with seed 0")
  result$drops <- array(0, c(2, 4, 4))
  expect_error(autoplot(result, "dependence"), class = "bandlens_error_result")
})
