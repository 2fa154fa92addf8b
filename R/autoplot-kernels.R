# Pictures of kernels: their weights, and their profiles over bands.

#' Draw kernels
#'
#' `autoplot()` gives a picture of the kernels of a convolution as a complete ggplot; `plot()` draws it.
#'
#' @param object,x A [layer_kernels()].
#' @param type What to draw: `"tiles"`, each kernel's weights, a kernel in a row and a band in a column, all on one
#'   scale that is symmetric about zero; or `"profile"`, how strongly each kernel weighs each band: the band's share of
#'   the kernel's sum of norms.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' A picture of tiles has at most 128 kernels: choose them by the `features` of [layer_kernels()]. Of more than 26
#' bands, it shows the 26 with the largest weights, and says so.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' kernels <- layer_kernels(model, bands = landsat$bands, wavelengths = landsat$wavelengths)
#' autoplot(kernels)
#' autoplot(kernels, "profile")
#' @export
autoplot.layer_kernels <- function(object, type = c("tiles", "profile"), ..., width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    type <- choose(type, c("tiles", "profile"), "type")
    check_size(width, "width")
    check_size(base_size, "base_size")
    switch(type,
      tiles = draw_kernel_tiles(object, width, base_size),
      profile = draw_kernel_profile(object, width, base_size)
    )
  })
}

#' @rdname autoplot.layer_kernels
#' @export
plot.layer_kernels <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

most_kernels <- 128

draw_kernel_tiles <- function(object, width, base_size) {
  check_most(length(object$kernel), "kernels", "choose some by the `features` of `layer_kernels()`", most_kernels)
  size <- dim(object$values)
  shown <- shown_bands(tapply(object$tables$band$norm, object$tables$band$band, sum))
  values <- object$values[, , , shown, drop = FALSE]
  largest <- max(abs(values))
  note <- "one scale for all"
  if (length(shown) < size[[4]]) {
    note <- sprintf("%s; %d of %d bands, those with the largest weights", note, length(shown), size[[4]])
  }
  kind <- sprintf("%s, %d x %d; a kernel in a row, a band in a column; ", object$kind, size[[2]], size[[3]])
  draw_mosaic(
    values, as.character(object$kernel), map_names(object, shown), if (largest > 0) largest else 1, width, base_size
  ) +
    ggplot2::labs(
      title = paste0("Kernels of layer '", object$layer, "'"),
      subtitle = wrap_lines(paste0(kind, note), width, base_size), fill = "Weight"
    )
}
