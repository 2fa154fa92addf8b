# Counterfactual spectra: what becomes of R's arguments, and of what comes back.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

# Logits of two classes: red alone decides.
red_decides <- function(x) {
  score <- apply(x, c(1, 4), mean)[, "red"] - 0.5
  cbind(low = -score, high = score)
}

test_that("the band that decides changes as far as it has to, and what is found can be saved", {
  skip_without_python()
  x <- images(20)
  found <- counterfactual_spectra(red_decides, x, output = "logit")
  expect_s3_class(found, "counterfactual_spectra")
  expect_false(holds_live_objects(found))
  table <- tidy(found)
  expect_named(table, c(
    "image", "class", "counterfactual_class", "band", "wavelength", "from", "to", "change", "change_sd", "amount"
  ))
  expect_identical(table$image, 1:20)
  expect_identical(as.character(unique(table$band)), "red")
  expect_equal(table$to, rep(0.5, 20), tolerance = 1e-3)
  expect_equal(table$from, unname(apply(x, c(1, 4), mean)[, "red"]), tolerance = 1e-6)
  of_images <- tidy(found, "image")
  # neighbours are of the other class
  own <- red_decides(x)[, "high"] > 0
  expect_identical(own[of_images$neighbour], !own)
  file <- withr::local_tempfile()
  saveRDS(found, file)
  expect_identical(readRDS(file), found)
  expect_s3_class(ggplot2::ggplot_build(autoplot(found)), "ggplot_built")
  expect_s3_class(ggplot2::ggplot_build(autoplot(found, "spectra", images = 2)), "ggplot_built")
})

test_that("errors come before anything is computed, and count images from 1", {
  skip_without_python()
  x <- images(20)
  expect_error(counterfactual_spectra(red_decides, x, output = "logit", to = "wood"), "names no class")
  low <- x[red_decides(x)[, "high"] < 0, , , , drop = FALSE]
  expect_error(counterfactual_spectra(red_decides, low, output = "logit"), "another class")
  expect_error(counterfactual_spectra(red_decides, x, shrink = 2), "shrink")
  expect_error(counterfactual_spectra(red_decides, x, neighbours = 0), "neighbours")
})

test_that("tables, words and pictures need no Python, and no image is left out", {
  found <- made_counterfactuals()
  expect_identical(tidy(found)$image, c(1L, 2L, 2L, 3L, 4L))
  expect_true(is.na(tidy(found)$band[[5]]))
  expect_identical(tidy(found, "image")$neighbour, c(5L, 6L, 5L, NA))
  expect_identical(as.character(tidy(found, "image")$status), rep(c("changed", "unchanged"), c(3, 1)))
  expect_identical(nrow(as.data.frame(found, level = "class")), 3L)
  expect_identical(glance(found)$n_changed, 3L)
  expect_identical(glance(found)$median_bands, 1)
  expect_output(print(found), "3 of 4 images change", fixed = TRUE)
  expect_output(print(summary(found)), "Bands are of real images", fixed = TRUE)
  tiles <- autoplot(found)
  expect_match(tiles$labels$subtitle, "3 of 4")
  expect_s3_class(ggplot2::ggplot_build(tiles), "ggplot_built")
  spectra <- autoplot(found, "spectra")
  expect_s3_class(spectra, "ggplot")
  expect_identical(levels(spectra$data$panel), "1")
  expect_identical(sum(spectra$data$marked), 2L)
  expect_error(autoplot(found, "spectra", images = 4), "image 4")
  expect_error(autoplot(found, "spectra", images = integer()), "0 images")
  expect_error(autoplot(found, images = 1), "tiles")
  none <- found
  none$status[] <- "unchanged"
  expect_error(autoplot(none), "No class was changed")
})
