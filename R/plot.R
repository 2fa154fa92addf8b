#' Draw band importance
#'
#' `plot()` draws what `autoplot()` returns. Use `autoplot()` to add layers, scales or themes of your own.
#'
#' @param x A [band_importance()].
#' @param ... Passed on to `autoplot()`.
#' @returns The plot, invisibly.
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' plot(importance)
#' @export
plot.band_importance <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}
