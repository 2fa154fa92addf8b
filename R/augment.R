#' Band scores per image
#'
#' @param x A [band_importance()].
#' @param ... Not used.
#'
#' @returns A tibble with one row per image (per image x output, where several outputs are explained; per image x class,
#'   where an image has several labels, or pixels of several classes):
#' \describe{
#'   \item{`image`}{position of the image in the data, from 1}
#'   \item{`class`}{the class it is counted in}
#'   \item{`prediction`}{the class that the model predicts}
#'   \item{`output`}{the output that is explained}
#'   \item{`.value`, `.base_value`}{that output for the image, and its mean over the background (`NA` without one)}
#'   \item{`.score_<band>`}{one column of scores per band; with several inputs or a time axis, its name tells these,
#'     too: `.score_sar: VV at 2024-05-01`}
#' }
#' For additive methods, the scores of a row sum to `.value - .base_value`.
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' augment(importance)
#' @export
augment.band_importance <- function(x, ...) {
  in_verb("augment the images", no_other_arguments())
  scores <- row_scores(x)
  colnames(scores) <- paste0(".score_", cell_names(x))
  k <- ncol(x$image_output)
  tibble::tibble(
    image = rep(image_numbers(x), each = k),
    class = rep(x$image_class, each = k),
    prediction = rep(x$prediction, each = k),
    output = row_outputs(x),
    .value = by_row(x$output_values),
    .base_value = by_row(x$base_values),
    tibble::as_tibble(scores)
  )
}
