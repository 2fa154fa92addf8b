# What users do wrong, one line each in tests/fixtures/misuses.csv, which the tests of Python read as well: none of it
# may pass without a word. Here stands how each is done in R, and correct calls, none of which may give a warning.

listed <- function() {
  utils::read.csv(test_path("..", "fixtures", "misuses.csv"), colClasses = "character", na.strings = character())
}

# A trained model with ten test images of each class, and what belongs to them. Made once.
given <- function() {
  if (is.null(python_state$given)) {
    data <- landsat_patches()
    keras <- reticulate::import("keras")
    chosen <- unlist(lapply(data$classes, \(class) utils::head(which(data$test$y == class), 10)))
    python_state$given <- list(
      model = keras$saving$load_model(landsat_model()),
      x = data$test$x[chosen, , , ], y = data$test$y[chosen],
      background = data$train$x[seq(1, 4435, by = 40), , , ],
      bands = data$bands, wavelengths = data$wavelengths, classes = data$classes
    )
  }
  python_state$given
}

# The correct call with something changed; what is NULL is left out. Arguments go by name: an error prints its call.
call_with <- function(..., verb = band_importance) {
  arguments <- utils::modifyList(c(given()[c("model", "x", "y", "wavelengths")], method = "saliency"), list(...))
  names <- names(arguments)
  eval(as.call(c(quote(verb), rlang::set_names(rlang::syms(names), names))), c(arguments, verb = verb))
}

compared_with <- function(...) {
  changed <- utils::modifyList(list(method = "deepshap", background = given()$background, n_background = 8), list(...))
  do.call(call_with, changed, quote = TRUE)
}

keras_layers <- function() reticulate::import("keras")$layers

network <- function(shape, ...) {
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  keras$Sequential(list(keras$Input(as.list(as.integer(shape))), ...))
}

classifier <- function(shape, n = 3L) {
  network(shape, keras_layers()$Flatten(), keras_layers()$Dense(n, activation = "softmax"))
}

one_number <- function() {
  layers <- keras_layers()
  network(c(3, 3, 4), layers$Rescaling(1 / 255), layers$Flatten(), layers$Dense(1L))
}

mean_of_softmaxes <- function() {
  keras <- reticulate::import("keras")
  x <- keras$Input(list(3L, 3L, 4L))
  flat <- keras$layers$Flatten()(keras$layers$Rescaling(1 / 255)(x))
  heads <- lapply(1:2, \(i) keras$layers$Dense(6L, activation = "softmax")(flat))
  keras$Model(x, keras$layers$Average()(heads))
}

# A network whose first feature is never active.
silent <- function() {
  layers <- keras_layers()
  model <- network(c(3, 3, 4), layers$Conv2D(2L, 1L, activation = "relu", name = "conv"), layers$Flatten())
  kernel <- array(1, c(1, 1, 4, 2))
  kernel[, , , 1] <- -1
  model$layers[[1]]$set_weights(list(kernel, array(0, 2)))
  model
}

clone <- function(trained = TRUE) {
  model <- reticulate::import("keras")$models$clone_model(given()$model)
  if (trained) model$set_weights(given()$model$get_weights())
  model
}

spectra <- function() {
  layers <- keras_layers()
  network(
    c(60, 1),
    layers$Conv1D(4L, 5L, activation = "relu"), layers$GlobalMaxPooling1D(), layers$Dense(3L)
  )
}

rename_bands <- function(x, names) {
  dimnames(x) <- list(NULL, NULL, NULL, names)
  x
}

numbers <- function() python("lambda x: __import__('numpy').asarray(x).mean((1, 2))[:, :3]")
logarithm <- function() {
  python("lambda x: __import__('keras').ops.log(__import__('keras').ops.mean(x, (1, 2)) - 90.0)")
}

# The two ways to count labels: one too many, among classes that the model has.
counted_otherwise <- function() {
  first <- given()$y != given()$classes[[6]]
  call_with(x = given()$x[first, , , ], y = as.integer(given()$y)[first] + 1, classes = given()$classes)
}

