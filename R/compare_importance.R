# Do different methods, models or seeds name the same bands?

#' How far do results agree on which bands matter?
#'
#' Compares results of different methods, models, seeds or regions. For every pair of results, per class and over all
#' classes: Kendall's tau-b, Spearman's rho, and the share of the most important bands that both name, each with a
#' bootstrap 95 % interval over images.
#'
#' @param ... Two or more results of [band_importance()], of the same bands and classes in the same order. Names, as in
#'   `compare_importance(first = a, second = b)`, are what they are called. Or one list of them, such as
#'   `band_importance(..., method = c("deepshap", "occlusion"))` gives.
#' @param names What to call the results, if not by the names in `...`; `NULL` takes their methods, or their models
#'   where only these differ.
#' @param top How many of the most important bands to compare; `NULL` is 3, or one less than there are bands if that is
#'   fewer.
#' @param resamples Number of bootstrap resamples.
#' @param seed Makes the bootstrap repeatable.
#'
#' @returns A [band_check], for which `passed` is `NA`: how much agreement is enough is for the reader to say. `tidy()`
#'   gives a tibble with one row per pair of results, class, output and measure:
#' \describe{
#'   \item{`first`, `second`}{names of the two results}
#'   \item{`class`, `output`}{the images' class (`"all"`: over all classes), and the output that is explained (`NA`
#'     where each image is explained by an output of its own)}
#'   \item{`measure`}{`"kendall_tau"` (tau-b), `"spearman_rho"`, or `"top_overlap"`, the share of the `top` most
#'     important bands that both results name}
#'   \item{`estimate`}{agreement of the two tables; `NA` where all bands of one are equally important}
#'   \item{`std_error`, `conf_low`, `conf_high`}{bootstrap standard error and 95 % interval; `NA` where a class has a
#'     single image}
#'   \item{`n`}{number of images, of the result with fewer}
#' }
#'
#' @details
#' Images are drawn anew within their classes. Results that explain the same images are given the same resamples, so
#' that what makes a whole sample special does not count as disagreement. Results of a metric that is computed for whole
#' classes have no scores of images: their repeats are drawn instead. Resampling adds noise, and noise lowers agreement:
#' intervals lie low, with few images even below the estimate.
#'
#' `autoplot()` draws a row per class, a panel per measure and a colour per pair of results. Of more than four results
#' it draws a matrix of one measure over all classes, the option `measure` (by default `"kendall_tau"`).
#'
#' @references Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' # in place of a result of another method, or of a model that was trained with another seed
#' other <- importance
#' other$scores[, , "nir1"] <- 2 * other$scores[, , "nir1"]
#'
#' agreement <- compare_importance(mine = importance, other = other)
#' agreement
#' tidy(agreement)
#' autoplot(agreement)
#' @export
compare_importance <- function(..., names = NULL, top = NULL, resamples = 1000, seed = 0) {
  in_verb("compare the results", {
    results <- list(...)
    # several methods of one call come as a list
    if (length(results) == 1 && is.list(results[[1]]) && !is.object(results[[1]])) {
      results <- results[[1]]
    }
    given <- rlang::names2(results)
    places <- ifelse(nzchar(given), given, paste("result", seq_along(results)))
    if (is.null(names) && any(nzchar(given))) {
      names <- places
    }
    arguments <- list(
      names = if (!is.null(names)) as.list(as.character(names)), top = as_count(top, "top", null = TRUE),
      resamples = as_count(resamples, "resamples"), seed = as_count(seed, "seed", least = 0)
    )
    results <- Map(as_result, unname(results), places, USE.NAMES = FALSE)
    as_band_check(call_bridge("compare_importance", results, arguments))
  })
}
