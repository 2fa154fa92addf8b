# tidy(), augment(), glance() and their columns, from a stored result.

class_columns <- c(
  "class", "output", "band", "wavelength", "importance", "effect", "share", "rank",
  "std_error", "conf_low", "conf_high", "n"
)
image_columns <- c("image", "class", "output", "band", "wavelength", "score")

test_that("tidy() gives the contracted columns", {
  result <- stored_result()
  expect_s3_class(tidy(result), "tbl_df")
  expect_named(tidy(result), class_columns)
  expect_named(tidy(result, "image"), image_columns)
  expect_named(tidy(result, "overall"), class_columns)
  expect_identical(nrow(tidy(result, "overall")), 2L)
  expect_identical(tidy(result, level = "class"), tidy(result))
  expect_error(tidy(result, "pixel"), class = "bandlens_error_option")
  expect_error(tidy(result, levels = "image"), "no such argument: `levels`", class = "bandlens_error_option")
})

test_that("as.data.frame() gives the same without being a tibble", {
  result <- stored_result()
  expect_identical(class(as.data.frame(result)), "data.frame")
  expect_identical(tibble::as_tibble(as.data.frame(result, level = "image")), tidy(result, "image"))
  expect_identical(tibble::as_tibble(as.data.frame(result, level = "overall")), tidy(result, "overall"))
})

test_that("augment() has one row per image, or per image and output", {
  one <- augment(stored_result())
  expect_named(one, c(
    "image", "class", "prediction", "output", ".value", ".base_value", ".score_blue", ".score_nir\u00e9"
  ))
  expect_identical(one$image, 1:4)
  expect_identical(as.character(one$prediction), c("water", "{forest}", "{forest}", "{forest}"))
  two <- augment(stored_result(k = 2))
  expect_identical(two$image, rep(1:4, each = 2))
  expect_identical(as.character(two$output), rep(c("water", "{forest}"), 4))
  expect_equal(two$.base_value, rep(c(0.25, 0.5), 4))
  long <- tidy(stored_result(k = 2), "image")
  expect_equal(two$.score_blue, long$score[long$band == "blue"])
  expect_equal(two[[".score_nir\u00e9"]], long$score[long$band != "blue"])
})

test_that("glance() has one row, and NA for what a method doesn't have", {
  expect_identical(glance(stored_result())$n_background, 2L)
  value <- bridge_value()
  expect_identical(glance(stored_result())$cancellation, 2.5)
  without <- c("background", "completeness", "residuals", "cancellations", "cancellation", "background_source")
  value[without] <- list(NULL)
  row <- glance(as_band_importance(value))
  expect_equal(nrow(row), 1)
  expect_identical(row$completeness, NA_real_)
  expect_identical(row$cancellation, NA_real_)
  expect_identical(row$n_background, NA_integer_)
  expect_identical(row$local_fit, NA_real_)
  expect_equal(row[c("n", "n_bands", "n_classes")], tibble::tibble(n = 4L, n_bands = 2L, n_classes = 2L))
  value$median_local_fit <- 0.75
  expect_identical(glance(as_band_importance(value))$local_fit, 0.75)
  expect_identical(names(row), c(
    "method", "statistic", "output", "n", "n_bands", "n_classes", "n_background", "completeness", "seed", "model",
    "seconds", "local_fit", "cancellation", "accuracy", "chance", "task", "head", "background_part",
    "precision_reached", "converged", "background_strategy"
  ))
})

test_that("results are plain data", {
  result <- stored_result()
  expect_false(holds_live_objects(result))
  file <- withr::local_tempfile()
  saveRDS(result, file)
  expect_identical(readRDS(file), result)
})

test_that("the result that ships for the examples has today's form", {
  shipped <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
  expect_s3_class(shipped, "band_importance")
  expect_identical(setdiff(names(stored_result()), names(shipped)), character())
  expect_lt(as.numeric(utils::object.size(shipped)), 1e5)
  expect_true(all(c("share_low", "p_first", "se_images", "se_background") %in% names(tidy(shipped))))
  expect_false(anyNA(shipped$table$se_background))
})

test_that("a result that 0.1.0 stored is printed, summarised and drawn", {
  old <- landsat_result()
  expect_equal(dim(tidy(old)), c(24, 12))
  expect_identical(glance(old)$background_part, NA_real_)
  expect_match(format(old)[[1]], "deepshap")
  expect_output(print(summary(old)), "deepshap")
  for (type in c("heatmap", "bars", "spectrum")) {
    expect_s3_class(autoplot(old, type), "ggplot")
  }
})
