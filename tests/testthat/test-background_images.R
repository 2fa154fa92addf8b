# What images are compared with; the numbers are tested in Python.

test_that("a strategy and weights are recorded, and told", {
  skip_without_python()
  pool <- images(12, seed = 2)
  result <- function(background, n = 6) {
    band_importance(small_model(), images(), labels(), background = background, n_background = n)
  }
  others <- result(background_images(list(x = pool, y = labels()), strategy = "others"))
  expect_identical(glance(others)$background_strategy, "others")
  expect_match(paste(format(others), collapse = "\n"), "6 images from `background`, of other classes", fixed = TRUE)
  expect_true(all(is.finite(others$table$se_background)))
  own <- background_images(pool[1:3, , , , drop = FALSE], weights = c(1, 1, 2))
  weighted <- result(own)
  expect_equal(weighted$background_weights, c(0.25, 0.25, 0.5), ignore_attr = TRUE)
  repeated <- result(pool[c(1, 2, 3, 3), , , ])
  expect_equal(weighted$scores, repeated$scores, tolerance = 1e-5)
  expect_true(all(is.na(weighted$table$se_background)))
  means <- result("kmeans", 4)
  expect_identical(means$background, rep(NA_integer_, 4))
  expect_equal(sum(means$background_weights), 1)
  expect_match(paste(format(means), collapse = "\n"), "k-means")
  expect_equal(means[1:6]$background_weights, means$background_weights) # there and back
  expect_output(print(own), "images of their own, weighted")
  expect_output(print(background_images(strategy = "kmeans")), "the explained images, kmeans")
  expect_identical(glance(result(NULL))$background_strategy, "balanced")
})

test_that("labels of the background are counted from 1, or are names", {
  skip_without_python()
  strata <- function(y) {
    background <- background_images(images(12, seed = 2), y, "balanced")
    band_importance(small_model(), images(), labels(), background = background, n_background = 6)$background_strata
  }
  expect_identical(strata(labels()), strata(as.integer(labels())))
  expect_identical(strata(as.character(labels())), strata(labels()))
})

test_that("what can't be done with a background is said before anything is computed", {
  skip_without_python()
  result <- function(...) band_importance(small_model(), images(), labels(), ...)
  expect_error(result(background = "kmean"), "kmeans", class = "bandlens_error_option")
  expect_error(result(background = c("kmeans", "others")), "one word", class = "bandlens_error_option")
  expect_error(result(background = "kmeans"), "summarised by 100", class = "bandlens_error_background")
  few <- background_images(images(5), weights = c(1, 2))
  expect_error(result(background = few), "5 numbers", class = "bandlens_error_background")
  missing <- background_images(images(2), weights = c(1, NA))
  expect_error(result(background = missing), "positive", class = "bandlens_error_background")
  expect_error(background_images(images(), weights = "a"), "a number for each", class = "bandlens_error_background")
  expect_error(result(background = "others", background_per_image = 4), "all count the same",
    class = "bandlens_error_option"
  )
  expect_error(check_stability(small_model(), images(), labels(), background = "kmeans", n_background = 3),
    "drawn at random",
    class = "bandlens_error_option"
  )
  expect_error(check_deletion(small_model(), result(), images(), background = "kmeans"), "by itself",
    class = "bandlens_error_option"
  )
  expect_error(visualize_features(small_model(), "first", background = "kmeans"), "by itself",
    class = "bandlens_error_option"
  )
})
