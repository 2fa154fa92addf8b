# README and the vignettes are written for users of the R package keras3, which many machines that test bandlens can't
# install. This package has its name and those of its functions that they call, with keras3's own arguments, and does
# what keras3 does: it calls Python's Keras through reticulate. It goes into libraries of tests only, or that of `make
# vignettes`. Where KERAS3_LIB names a library that holds the real one, tests use that instead.

keras <- function() reticulate::import("keras")

# R's numbers are doubles: those that are whole become integers, several of them a tuple.
as_python <- function(x) {
  if (is.numeric(x) && is.null(dim(x)) && !anyNA(x) && all(x == round(x))) {
    x <- as.integer(x)
    return(if (length(x) == 1) x else do.call(reticulate::tuple, as.list(x)))
  }
  x
}

call_keras <- function(what, ...) do.call(what, lapply(list(...), as_python))

# ---- models ----------------------------------------------------------------------------------------------------------

keras_model_sequential <- function(input_shape = NULL, name = NULL, ..., layers = list()) {
  first <- if (!is.null(input_shape)) list(call_keras(keras()$Input, input_shape))
  keras()$Sequential(c(first, unname(layers)), name = name)
}

keras_input <- function(shape, ...) {
  call_keras(keras()$Input, do.call(reticulate::tuple, as.list(as.integer(shape))), ...)
}

keras_model <- function(inputs, outputs, ...) keras()$Model(inputs, outputs, ...)

load_model <- function(model, ...) keras()$saving$load_model(model, ...)

save_model <- function(model, filepath = NULL, overwrite = FALSE, ...) {
  if (!overwrite && file.exists(filepath)) {
    stop("File already exists: ", filepath)
  }
  keras()$saving$save_model(model, filepath, overwrite = overwrite, ...)
  invisible(model)
}

set_weights <- function(object, weights) {
  object$set_weights(weights)
  invisible(object)
}

# Data without names of dimensions; those of several inputs keep the inputs' names.
as_data <- function(x) if (is.list(x)) lapply(x, unname) else unname(x)

# S3 methods of the generics that keras3 exports again
compile.keras.src.models.model.Model <- function(object, ...) {
  call_keras(object$compile, ...)
  invisible(object)
}

fit.keras.src.models.model.Model <- function(object, x = NULL, y = NULL, ...) {
  invisible(call_keras(object$fit, as_data(x), if (is.null(dim(y))) as.array(y) else y, ...))
}

predict.keras.src.models.model.Model <- function(object, x, ...) call_keras(object$predict, as_data(x), ...)

# ---- layers ----------------------------------------------------------------------------------------------------------

# The function for a class of layers: adds to a model, or is applied to a tensor, or (without either) gives the layer.
layer <- function(class) {
  force(class)
  function(object, ...) {
    if (missing(object)) {
      return(call_keras(keras()$layers[[class]], ...))
    }
    force(object) # what comes first in a pipe is made first: its names, and its random numbers
    made <- call_keras(keras()$layers[[class]], ...)
    if (!inherits(object, "keras.src.models.sequential.Sequential")) {
      return(made(object))
    }
    object$add(made)
    object
  }
}

layer_activation_relu <- layer("ReLU")
layer_batch_normalization <- layer("BatchNormalization")
layer_concatenate <- layer("Concatenate")
layer_conv_1d <- layer("Conv1D")
layer_conv_2d <- layer("Conv2D")
layer_conv_2d_transpose <- layer("Conv2DTranspose")
layer_dense <- layer("Dense")
layer_dropout <- layer("Dropout")
layer_flatten <- layer("Flatten")
layer_global_average_pooling_2d <- layer("GlobalAveragePooling2D") # nolint: object_length_linter.
layer_global_max_pooling_2d <- layer("GlobalMaxPooling2D")
layer_lstm <- layer("LSTM")
layer_max_pooling_1d <- layer("MaxPooling1D")
layer_max_pooling_2d <- layer("MaxPooling2D")
layer_normalization <- layer("Normalization")
layer_rescaling <- layer("Rescaling")

adapt <- function(object, data, ...) {
  object$adapt(unname(data), ...)
  invisible(object)
}

# ---- training --------------------------------------------------------------------------------------------------------

optimizer_adam <- function(learning_rate = 0.001, ...) keras()$optimizers$Adam(learning_rate, ...)

learning_rate_schedule_cosine_decay <- function(initial_learning_rate, ...) { # nolint: object_length_linter.
  call_keras(keras()$optimizers$schedules$CosineDecay, initial_learning_rate, ...)
}

loss_sparse_categorical_crossentropy <- function(from_logits = FALSE, ...) { # nolint: object_length_linter.
  call_keras(keras()$losses$SparseCategoricalCrossentropy, from_logits = from_logits, ...)
}

set_random_seed <- function(seed) invisible(keras()$utils$set_random_seed(as.integer(seed)))

# Before Python's Keras is imported, as with keras3.
use_backend <- function(backend, gpu = NA) {
  if (reticulate::py_available() && reticulate::py_eval("'keras' in __import__('sys').modules")) {
    stop("use_backend() must be called before Keras is imported")
  }
  Sys.setenv(KERAS_BACKEND = backend)
  invisible()
}