# A model of an optical and a radar image, and images for it.
fused <- function() {
  if (is.null(python_state$fused)) {
    layers <- keras_layers()
    inputs <- list(
      optical = layers$Input(c(4L, 4L, 3L), name = "optical"), radar = layers$Input(c(2L, 2L, 2L), name = "radar")
    )
    together <- layers$Concatenate()(unname(lapply(inputs, \(one) layers$GlobalAveragePooling2D()(one))))
    model <- reticulate::import("keras")$Model(inputs, layers$Dense(3L, activation = "softmax")(together))
    x <- withr::with_seed(1, list(
      optical = array(stats::rnorm(288), c(6, 4, 4, 3)), radar = array(stats::rnorm(48), c(6, 2, 2, 2))
    ))
    python_state$fused <- list(model = model, x = x)
  }
  python_state$fused
}

ask_fused <- function(x = fused()$x, method = "saliency", ...) {
  model <- fused()$model
  band_importance(model, x, ..., method = method)
}

pixels <- array(sin(seq_len(288)), c(6, 4, 4, 3))
masks <- array(seq_len(96) %% 3 + 1, c(6, 4, 4))
flags <- matrix(rep(c(1, 0, 1, 1, 1, 0, 0, 1, 0), each = 2), 6)

# A network for images of 4 x 4 pixels and 3 bands, with other outputs than one row of class scores.
ending <- function(kind) {
  if (is.null(python_state[[kind]])) {
    layers <- keras_layers()
    image <- layers$Input(c(4L, 4L, 3L))
    means <- layers$GlobalAveragePooling2D()(image)
    outputs <- switch(kind,
      classes = layers$Dense(3L, activation = "softmax")(means),
      labels = layers$Dense(3L, activation = "sigmoid")(means),
      numbers = layers$Dense(2L)(means),
      pixels = layers$Conv2D(3L, 1L, activation = "softmax")(image),
      heads = list(cover = layers$Dense(3L, activation = "softmax")(means), soil = layers$Dense(2L)(means))
    )
    python_state[[kind]] <- reticulate::import("keras")$Model(image, outputs)
  }
  python_state[[kind]]
}

ask <- function(kind, y = NULL, x = pixels, ...) {
  model <- ending(kind)
  band_importance(model, x, y, method = "saliency", ...)
}

ask_series <- function(time_axis = 2, ...) {
  model <- classifier(c(5, 3))
  x <- array(sin(seq_len(90)), c(6, 5, 3))
  band_importance(model, x, method = "saliency", time_axis = time_axis, ...)
}

