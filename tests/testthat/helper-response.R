# Curves with made-up numbers, as the bridge gives them, for tests that need no Python.
response_value <- function(n_bands = 4, n_classes = 3, n = 12, kind = "ale", all_outputs = FALSE, known = TRUE) {
  classes <- paste("land cover", seq_len(n_classes))
  codes <- rep(seq_len(n_classes) - 1L, each = n)
  points <- 5
  levels <- matrix((sin(seq_len(length(codes) * n_bands) * 1.7) + 1.5) / 4, ncol = n_bands)
  levels <- levels + codes / 20
  outputs <- if (all_outputs) matrix(seq_len(n_classes) - 1L, length(codes), n_classes, byrow = TRUE) else matrix(codes)
  rows <- expand.grid(
    point = seq_len(points), band = seq_len(n_bands),
    output = if (all_outputs) seq_len(n_classes) else NA, class = seq_len(n_classes)
  )
  rows$output <- ifelse(is.na(rows$output), rows$class, rows$output)
  grid <- array(NA_real_, c(n_classes, n_bands, points))
  for (class in seq_len(n_classes)) {
    grid[class, , ] <- t(apply(levels[codes == class - 1, , drop = FALSE], 2, function(own) {
      seq(min(own), max(own), length.out = points)
    }))
  }
  level <- grid[cbind(rows$class, rows$band, rows$point)]
  effect <- made_strength(rows$output, rows$band) * sin(6 * level + rows$output)
  waves <- if (known) seq(400, 2400, length.out = n_bands) else rep(NaN, n_bands)
  list(
    kind = kind, row_class = array(rows$class - 1L), row_output = array(as.integer(rows$output - 1)),
    row_band = array(rows$band - 1L), level = array(level), effect = array(effect),
    std_error = array(abs(effect) / 20), conf_low = array(effect - abs(effect) / 10 - 0.1),
    conf_high = array(effect + abs(effect) / 10 + 0.1),
    n_images = array(as.integer(if (kind == "ice") rep(n, 5) else c(0, 3, 3, 3, 3))[rows$point]),
    image_class = array(codes), image_output = outputs,
    band_levels = levels, classes = classes, outputs = classes, bands = paste0("band_", seq_len(n_bands)),
    wavelengths = waves, output = "logit", steps = 4L, grid = if (kind == "ice") grid,
    values = if (kind == "ice") made_values(codes, outputs, grid), missing = stats::setNames(list(), character()),
    model = "made up", versions = list(bandlens = "0.1.0"), seconds = 1.5
  )
}

made_strength <- function(output, band) 0.2 + (7 * band + 3 * output) %% 11

made_values <- function(codes, outputs, grid) {
  values <- array(0, c(dim(outputs), dim(grid)[-1]))
  for (i in seq_along(codes)) {
    for (k in seq_len(ncol(outputs))) {
      for (band in seq_len(ncol(grid))) {
        output <- outputs[i, k] + 1
        values[i, k, band, ] <- made_strength(output, band) * sin(6 * grid[codes[i] + 1, band, ] + output) + sin(i) / 3
      }
    }
  }
  values
}

made_response <- function(...) as_band_response(response_value(...))

# Curves of three steps of each band; with several inputs, the last band is one of an input without steps.
stepped_response <- function(n_bands, n_classes = 3, several = FALSE, ...) {
  value <- response_value(3 * n_bands + several, n_classes, ...)
  value$bands <- c(rep(paste0("band_", seq_len(n_bands)), each = 3), if (several) "slope")
  value$times <- c(rep(dates, n_bands), if (several) "")
  value$time_kind <- "date"
  if (several) value$inputs <- c(rep("series", 3 * n_bands), "terrain")
  as_band_response(value)
}

# Scores that add up, and levels.
summed <- function(...) {
  result <- scored(...)
  n <- nrow(result$image_output)
  result$base_values <- matrix(0.25, n, ncol(result$image_output))
  result$output_values <- result$base_values + apply(result$scores, c(1, 2), sum)
  result$residuals <- 0 * result$base_values
  result$prediction <- result$image_class
  result
}
