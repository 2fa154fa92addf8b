# A selection with made-up numbers, as the bridge gives it, for tests that need no Python.
selection_value <- function(n_bands = 5, n = 12, method = "forward", sensors = c("Landsat 8/9 OLI", "RGB + NIR")) {
  estimate <- 0.9 - 0.4 / seq_len(n_bands)^2
  of_sensors <- estimate[seq_along(sensors) + 1]
  table <- function(estimate, n_bands) {
    list(
      measure = array(0L * n_bands), estimate = array(estimate), std_error = array(0 * estimate + 0.02),
      conf_low = array(estimate - 0.04), conf_high = array(estimate + 0.04), n = array(0L * n_bands + n),
      retrained = array(n_bands < 0L)
    )
  }
  bands <- paste0("band_", seq_len(n_bands))
  steps <- seq_len(n_bands)
  moved <- rev(steps) - 1L
  if (method == "backward") moved[[n_bands]] <- -1L
  names <- vapply(steps, function(k) paste(utils::tail(bands, k), collapse = ", "), "")
  list(
    tables = list(
      curve = c(
        list(n_bands = array(steps), band = array(moved), bands = as.list(names)), table(estimate, steps),
        list(knee = array(steps == 3L))
      ),
      sensor = c(
        list(
          sensor = array(seq_along(sensors) - 1L), n_bands = array(seq_along(sensors) + 1L),
          bands = as.list(names[seq_along(sensors) + 1]), lacking = as.list(rep_len(c("cirrus", ""), length(sensors)))
        ),
        table(of_sensors, seq_along(sensors) + 1L)
      )
    ),
    method = method, metric = "accuracy", measure = "accuracy", retrained = FALSE,
    sets = outer(steps, rev(steps), ">="), moved = array(moved), qualities = matrix(estimate, n, n_bands, byrow = TRUE),
    runs = matrix(estimate, 1), bands = bands, wavelengths = seq(400, 2400, length.out = n_bands),
    image_class = array(rep_len(0:2, n)), classes = paste("land cover", 1:3), sensors = as.list(sensors),
    sensor_sets = matrix(TRUE, length(sensors), n_bands), sensor_qualities = matrix(0.5, n, length(sensors)),
    sensor_runs = matrix(0.5, 1, length(sensors)), lacking = list("Landsat 8/9 OLI" = "cirrus"), folds = 5L,
    repeats = 1L, n_background = 5L, output = "logit", groups = list(two = c("a", "b")), seed = 0L, model = "made up",
    versions = list(bandlens = "0.1.0"), seconds = 1.5, knee = 3L, selected = as.list(utils::tail(bands, 3)),
    verdict = "3 of 5 bands suffice: band_3, band_4, band_5; accuracy 0.856 (0.884 with all 5).",
    caveat = "The model was not trained again."
  )
}

made_selection <- function(...) as_band_selection(selection_value(...))
