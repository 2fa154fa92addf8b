# Layers and features with made-up numbers, as the bridge gives them, for tests that need no Python.

# Columns of every position of an array, the last axis varying fastest, counted from 0.
positions <- function(...) {
  size <- c(...)
  lapply(seq_along(size), function(axis) {
    as.integer(rep(rep(seq_len(size[[axis]]), each = prod(size[-seq_len(axis)])), prod(size[seq_len(axis - 1)])) - 1)
  })
}

features_value <- function(n = 4, size = c(5, 5), bands = names(sentinel), wavelengths = unname(sentinel), steps = 3,
                           names = as.character(seq_len(n) + 2), objective = "squared_activity", layer = "conv2",
                           dead = integer(), image = rep(0L, n), interrupted = FALSE) {
  k <- length(bands)
  wavelengths <- rep_len(as.double(wavelengths), k)
  values <- array(0, c(n, size, k))
  # each image holds a wave in two bands of its own, the others stay in the middle of their range
  for (at in seq_len(n)) {
    for (band in unique(1 + (2 * at + 0:1) %% k)) {
      values[at, , , band] <- 0.4 * sin(outer(seq_len(size[[1]]) * at, seq_len(size[[2]]), "+"))
    }
  }
  low <- array(seq_len(k) * 10)
  high <- low + 100
  contrast <- sqrt(apply(values^2, c(1, 4), mean))
  values <- sweep(values * 100, 4, (low + high) / 2, "+")
  codes <- match(names, unique(names)) - 1L
  own <- function(each) {
    list(
      layer = array(rep(0L, n * each)), feature = array(rep(codes, each = each)), image = array(rep(image, each = each))
    )
  }
  trace <- outer(seq_len(n), seq_len(steps), function(at, step) at * step / steps)
  by_band <- function(values) array(as.vector(t(values)))
  list(
    values = values, feature = array(codes + 2L), image = array(image), names = as.list(names),
    activation_before = array(seq_len(n) / 10), activation_after = array(seq_len(n) * 1.5), trace = trace,
    contrast = contrast, done = array(rep(as.integer(steps), n)), restarts = array(rep(0L, n)),
    dead = array(seq_len(n) %in% dead), low = low, high = high,
    tables = list(
      feature = c(own(1), list(
        activation_before = array(seq_len(n) / 10), activation_after = array(seq_len(n) * 1.5),
        steps = array(rep(as.integer(steps), n)), restarts = array(rep(0L, n)), dead = array(seq_len(n) %in% dead)
      )),
      band = c(own(k), list(
        band = array(rep(seq_len(k) - 1L, n)), wavelength = array(rep(wavelengths, n)),
        mean = by_band(matrix(apply(values, c(1, 4), mean), n)), std = by_band(100 * contrast),
        low = array(rep(low, n)), high = array(rep(high, n)), contrast = by_band(contrast)
      )),
      trace = c(own(steps), list(step = array(rep(seq_len(steps) - 1L, n)), activation = array(as.vector(t(trace)))))
    ),
    levels = list(layer = list(layer), feature = as.list(unique(names)), band = as.list(bands)),
    bands = as.list(bands), wavelengths = as.list(wavelengths), layer = layer, objective = objective,
    activation = "root mean square over positions", start = "multiscale", steps = as.integer(steps),
    interrupted = interrupted, seed = 0L, options = list(clamp = "auto"), model = "small",
    versions = list(bandlens = "0.1.0"), seconds = 1.5
  )
}

made_features <- function(...) as_feature_images(features_value(...))

kernels_value <- function(n = 5, size = c(3, 3), bands = c("green", "red", "nir1", "nir2"), wavelengths = NaN) {
  k <- length(bands)
  values <- array(round(sin(seq_len(n * prod(size) * k)^1.3), 2) / 2, c(n, size, k))
  at <- positions(n, size, k)
  wavelengths <- rep_len(as.double(wavelengths), k)
  norm <- sqrt(apply(values^2, c(1, 4), sum))
  kernel <- array(seq_len(n) + 1L)
  list(
    values = values, kernel = kernel,
    tables = list(
      weight = list(
        kernel = array(kernel[at[[1]] + 1]), row = array(at[[2]]), col = array(at[[3]]), band = array(at[[4]]),
        wavelength = array(wavelengths[at[[4]] + 1]), weight = array(as.vector(aperm(values, 4:1)))
      ),
      band = list(
        kernel = array(rep(kernel, each = k)), band = array(rep(seq_len(k) - 1L, n)),
        wavelength = array(rep(wavelengths, n)), norm = array(as.vector(t(norm))),
        share = array(as.vector(t(norm / rowSums(norm)))), sum = array(as.vector(t(apply(values, c(1, 4), sum))))
      )
    ),
    bands = as.list(bands), wavelengths = as.list(wavelengths), layer = "conv", kind = "Conv2D", model = "small"
  )
}

