#' Draw band importance
#'
#' `plot()` draws what `autoplot()` returns, or an interactive picture. Use `autoplot()`, which always gives a ggplot,
#' to add layers, scales or themes of your own.
#'
#' @param x A [band_importance()].
#' @param ... Passed on to `autoplot()`. Of interactive pictures, `type` (`"heatmap"`, `"bars"` or `"spectrum"`) and
#'   `scales`.
#' @param interactive Whether to draw by the package plotly, which has to be installed: under the mouse, the picture
#'   says which class and band it is, its wavelength, importance and interval.
#' @returns The plot, invisibly. With `interactive = TRUE`, the htmlwidget, which draws itself when it is printed, in a
#'   viewer, a browser or a document of R Markdown; `htmlwidgets::saveWidget()` writes it to a file.
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' plot(importance)
#' if (requireNamespace("plotly", quietly = TRUE)) plot(importance, "bars", interactive = TRUE)
#' @export
plot.band_importance <- function(x, ..., interactive = FALSE) {
  if (!rlang::is_bool(interactive)) {
    in_verb("draw the picture", cause(
      "option", "`interactive` must say whether to draw by plotly.", expected = "TRUE or FALSE",
      given = shown(interactive)
    ))
  }
  if (interactive) {
    return(in_verb("draw the picture", interactive_picture(x, ...)))
  }
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}
