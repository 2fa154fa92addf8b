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

# A model of images of 5 x 5 x 4, from what makes outputs of 100 numbers.
ending_in <- function(outputs) {
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(2L)
  image <- keras$Input(list(5L, 5L, 4L))
  keras$Model(image, outputs(keras$layers, keras$layers$Flatten()(image)))
}

test_that("a head is one also where something that only reshapes comes after it", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(2L)
  layers <- keras$layers
  model <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)),
    layers$Conv2D(1L, 5L, activation = "sigmoid"),
    layers$GlobalAveragePooling2D(),
    layers$Reshape(list(1L)),
    layers$Activation("linear")
  ))
  y <- factor(rep(c("no", "yes"), 6))
  result <- band_importance(model, images(), y)
  expect_identical(result$output, "logit")
  expect_identical(result$outputs, c("no", "yes"))
  expect_identical(as.character(result$image_class), as.character(y))
  second <- band_importance(model, images(), y, method = "saliency", target = "yes")
  p <- as.vector(model$predict(unname(images()), verbose = 0L))
  expect_equal(as.vector(second$output_values), stats::qlogis(p), tolerance = 1e-4)
})

test_that("probabilities are not called logits, and other outputs are what the user says", {
  skip_without_python()
  mean_of_four <- ending_in(function(layers, x) {
    layers$Average(name = "mix")(lapply(1:4, function(i) layers$Dense(3L, activation = "softmax")(x)))
  })
  expect_snapshot(error = TRUE, {
    band_importance(mean_of_four, images(), labels(), output = "logit")
    visualize_features(mean_of_four, objective = "logit", value_range = c(0, 1))
  })
  result <- band_importance(mean_of_four, images(), labels(), method = "saliency")
  expect_identical(result$output, "output")
  raw <- ending_in(function(layers, x) layers$Dense(3L)(x))
  expect_identical(band_importance(raw, images(), labels(), method = "saliency", output = "logit")$output, "logit")
  one <- ending_in(function(layers, x) layers$Dense(1L)(x))
  y <- factor(rep(c("no", "yes"), 6))
  expect_identical(band_importance(one, images(), y, method = "saliency", output = "logit")$outputs, c("no", "yes"))
})

test_that("names of classes are nothing for a model that predicts a number", {
  skip_without_python()
  number <- ending_in(function(layers, x) layers$Dense(1L)(x))
  y <- factor(rep(c("no", "yes"), 6))
  expect_snapshot(error = TRUE, {
    band_importance(number, images(), y)
    band_importance(number, images(), classes = c("no", "yes"))
    band_maps(number, images(), y)
  })
  # a report knows so
  result <- band_importance(number, images(), method = "occlusion")
  checked <- function(name, y, ...) {
    make_check(name, list(...), result, number, images(), y, settings_of(result), progress = FALSE)
  }
  expect_s3_class(checked("deletion", 1:12, orders = 2), "check_deletion")
  expect_s3_class(checked("null", NULL), "check_null")
})
