# How good explanations are, by the metrics of the field.

#' How good are explanations by several methods?
#'
#' There is no truth to compare an explanation with. Metrics stand in for it: whether scores foretell what the model
#' does without bands, whether they stay where images hardly change, whether they are of few bands, and whether they
#' depend on what was asked and on what was learnt. None of them is enough alone, and they may disagree.
#'
#' @inheritParams band_importance
#' @param model,x,y As for [band_importance()], for models of one input that give one class or one number per image,
#'   with at least three bands.
#' @param ... Other arguments of [band_importance()], by name, such as `background` or `bands`; not `target`.
#' @param methods Methods of [band_methods()] that score images, with their default options.
#' @param metrics Which metrics, see Details; `NULL` takes all that the model allows, but `"smooth_mprt"`, which takes
#'   `draws` times as many tables.
#' @param subsets Sets of bands of each size; all where there are no more.
#' @param draws,radius How often images are moved, and how far at most, in standard deviations of each band.
#' @param repeats Number of sets of random weights.
#' @param seed Makes sets, draws, weights and methods repeatable.
#'
#' @returns A [band_check] with nothing to pass. `tidy()` gives a tibble with one row per method x metric:
#' \describe{
#'   \item{`method`, `metric`, `better`}{`"higher"` or `"lower"` values are better}
#'   \item{`value`, `std_error`, `conf_low`, `conf_high`}{mean over images, its standard error and 95 % interval}
#'   \item{`n`}{number of images for which it is defined: correlations need scores that differ}
#'   \item{`rank`}{1 for the best method}
#' }
#'
#' @details
#' Absent bands are those of the mean background image.
#' \describe{
#'   \item{`"faithfulness_correlation"`}{correlation, over sets of half of the bands, of the sum of their scores with
#'     the fall of the output without them (Bhatt, Weller & Moura 2020, arXiv:2005.00631)}
#'   \item{`"sensitivity_n"`}{the same for sets of each size, the mean over sizes (Ancona et al. 2018,
#'     arXiv:1711.06104)}
#'   \item{`"monotonicity"`}{rank correlation of the sizes of scores with the mean squared change of the output when the
#'     band comes from background images (Nguyen & Martinez 2020, arXiv:2007.07584)}
#'   \item{`"max_sensitivity"`}{largest change of scores, relative to their size, when images are moved a little (Yeh et
#'     al. 2019, arXiv:1901.09392)}
#'   \item{`"local_lipschitz"`}{that change per distance (Alvarez-Melis & Jaakkola 2018, arXiv:1806.07538)}
#'   \item{`"sparseness"`, `"complexity"`}{Gini index of the sizes of scores (Chalasani et al. 2020, arXiv:1810.06583),
#'     and entropy of their shares (Bhatt et al. 2020)}
#'   \item{`"random_logit"`}{correlation with the scores for another output (Sixt et al. 2020, arXiv:1912.09818)}
#'   \item{`"mprt"`, `"smooth_mprt"`, `"efficient_mprt"`}{rank correlation with the scores of a model with random
#'     weights (Adebayo et al. 2018, arXiv:1810.03292); the same of means over moved images; and how much larger,
#'     relative to it, their entropy is (both Hedstrom et al. 2024, arXiv:2401.06465); Keras models only}
#' }
#' `autoplot()` draws tiles of metrics x methods, darker the better the rank.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 100) # of all classes; you will take more of your images
#' quality <- check_quality(
#'   landsat_model(), landsat$test$x[some, , , ], landsat$test$y[some],
#'   methods = c("deepshap", "saliency"), background = landsat$train$x, n_background = 10, repeats = 1
#' )
#' quality
#' autoplot(quality)
#' @export
check_quality <- function(model,
                          x,
                          y = NULL,
                          ...,
                          methods = c("deepshap", "gradient_x_input", "occlusion"),
                          metrics = NULL,
                          subsets = 50,
                          draws = 5,
                          radius = 0.1,
                          repeats = 3,
                          seed = 0,
                          progress = NULL) {
  in_verb("measure the quality of explanations", {
    given <- list(...)
    if ("target" %in% names(given)) {
      cause("option", "Each image is judged by its own output.", expected = "no `target`", given = "`target`")
    }
    own <- list(
      methods = as.list(methods), subsets = as_count(subsets, "subsets"), draws = as_count(draws, "draws"),
      radius = radius, repeats = as_count(repeats, "repeats")
    )
    own$metrics <- if (!is.null(metrics)) as.list(metrics)
    asked <- table_arguments(..., seed = seed)
    asked$arguments$method <- NULL
    question <- as_question(model, x, y, asked)
    question$arguments$target <- NULL
    as_band_check(call_bridge(
      "check_quality", question$model, question$x, question$y, c(question$arguments, own),
      progress_bar(progress, "Checking")
    ))
  })
}
