# Spectra of the images that excite each feature most, of all images and of the made one, a panel per feature.

draw_top_spectrum <- function(object, found, width, base_size) {
  n <- length(object$names)
  check_most(n, "features", "choose some by the `features` of `top_images()`")
  k <- ncol(object$index)
  lines <- c(paste("top", count(k, "image")), "all images", if (!is.null(found)) "made")
  spectrum <- function(at, line, mean, std) {
    tibble::tibble(
      panel = as.character(at), line = factor(lines[[line]], lines), band = factor(object$bands, object$bands),
      wavelength = object$wavelengths, mean = as.vector(mean), std = as.vector(std),
      low = if (is.null(found)) NA_real_ else found$low, high = if (is.null(found)) NA_real_ else found$high
    )
  }
  table <- do.call(rbind, lapply(seq_len(n), function(at) {
    top <- function(values) colMeans(matrix(values[at, , ], k))
    made <- if (!is.null(found)) {
      bands <- tidy(some_images(found, match(object$names[[at]], found$names)), "band")
      spectrum(at, 3, bands$mean, bands$std)
    }
    rbind(
      spectrum(at, 1, top(object$mean), top(object$std)), spectrum(at, 2, object$all_mean, object$all_std), made
    )
  }))
  notes <- c(
    "lines: mean over pixels; ribbons: one standard deviation over pixels, the mean of images",
    if (!is.null(found)) "made: the image found from noise; grey: range of the data"
  )
  draw_spectra(
    table, stats::setNames(paste("feature", object$names), seq_len(n)), object,
    title = paste0("Spectra of images that excite features of layer '", object$layer, "' most"), notes = notes,
    width = width, base_size = base_size
  )
}
