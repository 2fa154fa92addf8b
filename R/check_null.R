# Does a method see that the model ignores a band, and treat two equal bands alike?

#' Does the method see that the model ignores a band?
#'
#' Gives the model two more bands without changing its outputs: a band of noise, which it ignores, and a copy of one of
#' its bands, of which it takes the mean with that band. What a method must say of these is known without knowing the
#' model: the noise must score 0, the band and its copy must score the same, and for methods that are linear in the
#' model's first layer both together must score what the band scores alone.
#'
#' @inheritParams band_importance
#' @param ... Other arguments of [band_importance()], by name, such as `background` or `bands`, and options of the
#'   method; but not `groups`: the bands are checked one by one. With `time_axis`, all must hold at each step.
#' @param duplicate Band to copy, by name (`"input:band"` where several inputs have it) or by position counted from 1;
#'   `NULL` copies the most important one over all images.
#' @param seed Makes the method and the noise repeatable.
#'
#' @returns A [band_check], which has passed if no row of its table has failed. `tidy()` gives a tibble with one row per
#'   class x output x role, with `time_axis` x step:
#' \describe{
#'   \item{`class`, `output`}{the images' class, and the output that is explained}
#'   \item{`role`, `band`}{`"noise"`, `"original"` (the band, next to its copy), `"copy"`, or `"both"` (the sum of the
#'     two); and the band's name, with several inputs after its `input`, with `time_axis` before its `time`}
#'   \item{`importance`}{what the method says}
#'   \item{`expected`}{what it should say: 0, the mean of original and copy (for both of these), and the band's
#'     importance to the model as it is}
#'   \item{`difference`, `tolerance`}{`importance` less `expected`, and how large it may be: rounding, four standard
#'     errors where scores are sampled, or 10 % of the largest importance for `"lime"`}
#'   \item{`outcome`}{`"passed"` or `"failed"`}
#'   \item{`n`}{number of images}
#' }
#' `expected`, `difference`, `tolerance` and `outcome` are `NA` where the method implies nothing.
#'
#' @details
#' A method that passes may still be wrong elsewhere. For which methods both together must score what the band scores
#' alone: `"saliency"`, `"gradient_x_input"`, `"integrated_gradients"`, `"expected_gradients"` and `"deepshap"`.
#'
#' `autoplot()` draws importances as dots, in rings that stand where they should be.
#'
#' @references Sundararajan & Najmi (2020), arXiv:1908.08474; Sundararajan, Taly & Yan (2017), arXiv:1703.01365.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 25) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' x <- landsat$test$x[some, , , ]
#' y <- landsat$test$y[some]
#' null <- check_null(model, x, y, method = "saliency", duplicate = "red")
#' null
#' autoplot(null)
#' @export
check_null <- function(model, x, y = NULL, ..., method = "deepshap", duplicate = NULL, seed = 0, progress = NULL) {
  in_verb("check the method", {
    own <- list(duplicate = as_band(duplicate, "duplicate"))
    asked <- table_arguments(..., method = method, seed = seed)
    explain_check("check_null", model, x, y, asked, own, progress)
  })
}
