# Would other images, or another background sample, have given another table?

#' Would other images or another background give another table?
#'
#' The standard errors of [band_importance()] are those of its images, and of its background images where its method
#' has scores against single ones. `check_stability()` makes tables again, for all methods, and tells which ranks would
#' stay: it computes the table once as [band_importance()] does, and `backgrounds` times with other background samples;
#' each of `resamples` then takes one of these samples and draws the images anew.
#'
#' @inheritParams band_importance
#' @param ... Other arguments of [band_importance()], by name, such as `method`, `background` or `bands`, and options of
#'   the method.
#' @param backgrounds Number of other background samples, 2 or more; each costs as much as [band_importance()]. Ten know
#'   the error they cause to about a quarter of itself. Methods that use no background don't need them.
#' @param resamples Number of bootstrap resamples, at least two per background sample.
#' @param seed Makes the table and all resampling repeatable.
#'
#' @returns A [band_check]. `tidy()` gives a tibble with one row per class x output x band:
#' \describe{
#'   \item{`class`, `output`, `band`, `wavelength`}{as in [`tidy()`][tidy.band_importance], also `input` and `time`}
#'   \item{`importance`, `share`}{those of [band_importance()] with this seed}
#'   \item{`std_error_images`, `std_error_background`, `std_error`}{standard error of `importance` over images, over
#'     background samples (0 for methods without a background), and both together}
#'   \item{`conf_low`, `conf_high`, `share_low`, `share_high`}{95 % intervals of `importance` and of `share`}
#'   \item{`rank`, `rank_low`, `rank_high`}{rank, and where it lies in 95 % of the resamples}
#'   \item{`first`}{how often the band is ranked first in the resamples, from 0 to 1}
#' }
#' `tidy(level = "rank")` gives one with one row per class x output:
#' \describe{
#'   \item{`class`, `output`}{as above}
#'   \item{`rank_stability`}{mean Kendall's tau-b between the ranking of a resample and that of the table}
#'   \item{`conf_low`, `conf_high`}{where it lies in 95 % of the resamples}
#'   \item{`n`}{number of images}
#'   \item{`band`, `first`}{the band that the table ranks first, and how often it is first in the resamples}
#'   \item{`rival`, `rival_first`}{of the other bands, the one that is first most often (`"sar: VV at 2024-05-01"` with
#'     several inputs and a time axis), and how often}
#'   \item{`outcome`}{`"sure"` if `first` is 0.95 or more, `"outlier"` if `first` is below 0.25 while `rival_first` is
#'     above 0.5, else `"open"`}
#' }
#' Classes with a single image have no errors: they are `NA`.
#'
#' The check has not passed if any class is an outlier: its table then ranks a band first that hardly any other sample
#' would, whatever the intervals of shares say. Else `passed` is `NA`: how sure is sure enough is for you to say.
#'
#' @details
#' Background samples have as many images as [band_importance()] uses, drawn with replacement: so they vary as if each
#' came from the population of which `background` is a sample. The variance of an importance is the sum of the mean,
#' over background samples, of its variance over images, and of the variance over background samples. Intervals are the
#' table's value with Student's t and the degrees of freedom of Satterthwaite (1946).
#'
#' `autoplot()` draws shares with their intervals, a panel per class; above each, how often the band is first.
#'
#' @references Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 25) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' stability <- check_stability(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = landsat$train$x, n_background = 10, backgrounds = 3, resamples = 100
#' )
#' stability
#' autoplot(stability)
#' @export
check_stability <- function(model, x, y = NULL, ..., backgrounds = 10, resamples = 1000, seed = 0, progress = NULL) {
  in_verb("check the stability of the table", {
    own <- list(backgrounds = as_count(backgrounds, "backgrounds"), resamples = as_count(resamples, "resamples"))
    explain_check("check_stability", model, x, y, table_arguments(..., seed = seed), own, progress)
  })
}