how <- list(
  model_predict = \() call_with(model = given()$model$predict),
  model_numbers = \() call_with(model = numbers()),
  model_missing_file = \() call_with(model = "no_such.keras"),
  model_not_keras = \() call_with(model = test_path("..", "fixtures", "misuses.csv")),
  model_fitted_elsewhere = \() call_with(model = stats::lm(dist ~ speed, datasets::cars)),
  model_nothing = \() band_importance(NULL, given()$x, given()$y),
  model_other_size = \() call_with(model = classifier(c(5, 5, 4)), y = NULL),
  model_not_finite = \() call_with(model = logarithm(), y = NULL),
  model_untrained = \() call_with(model = clone(trained = FALSE)),
  model_one_number = \() call_with(model = one_number(), y = NULL, classes = given()$classes),
  x_vector = \() call_with(x = 1:12),
  x_table = \() call_with(x = datasets::iris),
  x_text = \() call_with(x = array("a.tif", c(2, 3, 3, 4))),
  x_missing = \() call_with(x = replace(given()$x, 7, NA)),
  x_not_finite = \() call_with(x = replace(given()$x, 7, Inf)),
  x_complex = \() call_with(x = given()$x * 1i),
  x_no_images = \() call_with(x = given()$x[0, , , , drop = FALSE], y = given()$y[0]),
  x_ragged = \() call_with(x = list(given()$x[1, , , ], given()$x[2, 1:2, , ]), y = given()$y[1:2]),
  x_dropped = \() call_with(x = given()$x[1, , , ], y = given()$y[1]),
  x_dropped_band = \() call_with(x = given()$x[, , , 1], wavelengths = NULL),
  x_channels_first = \() call_with(x = unname(aperm(given()$x, c(1, 4, 2, 3))), bands = given()$bands),
  x_fewer_bands = \() call_with(x = given()$x[, , , 1:3], wavelengths = NULL),
  x_scaled = \() call_with(x = given()$x / 255),
  x_unscaled_background = \() compared_with(x = given()$x / 255),
  x_no_data = \() call_with(x = {
    x <- given()$x
    x[1:20, 1, , ] <- -9999
    x
  }),
  x_constant_band = \() call_with(x = {
    x <- given()$x
    x[, , , 3] <- 0
    x
  }),
  x_other_order = \() compared_with(x = given()$x[, , , 4:1], wavelengths = rev(given()$wavelengths)),
  x_spectra = \() band_importance(spectra(), array(stats::runif(2400), c(40, 60, 1)), method = "saliency"),
  y_from_one = counted_otherwise,
  y_outside = \() call_with(y = as.integer(given()$y) + 1, classes = given()$classes),
  y_short = \() call_with(y = given()$y[-1]),
  y_unknown = \() call_with(y = rep("forest", 60), classes = given()$classes),
  y_unnamed = \() call_with(y = as.character(given()$y)),
  y_decimal = \() call_with(y = as.integer(given()$y) + 0.5),
  y_missing = \() call_with(y = replace(given()$y, 3, NA)),
  y_shuffled = \() call_with(y = withr::with_seed(1, sample(given()$y))),
  y_one_hot = \() call_with(y = matrix(1, 60, 6)),
  classes_few = \() call_with(y = as.integer(given()$y), classes = given()$classes[-1]),
  classes_twice = \() call_with(y = as.integer(given()$y), classes = given()$classes[c(1:5, 1)]),
  bands_few = \() call_with(bands = given()$bands[-1]),
  bands_twice = \() call_with(bands = c("a", "b", "b", "c")),
  bands_other_names = \() compared_with(background = rename_bands(given()$background, c("a", "b", "c", "d"))),
  wavelengths_micrometres = \() call_with(wavelengths = given()$wavelengths / 1000),
  wavelengths_few = \() call_with(wavelengths = given()$wavelengths[-1]),
  wavelengths_negative = \() call_with(wavelengths = -given()$wavelengths),
  band_axis_images = \() call_with(band_axis = 1),
  band_axis_outside = \() call_with(band_axis = 5),
  groups_unknown = \() call_with(groups = list(visible = c("green", "blue"))),
  groups_overlap = \() call_with(groups = list(a = c("green", "red"), b = c("red", "nir1"))),
  background_none = \() compared_with(background = given()$background[0, , , , drop = FALSE]),
  background_single = \() compared_with(background = given()$background[1, , , ]),
  background_size = \() compared_with(background = array(0, c(4, 5, 5, 4))),
  background_not_finite = \() compared_with(background = replace(given()$background, 9, NaN)),
  strategy_misspelt = \() compared_with(background = "kmean"),
  strategy_too_many = \() compared_with(background = "kmeans", n_background = 60),
  weights_too_few = \() compared_with(background = background_images(given()$background, weights = 1:2)),
  weights_negative = \() {
    compared_with(background = background_images(given()$background[1:2, , , ], weights = c(1, -2)))
  },
  precision_points = \() compared_with(precision = 1),
  precision_of_means = \() compared_with(background = "kmedoids", precision = 0.05),
  n_background_zero = \() compared_with(n_background = 0),
  method_misspelt = \() call_with(method = "depshap"),
  argument_misspelt = \() call_with(backgroud = given()$background),
  option_elsewhere = \() call_with(method = "occlusion", n_steps = 10),
  target_unknown = \() call_with(target = "forest"),
  target_outside = \() call_with(target = 7),
  output_misspelt = \() call_with(output = "logits"),
  statistic_other = \() call_with(method = "occlusion", statistic = "pixel_mean_abs"),
  batch_size_zero = \() call_with(batch_size = 0),
  seed_decimal = \() call_with(seed = 1.5),
  maps_whole_band = \() call_with(method = "occlusion", verb = band_maps),
  table_unknown = \() tidy(call_with(), level = "pixel"),
  picture_unknown = \() autoplot(call_with(), type = "pie"),
  combine_others = \() {
    results <- lapply(c("a", "e"), \(name) call_with(x = given()$x[1:6, , , ], y = NULL, bands = paste0(name, 1:4)))
    do.call(c, results)
  },
  layer_misspelt = \() top_images(given()$model, given()$x, layer = "conv2"),
  feature_outside = \() top_images(silent(), given()$x, layer = "conv", features = 8),
  feature_silent = \() top_images(silent(), given()$x, layer = "conv", features = 1),
  logit_of_mean = \() call_with(model = mean_of_softmaxes(), output = "logit", y = NULL),
  inputs_missing = \() ask_fused(fused()$x["optical"]),
  inputs_unknown = \() ask_fused(rlang::set_names(fused()$x, c("optical", "rader"))),
  inputs_many = \() ask_fused(unname(fused()$x[c(1, 2, 2)])),
  inputs_array = \() ask_fused(fused()$x$optical),
  inputs_of_one = \() ask("classes", x = list(pixels, pixels[, 1:2, 1:2, ])),
  inputs_unequal = \() ask_fused(list(optical = fused()$x$optical, radar = fused()$x$radar[1:5, , , ])),
  inputs_swapped = \() ask_fused(unname(fused()$x[2:1])),
  inputs_background = \() ask_fused(method = "deepshap", background = fused()$x$optical),
  inputs_background_unequal = \() {
    unequal <- list(optical = fused()$x$optical, radar = fused()$x$radar[1:5, , , ])
    ask_fused(method = "deepshap", background = unequal)
  },
  inputs_bands_unknown = \() ask_fused(bands = list(rader = c("VV", "VH"))),
  inputs_bands_few = \() ask_fused(bands = list(radar = "VV")),
  inputs_bands_alone = \() ask_fused(bands = c("blue", "green", "red", "VV", "VH")),
  inputs_groups_misspelt = \() ask_fused(groups = "inputs"),
  inputs_groups_one = \() ask("classes", groups = "input"),
  time_axis_of_bands = \() ask_series(time_axis = 3),
  time_axis_outside = \() ask_series(time_axis = 4),
  times_few = \() ask_series(times = as.Date(c("2024-05-01", "2024-06-01"))),
  times_twice = \() ask_series(times = c("a", "b", "b", "c", "d")),
  times_alone = \() ask_series(time_axis = NULL, times = letters[1:5]),
  pixels_one_label = \() ask("pixels", rep(1:3, 2)),
  pixels_other_size = \() ask("pixels", masks[, 1:2, ]),
  pixels_unlabelled = \() ask("pixels", replace(masks, 1:4, 255)),
  pixels_classes_few = \() ask("pixels", masks, classes = c("water", "city")),
  zone_misspelt = \() ask("pixels", masks, zone = "labels"),
  zone_without_labels = \() ask("pixels", zone = "label"),
  zone_empty = \() ask("pixels", masks, zone = matrix(FALSE, 4, 4)),
  zone_other_size = \() ask("pixels", masks, zone = matrix(TRUE, 2, 2)),
  zone_elsewhere = \() ask("classes", zone = "image"),
  ignore_elsewhere = \() ask("classes", ignore = 255),
  labels_few_columns = \() ask("labels", flags[, 1:2]),
  labels_counted = \() ask("labels", 2 * flags, task = "multilabel"),
  labels_unknown = \() ask("labels", rep(list("water", "city"), 3), classes = c("water", "meadow", "forest")),
  labels_none = \() ask("labels", 0 * flags, task = "multilabel"),
  labels_of_classes = \() ask("classes", rep(list(1, 2:3), 3)),
  numbers_few_columns = \() ask("numbers", matrix(sin(1:6), 6), task = "regression"),
  numbers_missing = \() ask("numbers", matrix(NA_real_, 6, 2), task = "regression"),
  heads_unsaid = \() ask("heads"),
  head_misspelt = \() ask("heads", head = "sol"),
  head_of_one = \() ask("classes", head = "cover"),
  task_misspelt = \() ask("classes", task = "segmentaton"),
  task_impossible = \() ask("classes", task = "multilabel")
)
# Of several inputs, time and other outputs: their errors say what was expected or how to mend it, and what was given.
thorough <- names(how)[seq(match("inputs_missing", names(how)), length(how))]

