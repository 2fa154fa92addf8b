# Class activation maps with made-up numbers, as the bridge gives them, for tests that need no Python.
where_value <- function(by = NULL, k = 1, size = c(3, 2), signed = FALSE, n = 4,
                        bands = c("blue", "green", "red", "nir"), method = "gradcam") {
  classes <- c("forest", "water")
  n_bands <- length(bands)
  shape <- c(n, k, if (!is.null(by)) n_bands, size)
  values <- array(sin(seq_len(prod(shape)) * 1.7), shape)
  if (!signed) {
    values <- abs(values)
  }
  at <- positions(n, k, if (!is.null(by)) n_bands)
  numbers <- function() array(rep(0.5, length(at[[1]])))
  image <- c(
    list(image = array(at[[1]]), class = array(rep_len(0:1, n)[at[[1]] + 1L]), output = array(at[[2]])),
    if (!is.null(by)) list(band = array(at[[3]]), wavelength = array(rep(NaN, length(at[[1]])))),
    list(
      mean = numbers(), mean_abs = numbers(), peak = numbers(), row = array(at[[1]] %% 3L),
      col = array(at[[1]] %% 2L)
    )
  )
  cells <- positions(2, n_bands)
  table <- list(
    class = array(cells[[1]]), output = array(cells[[1]]), band = array(cells[[2]]),
    wavelength = array(rep(NaN, 2 * n_bands)), importance = array(seq_len(2 * n_bands) / 10),
    share = array(rep(seq_len(n_bands) / sum(seq_len(n_bands)), 2)), rank = array(rep(rev(seq_len(n_bands)), 2)),
    n = array(rep(as.integer(n / 2), 2 * n_bands))
  )
  list(
    values = values, tables = c(list(image = image), if (!is.null(by)) list(class = table)),
    image_class = array(rep_len(0:1, n)), prediction = array(rep_len(c(0L, 1L, 1L, 1L), n)),
    image_output = if (k > 1) matrix(seq_len(k) - 1L, n, k, byrow = TRUE) else matrix(rep_len(0:1, n)),
    row_at = array((seq_len(size[[1]]) - 0.5) / size[[1]]), col_at = array((seq_len(size[[2]]) - 0.5) / size[[2]]),
    classes = as.list(classes), outputs = as.list(classes), bands = as.list(bands),
    wavelengths = as.list(rep(NaN, n_bands)), band_axes = array(rep(3L, n_bands)), method = method, output = "logit",
    layer = if (method != "occlusion") "conv", kind = if (method != "occlusion") "Conv2D", relu = !signed, by = by,
    n_background = if (!is.null(by)) 7L, options = list(replacement = "background"), seed = 0L, model = "small",
    versions = list(bandlens = "0.1.0"), seconds = 1.5
  )
}

made_where <- function(...) as_activation_maps(where_value(...))

# Images that belong to them.
where_x <- function(n = 4, rows = 9, cols = 8, bands = 4) {
  array((cos(seq_len(n * rows * cols * bands) * 0.3) + 1) * 40, c(n, rows, cols, bands))
}
