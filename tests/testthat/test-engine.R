# Where DeepSHAP's engine has to be right although derivatives, ratios or threads would lead it astray.

# Exact Shapley values of bands are the truth for outputs that add up over pixels.
by_both <- function(model, x, background) {
  lapply(c("deepshap", "shapley"), function(method) {
    result <- band_importance(model, x, background = background, target = "all", method = method)
    expect_lt(result$completeness, 1e-3)
    result$scores
  })
}

# A layer of Keras made of a function of `ops` and of the values `t` of 5 x 5 x 4 images, and a linear head on it.
behind <- function(front, outputs) {
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(3L)
  layers <- keras$layers
  image <- keras$Input(list(5L, 5L, 4L))
  values <- layers$Lambda(python(paste("lambda t: (lambda ops:", front, ")(__import__('keras').ops)")))(image)
  keras$Model(image, layers$Dense(outputs)(layers$Flatten()(values)))
}

# Images of reflectances in which some pixels are missing, that is, zero.
with_zeros <- function(n, seed) {
  x <- 0.05 + 0.5 * images(n, seed = seed)
  x[1, 1:2, , ] <- 0
  x[n, , , 3:4] <- 0
  x
}

test_that("all outputs of few bands are right, whatever second derivatives TensorFlow has", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  layers <- keras$layers
  # pooling of stride 1, whose second derivative is not reliable, and resizing, which has none
  model <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 2L)),
    layers$Conv2D(6L, 3L, padding = "same", activation = "relu"),
    layers$MaxPooling2D(3L, strides = 1L, padding = "same"),
    layers$UpSampling2D(2L, interpolation = "bicubic"),
    layers$GlobalAveragePooling2D(),
    layers$Dense(5L)
  ))
  x <- images(3, n_bands = 2)
  background <- images(4, n_bands = 2, seed = 2)
  all <- band_importance(model, x, background = background, target = "all")
  expect_equal(dim(all$scores), c(3, 5, 2))
  sums <- unname(apply(all$scores, 1:2, sum))
  expect_equal(sums, all$output_values - all$base_values, tolerance = 1e-4)
  expect_lt(all$completeness, 1e-4)
  for (k in 1:5) {
    one <- band_importance(model, x, background = background, target = k)
    expect_equal(one$scores[, 1, ], all$scores[, k, ], tolerance = 1e-5)
  }
})

test_that("index layers have exact Shapley values where pixels are zero", {
  skip_without_python()
  red <- "t[..., 2:3]"
  nir <- "t[..., 3:]"
  for (epsilon in c("1e-3", "1e-7")) {
    index <- paste0("(", nir, " - ", red, ") / (", nir, " + ", red, " + ", epsilon, ")")
    for (outputs in c(2L, 6L)) {
      found <- by_both(behind(index, outputs), with_zeros(4, 1), with_zeros(3, 2))
      expect_lt(max(abs(found[[1]] - found[[2]])), 1e-5 * max(abs(found[[2]])))
      expect_identical(max(abs(found[[1]][, , 1:2])), 0) # blue and green
    }
  }
})

test_that("normalisations have scores as large as exact ones where pixels are zero", {
  skip_without_python()
  for (front in c("ops.normalize(t, axis=-1)", "t / (ops.sum(t, axis=-1, keepdims=True) + 1e-6)")) {
    found <- by_both(behind(front, 3L), with_zeros(4, 1), with_zeros(3, 2))
    expect_lt(max(abs(found[[1]])), 3 * max(abs(found[[2]])))
    tables <- lapply(found, function(scores) apply(abs(scores), 2:3, mean))
    expect_lt(sqrt(sum((tables[[1]] - tables[[2]])^2)), 0.5 * sqrt(sum(tables[[2]]^2)))
  }
})

test_that("scores that would be huge and cancel are those of the published pixel", {
  skip_without_python()
  keras <- reticulate::import("keras")
  image <- keras$Input(list(1L, 1L, 2L))
  ndvi <- python("lambda t: (t[..., 1] - t[..., 0]) / (t[..., 1] + t[..., 0] + 1e-3)")
  model <- keras$Model(image, keras$layers$Flatten()(keras$layers$Lambda(ndvi)(image)))
  result <- band_importance(model, array(c(0.2, 0.4), c(1, 1, 1, 2)), background = array(0, c(1, 1, 1, 2)))
  expect_equal(as.vector(result$scores), c(-0.83, 1.16), tolerance = 0.005)
  expect_lt(result$cancellation, 10)
})

test_that("models that ask for the number of their images, and functions around models, have a linear beginning", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(2L)
  layers <- keras$layers
  made <- reticulate::py_run_string("
def asking(first, last):
    import keras
    class Asking(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = first, last
        def call(self, x):
            return self.last(keras.ops.relu(self.first(keras.ops.reshape(x, (keras.ops.shape(x)[0], 100)))))
    return Asking()
def around(model):
    return lambda x: model([x[..., :3], x[..., 3:]])
", local = TRUE)
  visible <- keras$Input(list(5L, 5L, 3L))
  infrared <- keras$Input(list(5L, 5L, 1L))
  flat <- layers$Concatenate()(list(layers$Flatten()(visible), layers$Flatten()(infrared)))
  two <- keras$Model(list(visible, infrared), layers$Dense(3L)(layers$Dense(6L, activation = "relu")(flat)))
  background <- images(8, seed = 2)
  for (model in list(made$asking(layers$Dense(6L), layers$Dense(3L)), made$around(two))) {
    explain <- function(method) band_importance(model, images(), labels(), method = method, background = background)
    expect_lt(explain("deepshap")$completeness, 1e-4)
    expect_equal(dim(explain("lime")$scores), c(12, 1, 4))
    check <- check_deletion(model, explain("occlusion"), images(), labels(), background = background, orders = 2)
    expect_s3_class(check, "check_deletion")
  }
})

test_that("bands of which the model has no derivative are warned of by name", {
  skip_without_python()
  some_bands <- reticulate::py_run_string("
def some_bands(x):
    from keras import ops
    y = ops.mean(x, axis=(1, 2))
    found = ops.relu(y[:, :2] * 2) * ops.cast(y[:, 2:3] > 0.1, 'float32') + ops.round(y[:, 3:])
    return found @ ops.ones((2, 2))
", local = TRUE, convert = FALSE)$some_bands
  explain <- function(verb) verb(some_bands, images(), method = "saliency", target = 1)
  for (verb in c(band_importance, band_maps)) {
    told <- expect_warning(explain(verb), class = "bandlens_warning_no_derivative")
    expect_s3_class(told, "bandlens_warning")
    expect_match(conditionMessage(told), "0 for bands red, nir, .*\"occlusion\"")
  }
})

test_that("threads of Python may look at layers at once", {
  skip_without_python()
  at_once <- reticulate::py_run_string("
def at_once(model, x, layers):
    from concurrent.futures import ThreadPoolExecutor
    import bandlens
    def seen(layer):
        return bandlens.layer_activations(model, x, layer).values
    alone = [seen(layer) for layer in layers]
    with ThreadPoolExecutor(8) as pool:
        return all(abs(a - b).max() < 1e-6 for a, b in zip(alone * 12, pool.map(seen, list(layers) * 12)))
", local = TRUE)$at_once
  expect_true(at_once(small_model(), unname(images()), list_layers(small_model())$layer[c(1, 4)]))
})
