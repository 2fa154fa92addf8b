# Images that R does not hold: files, pipelines of Python, functions that give the next batch.

# Runs Python code with R's images as `x` and `y`, and gives what it leaves as `found`.
python_with <- function(code, x = images(), y = as.integer(labels()) - 1L) {
  main <- reticulate::import_main(convert = FALSE)
  np <- reticulate::import("numpy", convert = FALSE)
  main$x <- np$ascontiguousarray(x, "float32")
  main$y <- np$array(y)
  reticulate::py_run_string(code)
  main$found
}

table_of <- function(...) {
  found <- band_importance(small_model(), ..., background = images(6, seed = 2), bands = bands, classes = classes)
  list(table = tidy(found), scores = found$scores)
}

in_batches <- function(x, y = NULL, size = 5) {
  at <- 0
  function() {
    if (at >= nrow(x)) {
      return(NULL)
    }
    rows <- seq(at + 1, min(at + size, nrow(x)))
    at <<- max(rows)
    batch <- x[rows, , , , drop = FALSE]
    if (is.null(y)) batch else list(batch, y[rows])
  }
}

test_that("paths go to Python as they are", {
  expect_identical(as_images("scene.h5:/train/x"), "scene.h5:/train/x")
  expect_identical(as_images(list("scene.h5", "x")), list("scene.h5", "x"))
  expect_identical(as_images(c("a.tif", "b.TIFF")), list("a.tif", "b.TIFF"))
  expect_identical(as_images(list(optical = "a.zarr", sar = c("b.h5:x"))), list(optical = "a.zarr", sar = "b.h5:x"))
  expect_identical(as_images("~/x.npy"), path.expand("~/x.npy"))
  expect_identical(as_labels("y.npy")$y, "y.npy")
  expect_null(apart_background("x.zarr")$sampling)
  expect_identical(apart_background("kmeans")$sampling$strategy, "kmeans")
  expect_identical(as_band_axis(2, image_dim("x.h5")), 1L)
  expect_error(as_images("scene.png"), class = "bandlens_cause_input_type")
})

test_that("what R has to see itself is not taken from files", {
  maps <- made_maps()
  elsewhere <- error_of(autoplot(maps, x = "x.npy"))
  expect_s3_class(elsewhere, "bandlens_error_input_type")
  expect_match(conditionMessage(elsewhere$parent), "must be in R")
})

test_that("files give what arrays give, with labels beside them in files or in R", {
  skip_without_python()
  folder <- withr::local_tempdir()
  python_with(sprintf("
import h5py, numpy as np
np.save(r'%1$s/x.npy', x)
with h5py.File(r'%1$s/both.h5', 'w') as file:
    file['x'], file['y'] = x, y
found = None
", folder))
  expected <- table_of(images(), labels())
  expect_equal(table_of(file.path(folder, "x.npy"), labels()), expected, tolerance = 1e-6)
  h5 <- file.path(folder, "both.h5")
  # labels in files are counted as the model was trained with them: from 0
  expect_identical(
    table_of(list(h5, "x"), paste0(h5, ":/y")), table_of(file.path(folder, "x.npy"), labels())
  )
  lost <- error_of(table_of(file.path(folder, "none.zarr")))
  expect_s3_class(lost, "bandlens_error_source")
  expect_match(conditionMessage(lost$parent), "There is no file")
  several <- error_of(table_of(h5))
  expect_match(conditionMessage(several$parent), "several arrays")
})

test_that("pipelines of tf.data bring their labels, and it is said that they are kept", {
  skip_without_python()
  pipeline <- python_with("
import tensorflow as tf
found = tf.data.Dataset.from_tensor_slices((x, y)).batch(5)
")
  expect_message(found <- table_of(pipeline), "`x` is a stream .* 12 images were read once", class = "bandlens_message")
  expect_equal(found, table_of(images(), labels()), tolerance = 1e-6)
})

test_that("a function gives batch after batch, with labels as R has them", {
  skip_without_python()
  expected <- table_of(images(), labels())
  silent <- function(...) suppressMessages(table_of(...), "bandlens_message")
  expect_identical(silent(in_batches(images(), labels())), expected)
  expect_identical(silent(in_batches(images(), as.integer(labels()))), expected)
  expect_identical(silent(in_batches(images()), labels()), expected)
  named <- in_batches(images(), labels())
  expect_identical(silent(function() if (!is.null(one <- named())) stats::setNames(one, c("x", "y"))), expected)
  # levels name the classes
  found <- suppressMessages(band_importance(small_model(), in_batches(images(), labels()), method = "saliency"))
  expect_identical(levels(tidy(found)$class), classes)
})

test_that("what goes wrong in a function is said in R's words, with the batch", {
  skip_without_python()
  wrong <- function(x) error_of(band_importance(small_model(), x, method = "saliency"))
  fails <- wrong(function() stop("the disk is gone"))
  expect_s3_class(fails, "bandlens_error_source")
  expect_match(conditionMessage(fails$parent), "a function of R that gives the next batch, fails at batch 1")
  expect_match(conditionMessage(fails$parent), "the disk is gone")
  expect_match(conditionMessage(wrong(function() "nothing")$parent), "does not hold numbers")
  expect_match(conditionMessage(wrong(function() list(images(), 1:3, 4))$parent), "neither images nor images and")
  expect_match(conditionMessage(wrong(in_batches(images(), 1:5))$parent), "missing")
  beside <- error_of(band_importance(small_model(), in_batches(images(), labels()), labels(), method = "saliency"))
  expect_s3_class(beside, "bandlens_error_labels")
})

test_that("batches of R keep the names of their bands", {
  skip_without_python()
  # the model was made for these bands, and knows their names
  turned <- images()[, , , c(2, 1, 3, 4)]
  ask <- function(x, ...) {
    suppressMessages(band_interactions(
      small_model(), x,
      background = images(6, seed = 2), classes = classes, ...
    ))
  }
  expect_identical(tidy(ask(in_batches(images()))), tidy(ask(images())))
  # where they are in another order than those of the background, it is said
  expect_s3_class(error_of(ask(in_batches(turned))), "bandlens_error_bands")
  at <- 0
  parts <- list(images(), turned, NULL)
  changing <- function() {
    at <<- at + 1
    parts[[at]]
  }
  changed <- error_of(ask(changing))
  expect_s3_class(changed, "bandlens_error_bands")
  expect_match(conditionMessage(changed$parent), "other names than the first")
})
