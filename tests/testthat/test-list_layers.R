test_that("layers are listed in the order in which they are called", {
  skip_without_python()
  expect_snapshot(as.data.frame(list_layers(known_cnn())))
  expect_identical(list_layers(small_path()), list_layers(small_model()))
  expect_identical(list_layers(small_path())$kernel_shape[1:2], c("2 x 2 x 4 x 6", NA))
})

test_that("models that do not say how large images are need a shape", {
  skip_without_python()
  keras <- reticulate::import("keras")
  model <- keras$Sequential(list(
    keras$Input(list(NULL, NULL, 3L)), keras$layers$Conv2D(2L, 3L, name = "conv"),
    keras$layers$GlobalAveragePooling2D()
  ))
  expect_error(list_layers(model), class = "bandlens_error_model")
  expect_identical(list_layers(model, shape = c(8, 7, 3))$output_shape[[1]], "6 x 5 x 2")
})

test_that("unknown numbers of features and missing kernels are NA", {
  table <- as_layer_table(list(
    layer = list("a", "b"), kind = list("A", "B"), output_shape = list("? x 3", "2"), kernel_shape = list("", "3 x 2"),
    n_features = array(c(-1L, 2L))
  ))
  expect_identical(table$n_features, c(NA, 2L))
  expect_identical(table$kernel_shape, c(NA, "3 x 2"))
})

test_that("what is no shape is refused", {
  expect_snapshot(error = TRUE, list_layers("model.keras", shape = c(8, 0, 3)))
  expect_error(list_layers(3), class = "bandlens_error_model_type")
})
