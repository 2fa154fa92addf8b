Sys.setenv(TF_CPP_MIN_LOG_LEVEL = "3")

# Skips without Python, TensorFlow or what else is asked for; where BANDLENS_NO_SKIP is set, that is a failure instead.
skip_without_python <- function() {
  if (is.null(python_state$found)) {
    python_state$found <- isTRUE(tryCatch(
      reticulate::py_available(initialize = TRUE) && reticulate::py_module_available("tensorflow"),
      error = function(error) FALSE
    ))
  }
  if (!python_state$found) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("This run must not skip tests, but there is no Python with TensorFlow.")
    }
    skip("There is no Python with TensorFlow.")
  }
}

skip_without_keras_2 <- function() {
  if (!reticulate::py_module_available("tf_keras")) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("This run must not skip tests, but there is no Keras 2.")
    }
    skip("There is no Keras 2.")
  }
}

python_state <- new.env()

python <- function(code) reticulate::py_eval(code, convert = FALSE)

# Small images: 12 of 5 x 5 pixels in 4 bands, and 3 classes.
bands <- c("blue", "green", "red", "nir")
classes <- c("water", "forest", "city")

images <- function(n = 12, n_bands = 4, seed = 1) {
  withr::with_seed(seed, {
    names <- list(NULL, NULL, NULL, bands[seq_len(n_bands)])
    array(stats::runif(n * 25 * n_bands), c(n, 5, 5, n_bands), names)
  })
}

labels <- function(n = 12) factor(rep_len(classes, n), levels = classes)

# A small CNN with fixed weights. Made once, and saved, so that it can also be given as a path.
small_model <- function() {
  if (is.null(python_state$model)) {
    keras <- reticulate::import("keras")
    keras$utils$set_random_seed(1L)
    layers <- keras$layers
    python_state$model <- keras$Sequential(name = "small", layers = list(
      keras$Input(list(5L, 5L, 4L)),
      layers$Conv2D(6L, 2L, activation = "relu", name = "first"),
      layers$MaxPooling2D(2L),
      layers$Flatten(),
      layers$Dense(8L, activation = "relu"),
      layers$Dense(3L, activation = "softmax")
    ))
    python_state$path <- file.path(withr::local_tempdir(.local_envir = teardown_env()), "small.keras")
    python_state$model$save(python_state$path)
  }
  python_state$model
}

small_path <- function() {
  small_model()
  python_state$path
}

# A result as the bridge gives it, for tests that need no Python.
bridge_value <- function(k = 1) {
  n <- 4
  cells <- 2 * k
  list(
    table = list(
      class = array(rep(0:1, each = 2 * k)), output = array(rep(if (k == 1) 0:1 else rep(0:1, 2), each = 2)),
      band = array(rep(0:1, cells)), wavelength = array(rep(c(480, NaN), cells)),
      importance = array(c(1.5, 0.5, 2, 6, 3, 1, 1, 1)[seq_len(2 * cells)]),
      effect = array(c(1.5, -0.5, 2, -6, 3, 1, 1, 1)[seq_len(2 * cells)]),
      share = array(c(0.75, 0.25, 0.25, 0.75, 0.75, 0.25, 0.5, 0.5)[seq_len(2 * cells)]),
      rank = array(c(1L, 2L, 2L, 1L, 1L, 2L, 1L, 2L)[seq_len(2 * cells)]),
      std_error = array(rep(c(0.25, NaN), cells)), conf_low = array(rep(c(0, NaN), cells)),
      conf_high = array(rep(c(4, NaN), cells)), n = array(rep(2L, 2 * cells))
    ),
    overall = list(
      class = array(rep(0L, 2 * k)), output = array(if (k == 1) c(-1L, -1L) else c(0L, 0L, 1L, 1L)),
      band = array(rep(0:1, k)), wavelength = array(rep(c(480, NaN), k)),
      importance = array(rep(c(2, 1), k)), effect = array(rep(c(2, NaN), k)), share = array(rep(c(2, 1) / 3, k)),
      rank = array(rep(1:2, k)), std_error = array(rep(0.5, 2 * k)), conf_low = array(rep(c(1, 0), k)),
      conf_high = array(rep(c(3, 2), k)), n = array(rep(4L, 2 * k))
    ),
    whole = "all", completeness = 1e-6, cancellation = 2.5, background_part = 0.25, median_local_fit = NULL,
    precision_reached = 0.03125,
    scores = array(seq_len(n * k * 2) / 8, c(n, k, 2)),
    image_class = array(c(0L, 1L, 0L, 1L)), prediction = array(c(0L, 1L, 1L, 1L)),
    image_output = matrix(if (k == 1) c(0L, 1L, 0L, 1L) else rep(0:1, each = n), n, k),
    output_values = matrix(seq_len(n * k), n, k) / 2, base_values = matrix(rep(seq_len(k), each = n) / 4, n, k),
    residuals = matrix(1e-6, n, k), cancellations = matrix(2.5, n, k), score_errors = NULL, local_fit = NULL,
    drops = NULL, band_means = matrix(1:8 / 10, n, 2), background = array(c(0L, 2L)),
    classes = c("water", "{forest}"), outputs = c("water", "{forest}"), bands = c("blue", "nir\u00e9"),
    wavelengths = c(480, NaN), groups = NULL, method = "deepshap", statistic = "band_sum", output = "logit",
    signed = TRUE, directed = FALSE, balanced = FALSE, background_source = "x", options = list(), seed = 0L,
    model = "small",
    versions = list(bandlens = "0.1.0", tensorflow = "2.0"), seconds = 1.25
  )
}

stored_result <- function(k = 1) as_band_importance(bridge_value(k))

# The error that an expression raises, without the backtrace.
error_of <- function(expr) {
  tryCatch(
    {
      expr
      NULL
    },
    error = identity
  )
}

# Is there anything in a value that lives in Python, or that refers to it?
holds_live_objects <- function(value) {
  if (is.environment(value) || is.function(value) || typeof(value) == "externalptr") {
    return(TRUE)
  }
  inside <- c(if (is.list(value)) unclass(value), attributes(value))
  any(vapply(inside, holds_live_objects, logical(1)))
}

# Runs R code with bandlens loaded in a session of its own; its output, with the exit status as an attribute.
run_r <- function(code, env = character()) {
  root <- getNamespaceInfo("bandlens", "path")
  load <- if ("pkgload" %in% loadedNamespaces() && pkgload::is_dev_package("bandlens")) {
    c(sprintf("pkgload::load_all(%s, quiet = TRUE)", deparse(root)), "library(bandlens)")
  } else {
    c(sprintf(".libPaths(c(%s, .libPaths()))", deparse(dirname(root))), "library(bandlens)")
  }
  script <- withr::local_tempfile(fileext = ".R", lines = c(load, code))
  rscript <- file.path(R.home("bin"), "Rscript")
  suppressWarnings(system2(rscript, c("--vanilla", shQuote(script)), stdout = TRUE, stderr = TRUE, env = env))
}
