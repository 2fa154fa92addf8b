# Do the bands that a table ranks first matter most to the model?

#' Do the bands that are ranked first matter most to the model?
#'
#' Takes bands away from the images in the order of importance, in the reverse order and in random orders, and follows
#' the model's output. If a ranking is right, the output of a class falls fastest in the order of importance. Each image
#' loses bands in the order of its own class's row of the table; groups of bands go together.
#'
#' @inheritParams band_importance
#' @param model The model that was explained.
#' @param result A [band_importance()].
#' @param x The images that were explained, in the same order.
#' @param y Class of each image, as for [band_importance()]; `NULL` takes those of `result`. For a
#'   regression, the observed numbers, which only tell whether the model fits. For a model that gives outputs for every
#'   pixel, the labels that `result` was made with, if there were any.
#' @param ... Not used: all that follows must be named.
#' @param replacement What a removed band is replaced by: `"background"`, the same pixels of background images that are
#'   drawn for each image, averaging what comes out; `"background_mean"`, the mean background image; or `"zero"`, which
#'   is seldom an image that the model knows.
#' @param absent Whether a removed band is that of the background whatever the others are (`"marginal"`), or depends on
#'   the bands that are left: what it would be given these (`"conditional"`, not with zeros), or that of similar pixels
#'   (`"nearest"`, with background images only). Bands of which others tell then take little with them.
#' @param background Images that removed bands are taken from; `NULL` takes other images of `x`.
#' @param n_background Number of background images that are drawn for each image, with `replacement = "background"`.
#' @param orders Number of random orders; all there are, instead, where there are no more than that.
#' @param steps Most steps in which bands are removed; where there are more bands, several go at once.
#' @param output Output that is followed: `"auto"` is the probability where the model ends in softmax or sigmoid.
#' @param zone,ignore For a model that gives outputs for every pixel: the mask, where `result` was made with one, and
#'   the labels that stand for no class, both as for [band_importance()]. Zones are those of the whole images, whatever
#'   is removed.
#' @param time_axis Axis of the steps in `x`, as in the call that made the result.
#' @param bands Names of the bands of `x`; `NULL` takes its `dimnames`, else those that `result` remembers.
#' @param seed Makes the random orders and the draws from the background repeatable.
#'
#' @returns A [band_check], which has passed if the area of the first measure over all images is above 0 with its whole
#'   interval. `tidy()` gives a tibble with one row per order x class x number of removed bands x measure:
#' \describe{
#'   \item{`order`}{`"importance"`, `"random"` (the mean over the random orders) or `"reverse"`}
#'   \item{`class`}{the images' class; `"all"`: all images}
#'   \item{`removed`, `band`}{number of bands that are removed, and the one removed last; `NA` for random orders, for
#'     `"all"`, and where nothing was removed; with several inputs after its `input`, with `time_axis` before its
#'     `time`}
#'   \item{`measure`}{`"probability"`, `"logit"` or `"output"`, the output of the image's class; `"accuracy"`, 1 where
#'     that output is the largest; `"fidelity"`, minus the distance of the output from that for the whole image. For a
#'     regression only the last. Of a model that gives outputs for every pixel, means over the zone of the class; and
#'     with labels `"iou"`: the pixels that are of the class and taken for it, as a part of those that are either}
#'   \item{`estimate`, `conf_low`, `conf_high`}{mean over images, and its 95 % interval}
#'   \item{`n`}{number of images}
#' }
#' `tidy(level = "area")` gives one with one row per class x measure:
#' \describe{
#'   \item{`class`, `measure`, `n`}{as above}
#'   \item{`area`, `conf_low`, `conf_high`}{area under the mean curve of the random orders less that under the curve of
#'     the order of importance, over the fraction of bands removed, and its 95 % interval: positive where the ranking
#'     finds the bands that matter}
#' }
#'
#' @details
#' A model never saw images whose bands come from two places, so part of what falls may be due to that. It is the same
#' for all orders, which is why areas are compared with those of random orders.
#'
#' Where an image has several classes, as labels or in its pixels, it counts for each of them, and in `"all"` with their
#' mean.
#'
#' `autoplot()` draws the curves, a panel per class. The option `measure` chooses the measure, by default the first.
#'
#' @references Samek et al. (2017), arXiv:1509.06321; Petsiuk, Das & Saenko (2018), arXiv:1806.07421.
#' @seealso [band_check] for what can be done with the outcome of a check.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 25) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' x <- landsat$test$x[some, , , ]
#' importance <- band_importance(model, x, landsat$test$y[some], method = "saliency")
#' deletion <- check_deletion(model, importance, x, background = landsat$train$x)
#' deletion
#' tidy(deletion, "area")
#' autoplot(deletion)
#' @export
check_deletion <- function(model,
                           result,
                           x,
                           y = NULL,
                           ...,
                           replacement = c("background", "background_mean", "zero"),
                           absent = c("marginal", "conditional", "nearest"),
                           background = NULL,
                           n_background = 5,
                           orders = 24,
                           steps = 20,
                           output = c("auto", "logit", "probability"),
                           zone = NULL,
                           ignore = NULL,
                           bands = NULL,
                           band_axis = -1,
                           time_axis = NULL,
                           reorder = FALSE,
                           batch_size = NULL,
                           seed = 0,
                           client = NULL,
                           progress = NULL) {
  in_verb("check the ranking", {
    no_other_arguments()
    output <- as_output(output)
    kept <- as_result(result)
    said <- as_described(x, background, bands, NULL, band_axis, time_axis)
    own <- is.null(result$groups) && is.null(result$inputs) && is.null(result$times)
    model <- as_model(model, if (own) result$bands else said$names, said$axis)
    arguments <- list(
      replacement = choose(replacement, c("background", "background_mean", "zero"), "replacement"),
      absent = choose(absent, c("marginal", "conditional", "nearest"), "absent"),
      n_background = as_count(n_background, "n_background"),
      orders = as_count(orders, "orders"),
      steps = as_count(steps, "steps"),
      output = output,
      reorder = as_flag(reorder, "reorder"),
      batch_size = as_count(batch_size, "batch_size", null = TRUE),
      seed = as_count(seed, "seed", least = 0)
    )
    arguments$client <- as_client(client)
    arguments$zone <- as_zone(zone)
    arguments$ignore <- as_ignored(ignore)
    y <- as_labels(y, result$classes, ignore)$y
    # wavelengths and times are those of the result
    arguments <- c(arguments, said$arguments[setdiff(names(said$arguments), c("wavelengths", "times"))])
    as_band_check(call_bridge("check_deletion", model, kept, said$x, y, arguments, progress_bar(progress, "Checking")))
  })
}
