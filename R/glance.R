#' One row about a band importance
#'
#' @param x A [band_importance()].
#' @param ... Not used.
#'
#' @returns A tibble with one row:
#' \describe{
#'   \item{`method`, `statistic`, `output`}{what was computed, how it was reduced over pixels, and whether logits or
#'     probabilities were explained}
#'   \item{`n`, `n_bands`, `n_classes`, `n_background`}{numbers of images, bands (of all inputs), classes and
#'     background images}
#'   \item{`completeness`}{largest difference between the sum of an image's attributions and what it should be, relative
#'     to the latter; `NA` for methods that are not additive}
#'   \item{`seed`, `model`, `seconds`}{seed, name of the model, and computing time}
#'   \item{`local_fit`}{median R^2 of the local models of `"lime"`: how much of each image's output its scores explain;
#'     `NA` for other methods}
#'   \item{`cancellation`}{how much larger scores are than what they share out: the sum of their sizes over bands,
#'     relative to the output's mean distance from those of the background images (or to the mean of that over images,
#'     where larger), for the image where this is largest. About 1 where bands agree, some tens where they oppose each
#'     other; hundreds and more come from scores that can't be right. `NA` for methods that are not additive, and in
#'     results that were saved before it was measured}
#'   \item{`accuracy`}{share of the explained images that the model classifies right, of the labels of images that may
#'     have several, or of pixels; R^2 for a model that predicts a number, the mean one if it predicts several; `NA`
#'     without `y`}
#'   \item{`chance`}{the accuracy to be expected of predictions that come as often as the model's but have nothing to do
#'     with the labels: the sum over classes of their share of the labels times their share of the predictions (as in
#'     Cohen's kappa). 0 for R^2, which is that of the mean; `NA` where all labels are of one class}
#'   \item{`task`, `head`}{what the outputs stand for, `"classification"`, `"multilabel"`, `"regression"` or
#'     `"segmentation"`, and which of the model's outputs they are; `NA` in results that were saved before there was a
#'     choice, and `head` where the model has one}
#'   \item{`background_part`}{part of the variance of an importance that is due to which background images were drawn,
#'     the median over the table (0 to 1); 0 for methods without a background, `NA` where it is not known}
#'   \item{`n_inputs`, `n_steps`}{only there for results of several inputs, and with a time axis: how many}
#'   \item{`precision_reached`, `converged`}{half width of the widest 95 % interval of a share in the table, and whether
#'     it is the `precision` that was asked for, or less (`NA` where none was)}
#'   \item{`background_strategy`}{how the background images were chosen, `"sample"`, `"balanced"`, `"others"`,
#'     `"kmeans"`, `"kmedoids"` or `"weighted"`, see [background_images()]; `NA` for methods without a background, and
#'     in results that were saved before there was a choice}
#' }
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' glance(importance)
#' @export
glance.band_importance <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    method = x$method,
    statistic = x$statistic,
    output = x$output,
    n = n_images(x),
    n_bands = count_bands(x),
    n_classes = length(x$classes),
    n_background = if (is.null(x$background)) NA_integer_ else length(x$background),
    completeness = number_or_na(x$completeness),
    seed = x$seed,
    model = x$model,
    seconds = x$seconds,
    local_fit = number_or_na(x$median_local_fit),
    cancellation = number_or_na(x$cancellation),
    accuracy = number_or_na(x$accuracy),
    chance = number_or_na(x$chance),
    task = text_or_na(x$task),
    head = text_or_na(x$head),
    background_part = number_or_na(x$background_part),
    n_inputs = if (!is.null(x$inputs)) length(unique(x$inputs)),
    n_steps = if (!is.null(x$times)) count_steps(x),
    precision_reached = number_or_na(x$precision_reached),
    converged = if (is.null(x$converged)) NA else x$converged,
    background_strategy = text_or_na(x$background_strategy)
  )
}

text_or_na <- function(value) if (is.null(value) || identical(value, "")) NA_character_ else value

number_or_na <- function(value) if (is.null(value)) NA_real_ else value