made_kernels <- function(...) as_layer_kernels(kernels_value(...))

activations_value <- function(n = 2, size = c(4, 3), k = 5, signed = TRUE) {
  values <- array(sin(seq_len(n * prod(size) * k)), c(n, size, k))
  if (!signed) {
    values <- abs(values)
  }
  flat <- array(values, c(n, prod(size), k))
  over <- function(statistic) array(as.vector(t(matrix(apply(flat, c(1, 3), statistic), n))))
  list(
    values = values, feature = array(seq_len(k) + 6L), names = as.list(as.character(seq_len(k) + 7)),
    tables = list(image = list(
      image = array(rep(seq_len(n) - 1L, each = k)), feature = array(rep(seq_len(k) - 1L, n)), mean = over(mean),
      rms = over(function(x) sqrt(mean(x^2))), max = over(max)
    )),
    layer = "conv2", kind = "Conv2D", model = "small"
  )
}

made_activations <- function(...) as_layer_activations(activations_value(...))

# Features are those of `features_value()`.
top_value <- function(n = 4, k = 3, size = c(5, 5), bands = names(sentinel), wavelengths = unname(sentinel)) {
  n_bands <- length(bands)
  wavelengths <- rep_len(as.double(wavelengths), n_bands)
  values <- array(60 + 40 * sin(seq_len(n * k * prod(size) * n_bands) / 7), c(n, k, size, n_bands))
  mean <- apply(values, c(1, 2, 5), mean)
  std <- apply(values, c(1, 2, 5), function(x) sqrt(mean((x - mean(x))^2)))
  dim(mean) <- dim(std) <- c(n, k, n_bands)
  index <- matrix(as.integer((seq_len(n * k) * 7) %% 40), n, k)
  activation <- matrix(10 - seq_len(n * k) / 3, n, k)
  last <- function(values) array(as.vector(aperm(values, 3:1)))
  own <- list(
    feature = rep(seq_len(n) - 1L, each = k), place = rep(seq_len(k), n), image = as.vector(t(index))
  )
  list(
    index = index, activation = activation, mean = mean, std = std, values = values,
    all_mean = array(rep(65, n_bands)), all_std = array(rep(12, n_bands)),
    quantile = matrix(1:3, n, 3, byrow = TRUE), low = array(rep(20, n_bands)), high = array(rep(100, n_bands)),
    feature = array(seq_len(n) + 1L), silent = array(rep(FALSE, n)), names = as.list(as.character(seq_len(n) + 2)),
    tables = list(
      image = c(lapply(own, array), list(activation = array(as.vector(t(activation))))),
      band = c(lapply(own, function(column) array(rep(column, each = n_bands))), list(
        band = array(rep(seq_len(n_bands) - 1L, n * k)), wavelength = array(rep(wavelengths, n * k)),
        mean = last(mean), std = last(std)
      ))
    ),
    layer = "conv2", statistic = "rms", bands = as.list(bands), wavelengths = as.list(wavelengths), n = 40L,
    model = "small"
  )
}

made_top <- function(...) as_top_images(top_value(...))

# Two convolutions of which all is known: the first has two kernels, the second passes these on. Feature 1 of both is
# the sum of the third band, feature 2 is silent.
known_cnn <- function() {
  keras <- reticulate::import("keras")
  model <- keras$Sequential(name = "known", list(
    keras$Input(list(4L, 4L, 3L)),
    keras$layers$Conv2D(2L, 1L, name = "first"),
    keras$layers$ReLU(name = "relu"),
    keras$layers$Conv2D(2L, 1L, name = "second"),
    keras$layers$GlobalAveragePooling2D(name = "pool"),
    keras$layers$Dense(2L, name = "out")
  ))
  first <- array(0, c(1, 1, 3, 2))
  first[1, 1, 3, 1] <- 1
  identity <- array(c(1, 0, 0, 1), c(1, 1, 2, 2))
  zero <- array(0, 2)
  model$set_weights(list(first, zero, identity, zero, diag(2), zero))
  model
}

# Puts another function in the place of one of the package's, while a test runs.
local_fake <- function(name, value, frame = parent.frame()) {
  namespace <- asNamespace("bandlens")
  put <- function(value) {
    unlockBinding(name, namespace)
    assign(name, value, namespace)
    lockBinding(name, namespace)
  }
  before <- get(name, namespace)
  put(value)
  withr::defer(put(before), envir = frame)
}