test_that("every misuse of the list is done here", {
  expect_setequal(names(how), listed()$misuse)
})

test_that("misuse is never silent", {
  skip_without_python()
  for (row in split(listed(), seq_len(nrow(listed())))) {
    warned <- list()
    raised <- withCallingHandlers(
      error_of(how[[row$misuse]]()),
      warning = function(one) {
        warned <<- c(warned, list(one))
        invokeRestart("muffleWarning")
      }
    )
    told <- if (row$outcome == "error") Filter(Negate(is.null), list(raised)) else warned
    if (row$outcome == "warning") {
      expect_null(raised, info = row$misuse)
    }
    messages <- vapply(told, rlang::cnd_message, "")
    of_class <- vapply(told, inherits, NA, paste0("bandlens_", row$outcome, "_", row$kind))
    says <- if (nzchar(row$says_r)) row$says_r else row$says
    expect_true(any(of_class & grepl(says, messages)), info = paste(c(row$misuse, row$kind, messages), collapse = "\n"))
    if (row$misuse %in% thorough) {
      expect_match(messages, "[Gg]iven", info = row$misuse)
    }
  }
})

test_that("correct calls give no warning", {
  skip_without_python()
  smooth <- function(n, size, bands, low, high) {
    withr::with_seed(2, {
      level <- stats::runif(n * bands, 0.2, 0.8)[rep(seq_len(n * bands), each = size^2)]
      x <- array(pmin(pmax(level + stats::rnorm(n * bands * size^2, 0, 0.1), 0), 1), c(size, size, n, bands))
      low + (high - low) * aperm(x, c(3, 1, 2, 4))
    })
  }
  layers <- keras_layers()
  expect_no_warning(expect_gt(glance(call_with())$accuracy, 0.5))
  expect_no_warning(compared_with())
  expect_no_warning(compared_with(background = array(0, c(1, 3, 3, 4))))
  expect_no_warning(compared_with(x = given()$x[1:10, , , ], y = given()$y[1:10]))
  expect_no_warning(call_with(x = given()$x[1, , , , drop = FALSE], y = given()$y[1]))
  expect_no_warning(call_with(x = landsat_patches()$test, y = NULL))
  expect_no_warning(band_importance(classifier(c(8, 8, 6)), smooth(40, 8, 6, 0, 0.6), n_background = 8))
  expect_no_warning(band_importance(classifier(c(8, 8, 2)), smooth(40, 8, 2, -28, -2), bands = c("VV", "VH")))
  expect_no_warning(band_importance(
    spectra(), array(smooth(40, 1, 60, 0, 0.5), c(40, 60, 1)),
    band_axis = 2, wavelengths = seq(400, 2400, length.out = 60), n_background = 8
  ))
  expect_no_warning(band_importance(
    network(c(8, 8, 3), layers$Rescaling(1 / 255), layers$Flatten(), layers$Dense(2L)),
    round(smooth(40, 8, 3, 0, 255)),
    bands = c("red", "green", "blue"), n_background = 8
  ))
  predicted <- as.vector(one_number()$predict(unname(given()$x), verbose = 0L))
  expect_no_warning(call_with(model = one_number(), y = predicted, method = "permutation"))
  masks <- smooth(40, 8, 3, 0, 1)
  masks[, , , 3] <- masks[, , , 3] > 0.5
  expect_no_warning(band_importance(classifier(c(8, 8, 3)), masks, n_background = 8))
})
