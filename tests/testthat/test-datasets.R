test_that("landsat_patches() has the official split, without Python", {
  landsat <- landsat_patches()
  expect_equal(dim(landsat$train$x), c(4435, 3, 3, 4))
  expect_equal(dim(landsat$test$x), c(2000, 3, 3, 4))
  expect_equal(as.vector(table(landsat$train$y)), c(1072, 479, 961, 415, 470, 1038))
  expect_equal(as.vector(table(landsat$test$y)), c(461, 224, 397, 211, 237, 470))
  expect_equal(dimnames(landsat$test$x)[[4]], c("green", "red", "nir1", "nir2"))
  expect_equal(landsat$wavelengths, c(550, 650, 750, 950))
  expect_equal(levels(landsat$train$y), landsat$classes)
  expect_match(landsat$source, "10.24432/C55887", fixed = TRUE)
  expect_match(landsat$licence, "CC BY 4.0", fixed = TRUE)
})

test_that("landsat_patches() are mlbench's Satellite", {
  skip_if_not_installed("mlbench")
  data("Satellite", package = "mlbench", envir = environment())
  landsat <- landsat_patches()
  pixels <- unname(as.matrix(Satellite[paste0("x.", 1:36)]))
  flat <- function(x) matrix(aperm(x, c(1, 4, 3, 2)), nrow = dim(x)[1]) # band fastest, then column
  expect_identical(flat(landsat$train$x), pixels[1:4435, ])
  expect_identical(flat(landsat$test$x), pixels[4436:6435, ])
  expect_identical(c(landsat$train$y, landsat$test$y), Satellite$classes)
})

test_that("Python reads the same numbers", {
  skip_without_python()
  ours <- landsat_patches()
  folder <- system.file("python", package = "bandlens")
  theirs <- reticulate::import_from_path("bandlens.datasets", path = folder)$landsat()
  expect_equal(theirs$x_train, unname(ours$train$x))
  expect_equal(theirs$x_test, unname(ours$test$x))
  expect_equal(as.vector(theirs$y_train), as.integer(ours$train$y) - 1)
  expect_equal(as.vector(theirs$y_test), as.integer(ours$test$y) - 1)
  expect_equal(unlist(theirs$bands), ours$bands)
  expect_equal(unlist(theirs$wavelengths), ours$wavelengths)
  expect_equal(unlist(theirs$classes), ours$classes)
  expect_equal(theirs$source, ours$source)
  expect_equal(theirs$licence, ours$licence)
})

test_that("landsat_model() is a network for landsat_patches(), as good as its page says", {
  skip_without_python()
  landsat <- landsat_patches()
  importance <- band_importance(landsat_model(), landsat$test$x, landsat$test$y, method = "gradient_x_input")
  images <- augment(importance)
  expect_equal(round(100 * mean(images$prediction == images$class), 1), 90.8)
  expect_identical(importance$model, "landsat_cnn")
})

test_that("sets of patches print in a few lines, and are lists", {
  landsat <- landsat_patches()
  expect_length(format(landsat), 6)
  expect_snapshot({
    landsat
    landsat$train
    summary(landsat$test)
  })
  expect_type(landsat, "list")
  expect_output(str(landsat, max.level = 1), "List of 8")
  expect_named(landsat["train"], "train")
  expect_s3_class(landsat$test, "band_patches")
})
