# Results of some of the images, and of several pieces together. The tables are made by the core, from the scores of the
# images, as when they were first computed: there is one place that does statistics.

#' Take images out of a result, or put results together
#'
#' A result keeps the scores of every image. `importance[i]` is the result of some of the images, with tables of its
#' own; `c()` (or `rbind()`) puts together results that explain different images in the same way, such as the pieces of
#' a scene that is too large to be explained at once.
#'
#' @param x A [band_importance()].
#' @param i Images: positions counted from 1, negative ones to leave images out, or `TRUE` for each image to keep. None
#'   may come twice: intervals would be too narrow.
#' @param ... Results of [band_importance()] of the same model, method, options, seed, background, bands, classes and
#'   outputs; anything else is refused by an error that says what differs. An image that is in two of them can't be
#'   noticed, and counts twice.
#' @param deparse.level Not used.
#'
#' @returns A [band_importance()]. Its tables are made from the scores of its images, so that pieces that are put
#'   together give the table of all; they are those of one computation of all images where the method gives an image
#'   the same scores in any company (random draws, and the images that `"permutation"` swaps, are those of the pieces).
#'
#' @details
#' The numbers are computed by the Python core, so this needs Python with NumPy and SciPy, but not the model.
#'
#' Without a `background` of your own, each result takes one from its images. Such results can't be put together, since
#' their scores compare the images with different things. Results of `"permutation"` with a metric of your own have no
#' scores of images, and can be neither cut nor put together.
#'
#' Positions are those of images, in `x` of the call: where images have several labels, each is taken with all of them.
#' Images with one class each that were chosen from `x` (`precision`) are taken by their places in `image_class`.
#'
#' `background` stays what it was: positions in the images of the computation.
#'
#' @seealso [tidy()][tidy.band_importance] at level `"image"` for the scores themselves.
#' @examplesIf bandlens:::has_tensorflow()
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' importance[importance$image_class == importance$prediction] # those that the model gets right
#' c(importance[1:10], importance[-(1:10)])
#' @name pieces
NULL

#' @rdname pieces
#' @export
`[.band_importance` <- function(x, i) {
  if (missing(i)) {
    return(x)
  }
  in_verb("take images out of the result", {
    as_band_importance(call_bridge("subset", as_result(x), as_image_positions(i, count_places(x))))
  })
}

#' @rdname pieces
#' @export
c.band_importance <- function(...) {
  in_verb("put the results together", {
    results <- unname(list(...))
    results <- Map(as_result, results, paste("result", seq_along(results)), USE.NAMES = FALSE)
    as_band_importance(call_bridge("combine", results))
  })
}

#' @rdname pieces
#' @export
rbind.band_importance <- function(..., deparse.level = 1) c.band_importance(...)
