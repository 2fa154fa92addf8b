# Spectra of the images that excite each feature most and of the made one, above what is usual, a panel per feature.

draw_top_spectrum <- function(object, found, width, base_size) {
  n <- length(object$names)
  check_most(n, "features", "choose some by the `features` of `top_images()`")
  k <- ncol(object$index)
  lines <- c(paste("top", count(k, "image")), if (!is.null(found)) "image made for the feature")
  spectrum <- function(at, line, mean, std) {
    tibble::tibble(
      panel = as.character(at), line = factor(lines[[line]], lines), band = factor(object$bands, object$bands),
      wavelength = object$wavelengths, mean = as.vector(mean), std = as.vector(std),
      low = object$all_mean - object$all_std, high = object$all_mean + object$all_std
    )
  }
  table <- do.call(rbind, lapply(seq_len(n), function(at) {
    top <- function(values) colMeans(matrix(values[at, , ], k))
    made <- if (!is.null(found)) {
      bands <- tidy(some_images(found, match(object$names[[at]], found$names)), "band")
      spectrum(at, 2, bands$mean, bands$std)
    }
    rbind(spectrum(at, 1, top(object$mean), top(object$std)), made)
  }))
  notes <- paste0(
    input_note(object),
    "lines: mean over pixels; ribbons: one standard deviation over pixels, the mean of images; grey: the same of all ",
    count(object$n, "image")
  )
  draw_spectra(
    table, stats::setNames(paste("feature", object$names), seq_len(n)), object,
    title = paste0("Spectra of images that excite features of layer '", object$layer, "' most"), notes = notes,
    width = width, base_size = base_size
  )
}
