# Are images whose bands were replaced still like real ones?

#' Are images with absent bands like real ones?
#'
#' Fills absent bands in every way that methods have (`absent`), and has a classifier tell the images from real ones.
#' Each image loses bands that are drawn at random, one to all but one. The more often the classifier is right, the
#' farther filled images are from the data on which a model can be expected to know what it does.
#'
#' @inheritParams band_importance
#' @param model The model that is to be explained. It says what `x` is made of; its outputs are not asked for.
#' @param x Images, as for [band_importance()].
#' @param ... Not used: all that follows must be named.
#' @param background Images that bands are taken from and that say how they depend on each other; `NULL` takes other
#'   images of `x`.
#' @param absent Which ways to compare: `"marginal"`, the background's band whatever the others are; `"conditional"`,
#'   what it would be given the bands that are there (linear, with residuals of the background); `"nearest"`, that of
#'   similar pixels.
#' @param n_images Most images of `x`, drawn at random.
#' @param pixels Most pixels of each.
#' @param folds Parts of the images that are tested on after training on the others.
#' @param time_axis Axis of the steps in `x`: then bands at single steps are absent.
#' @param seed Makes all that is drawn repeatable.
#'
#' @returns A [band_check] that has nothing to pass. `tidy()` gives a tibble with one row per way x unit:
#' \describe{
#'   \item{`absent`}{the way in which absent bands are filled}
#'   \item{`unit`}{`"pixel"`: told apart by spectra (of a model with one input); `"image"`: by means of bands over
#'     pixels, and standard deviations}
#'   \item{`auc`}{probability that a filled image looks more like one to the classifier than a real one does: 0.5 (or a
#'     little less) where it finds no difference, 1 where it is always right}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % interval over images}
#'   \item{`n`}{number of images}
#' }
#' `tidy(level = "removed")` gives the same by the number of absent bands, `removed`.
#'
#' @details
#' The classifier is one of boosted trees on principal components, cross-validated by image. It needs the Python package
#' scikit-learn, which comes with bandlens. `autoplot()` draws AUCs with intervals, and a line at 0.5.
#'
#' @references Lopez-Paz & Oquab (2017), arXiv:1610.06545; Hooker, Mentch & Zhou (2021), arXiv:1905.03151; Obuchowski
#'   (1997), doi:10.2307/2533957.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 25) # of all classes; you will take all of your images
#' plausibility <- check_plausibility(landsat_model(), landsat$test$x[some, , , ], background = landsat$train$x)
#' plausibility
#' autoplot(plausibility)
#' @export
check_plausibility <- function(model,
                               x,
                               ...,
                               background = NULL,
                               absent = c("marginal", "conditional", "nearest"),
                               n_images = 200,
                               pixels = 10,
                               folds = 5,
                               bands = NULL,
                               band_axis = -1,
                               time_axis = NULL,
                               reorder = FALSE,
                               seed = 0,
                               progress = NULL) {
  in_verb("check filled images", {
    no_other_arguments()
    said <- as_described(x, background, bands, NULL, band_axis, time_axis)
    model <- as_model(model, said$names, said$axis)
    arguments <- list(
      absent = as.list(as.character(absent)),
      n_images = as_count(n_images, "n_images", least = 2),
      pixels = as_count(pixels, "pixels"),
      folds = as_count(folds, "folds", least = 2),
      reorder = as_flag(reorder, "reorder"),
      seed = as_count(seed, "seed", least = 0)
    )
    arguments <- c(arguments, said$arguments[setdiff(names(said$arguments), c("wavelengths", "times"))])
    as_band_check(
      call_bridge("check_plausibility", model, said$x, arguments, progress_bar(progress, "Checking"))
    )
  })
}
