# Does a table depend on what the model has learnt?

#' Does the table depend on what the model has learnt?
#'
#' Gives the model's layers random weights, one after the other from the output to the input, and compares each table
#' with the trained model's. A method that gives nearly the same table for random weights shows the images, or the
#' architecture, not the model. Works on a copy; the model itself is only read.
#'
#' @inheritParams band_importance
#' @param model A trained Keras model, or the path of a saved one. A subclassed model needs `get_config()`.
#' @param y Class of each image, as for [band_importance()]; `NULL` takes the predictions of the trained model.
#' @param ... Other arguments of [band_importance()], by name, such as `background` or `bands`, and options of the
#'   method. `target` may not be `"predicted"`, which would change with the weights.
#' @param cascade Whether layers stay random in later steps; if `FALSE`, each is randomised alone, the others being as
#'   trained.
#' @param layers Where to compute tables: so many layers, evenly spaced, or layers by name (`"outer/inner"` in nested
#'   models). `NULL` takes all that have weights. In a cascade the layers between are randomised too, and the last step
#'   is always the one in which all layers are random.
#' @param repeats Number of sets of random weights.
#' @param seed Makes the method and the random weights repeatable.
#'
#' @returns A [band_check]. `tidy()` gives a tibble with one row per step x class x measure:
#' \describe{
#'   \item{`step`, `layer`}{0 is the trained model, compared with itself; `layer` is the one randomised last}
#'   \item{`class`}{the images' class; `"all"`: the mean over classes}
#'   \item{`measure`}{`"spearman_rho"` and `"kendall_tau"` (tau-b), rank correlations of the importances of the bands;
#'     or `"share_overlap"`, the sum over bands of the smaller of both shares: 1 for equal tables, 0 for tables with no
#'     band in common}
#'   \item{`estimate`, `conf_low`, `conf_high`}{mean over repeats, and its 95 % interval}
#'   \item{`n`}{number of repeats}
#' }
#' The check has not passed if, with all layers random, the mean of Spearman's rho over classes and repeats is above 0.5
#' *and* above what chance explains at the 5 % level. With few bands a random order often looks like the right one,
#' hence chance; and bands with more contrast matter more to any weights, so that correlations up to 0.5 are put down to
#' the images. `passed` is `NA` where bands and repeats are too few to tell, or layers are randomised one by one.
#'
#' @details
#' New weights are drawn by the layers' own initialisers. Statistics of batch normalisation become those of a new layer;
#' what layers such as Normalization have taken from data stays.
#'
#' `autoplot()` draws similarity against the layers that are random. Options are `by`, `"measure"` (a line per measure,
#' for the mean over classes) or `"class"` (a line per class), and `measure`, the one that is drawn by class (by default
#' `"spearman_rho"`).
#'
#' @references Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim (2018), Sanity Checks for Saliency Maps,
#'   arXiv:1810.03292.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 25) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' randomization <- check_randomization(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   method = "saliency", repeats = 2
#' )
#' randomization
#' autoplot(randomization)
#' @export
check_randomization <- function(model,
                                x,
                                y = NULL,
                                ...,
                                method = "deepshap",
                                cascade = TRUE,
                                layers = NULL,
                                repeats = 5,
                                seed = 0,
                                progress = NULL) {
  in_verb("check the table against random weights", {
    own <- list(
      cascade = as_flag(cascade, "cascade"),
      layers = if (is.character(layers)) as.list(layers) else as_count(layers, "layers", null = TRUE),
      repeats = as_count(repeats, "repeats")
    )
    asked <- table_arguments(..., method = method, seed = seed)
    explain_check("check_randomization", model, x, y, asked, own, progress)
  })
}
