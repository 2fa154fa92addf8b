# Models as R users have them: made, compiled and trained from R, with R functions in the middle.

small_network <- function(keras) {
  keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)), keras$layers$Conv2D(3L, 2L, activation = "relu"), keras$layers$Flatten(),
    keras$layers$Dense(3L, activation = "softmax")
  ))
}

compiled_in_r <- function(keras, optimizer) {
  model <- small_network(keras)
  my_loss <- function(true, predicted) keras$losses$categorical_crossentropy(true, predicted)
  my_metric <- function(true, predicted) keras$metrics$categorical_accuracy(true, predicted)
  attr(my_loss, "py_function_name") <- "my_loss"
  attr(my_metric, "py_function_name") <- "my_metric"
  model$compile(optimizer = optimizer, loss = my_loss, metrics = list(my_metric), run_eagerly = TRUE)
  model
}

test_that("a model that was compiled and trained with R functions is explained like its saved weights", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(4L)
  model <- compiled_in_r(keras, keras$optimizers$Adam(0.01))
  seen <- integer()
  on_end <- function(epoch, logs = NULL) seen <<- c(seen, as.integer(epoch))
  one_hot <- diag(3)[as.integer(labels()), ]
  model$fit(
    images(), one_hot,
    epochs = 2L, verbose = 0L,
    callbacks = list(keras$callbacks$LambdaCallback(on_epoch_end = on_end))
  )
  expect_identical(seen, 0:1) # the callback did run
  plain <- small_network(keras)
  plain$set_weights(model$get_weights())
  explain <- function(model) tidy(band_importance(model, images(), labels(), n_background = 6))
  expect_equal(explain(model), explain(plain))
  # what R makes of the model has the class that keras3 gives
  expect_true(inherits(model, "keras.src.models.model.Model") && inherits(model, "python.builtin.object"))
})

test_that("models of Keras 2, which the older R package makes, are explained, compiled or not", {
  skip_without_python()
  skip_without_keras_2()
  keras <- reticulate::import("tf_keras")
  keras$utils$set_random_seed(4L)
  model <- compiled_in_r(keras, keras$optimizers$legacy$Adam(0.01))
  expect_false(inherits(model, "keras.src.models.model.Model"))
  result <- band_importance(model, images(), labels(), n_background = 6)
  expect_lt(result$completeness, 1e-4)
  expect_identical(levels(tidy(result)$class), classes)
})
