# What is no model, holds no values, or gives none: how Python's errors read in R, counted from 1.

test_that("outputs that are not finite name the image", {
  skip_without_python()
  logarithm <- python("lambda x: __import__('keras').ops.log(__import__('keras').ops.mean(x, (1, 2))[:, :3])")
  x <- images()
  x[3, , , ] <- -x[3, , , ]
  expect_snapshot(error = TRUE, {
    band_importance(logarithm, x, labels())
    band_importance(logarithm, images(), labels(), background = x)
    band_importance(logarithm, images(), labels(), method = "integrated_gradients", baseline = "zero")
  })
})

test_that("mixtures for which the output is not finite name image and band", {
  skip_without_python()
  between <- python("lambda x: __import__('keras').ops.log(x[:, 0, 0, :1] * x[:, 0, 0, 1:2] * x[:, 0, 0, 2:])")
  x <- images() + 1
  expect_snapshot(error = TRUE, {
    band_importance(between, x, background = x * rep(c(-1, -1, 1, 1), each = 12 * 25), method = "occlusion", target = 1)
  })
})

test_that("models without a derivative are refused by methods that need it", {
  skip_without_python()
  keras <- reticulate::import("keras")
  layers <- keras$layers
  rounded <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)),
    layers$Lambda(python("__import__('keras').ops.round"), name = "rounding"),
    layers$Flatten(), layers$Dense(3L)
  ))
  expect_snapshot(error = TRUE, band_importance(rounded, images(), labels(), method = "saliency"))
  expect_s3_class(band_importance(rounded, images(), labels(), method = "occlusion"), "band_importance")
})

test_that("masked values of Python are counted", {
  skip_without_python()
  numpy <- reticulate::import("numpy", convert = FALSE)
  x <- numpy$ma$masked_less(images(), 0.01)
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), x, labels())
    band_importance(small_model(), images(), labels(), background = x)
  })
})

test_that("a background of a single image is named", {
  skip_without_python()
  expect_snapshot(error = TRUE, band_importance(small_model(), images(), labels(), background = images()[1, , , ]))
})

test_that("methods of a model and functions of NumPy are no models", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model()$predict, images(), labels())
    band_importance(python("lambda x: __import__('numpy').asarray(x).mean((1, 2))"), images(), labels())
  })
})

test_that("a model that fails, or takes one number of images, says why", {
  skip_without_python()
  failing <- reticulate::py_run_string("
import keras
class Failing(keras.Model):
    def call(self, x):
        raise ValueError('it wants 13 bands')
class Fixed(keras.Model):
    def call(self, x):
        import keras
        return keras.ops.reshape(x, (4, 100))
", local = TRUE)
  expect_snapshot(error = TRUE, {
    band_importance(failing$Failing(), images(), labels())
    band_importance(failing$Fixed(), images(), labels())
  })
})

test_that("files of weights and files with layers of one's own say what to do", {
  skip_without_python()
  withr::local_dir(withr::local_tempdir())
  small_model()$save_weights("small.weights.h5")
  own <- reticulate::py_run_string("
import keras
class Own(keras.layers.Layer):
    def call(self, x):
        return 2 * x
", local = TRUE)
  keras <- reticulate::import("keras")
  keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)), own$Own(), keras$layers$Flatten(), keras$layers$Dense(3L)
  ))$save("own.keras")
  expect_snapshot(error = TRUE, {
    band_importance("small.weights.h5", images(), labels())
    band_importance("own.keras", images(), labels())
  }, transform = function(lines) sub("Make sure custom .*", "...", lines))
})

test_that("suffixes may be in capitals", {
  skip_without_python()
  withr::local_dir(withr::local_tempdir())
  file.copy(small_path(), "small.KERAS")
  small_model()$save("small.h5")
  file.rename("small.h5", "small.H5")
  expected <- tidy(band_importance(small_model(), images(), labels(), method = "saliency"))
  for (path in c("small.KERAS", "small.H5")) {
    expect_equal(tidy(band_importance(path, images(), labels(), method = "saliency")), expected)
  }
})

test_that("programs of TensorFlow say how to make a model of them", {
  skip_without_python()
  withr::local_dir(withr::local_tempdir())
  small_model()$export("saved", verbose = FALSE)
  restored <- reticulate::import("tensorflow")$saved_model$load("saved")
  expect_snapshot(error = TRUE, {
    band_importance("saved", images(), labels())
    band_importance(restored, images(), labels())
    band_importance(restored$signatures[["serving_default"]], images(), labels())
  })
})

test_that("noise that leaves the entries of an embedding is named", {
  skip_without_python()
  keras <- reticulate::import("keras")
  layers <- keras$layers
  image <- keras$Input(list(4L))
  code <- layers$Lambda(python("lambda x: __import__('keras').ops.cast(x[:, 0], 'int32')"))(image)
  cover <- layers$Embedding(5L, 2L, name = "cover")(code)
  model <- keras$Model(image, layers$Dense(3L)(layers$Concatenate()(list(cover, layers$Dense(4L)(image)))))
  x <- matrix(rep(0:4, 16), 20)
  error <- error_of(band_importance(model, x, method = "smoothgrad", noise_level = 5))
  expect_s3_class(error, "bandlens_error_model")
  expect_match(conditionMessage(error$parent), "fails for the images with noise", fixed = TRUE)
  expect_match(error$parent$fix, "noise_level", fixed = TRUE)
})

test_that("eager execution that is turned off is named", {
  skip_without_python()
  output <- run_r(c(
    "reticulate::import('tensorflow')$compat$v1$disable_eager_execution()",
    "layers <- reticulate::import('keras')$layers",
    "model <- reticulate::import('keras')$Sequential(list(",
    "  reticulate::import('keras')$Input(list(2L, 2L, 3L)), layers$Flatten(), layers$Dense(2L)",
    "))",
    "cat(conditionMessage(tryCatch(band_importance(model, array(0, c(4, 2, 2, 3))), error = identity)))"
  ))
  expect_match(output, "eager execution is turned off", fixed = TRUE, all = FALSE)
})
