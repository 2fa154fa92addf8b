# Where an output falls when a window of the image is covered.

#' Occlusion maps
#'
#' By how much does an output fall when a window of the image is replaced by the background's? The window slides over
#' the image. The model is asked for nothing but outputs, so that it may be any function.
#'
#' @inheritParams class_activation_maps
#' @param model As for [band_importance()].
#' @param ... Not used.
#' @param window Rows and columns of the window in pixels, one number or two. `NULL` takes a quarter of the image's
#'   sides.
#' @param stride Pixels from one window to the next, one number or two. `NULL` takes half the window. The last windows
#'   end at the image's edge.
#' @param by `"band"` replaces the window in one band after the other, `NULL` in all of them.
#' @param input Of several inputs, the name of the one that is covered; the others stay as they are.
#' @param replacement What the window is replaced by: `"background"`, that of each background image in turn, averaging
#'   the outputs; `"background_mean"`, that of the mean background image; or `"zero"`.
#' @param background Images that stand for "nothing to be seen here", as for [band_importance()].
#'
#' @returns An object of class `activation_maps`, as [class_activation_maps()] gives it: falls of the output in its
#'   units, images x outputs (x bands) x windows down x windows across.
#' @references Zeiler & Fergus 2014, arXiv:1311.2901.
#' @seealso [`autoplot()`][autoplot.activation_maps] draws them over the images.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' images <- landsat$test$x[1:4, , , ]
#' maps <- occlusion_maps(
#'   model, images, landsat$test$y[1:4],
#'   window = 1, by = "band", background = landsat$train$x, n_background = 20
#' )
#' summary(maps)
#' autoplot(maps, x = images)
#' @export
occlusion_maps <- function(model,
                           x,
                           y = NULL,
                           ...,
                           window = NULL,
                           stride = NULL,
                           by = NULL,
                           input = NULL,
                           replacement = c("background", "background_mean", "zero"),
                           background = NULL,
                           n_background = 100,
                           target = "class",
                           output = c("auto", "logit", "probability"),
                           head = NULL,
                           task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                           zone = NULL,
                           ignore = NULL,
                           bands = NULL,
                           wavelengths = NULL,
                           classes = NULL,
                           band_axis = -1,
                           reorder = FALSE,
                           batch_size = NULL,
                           seed = 0,
                           progress = NULL) {
  in_verb("compute occlusion maps", {
    no_other_arguments()
    asked <- table_arguments(
      background = background, n_background = n_background, target = target, output = output, head = head,
      task = task, zone = zone, ignore = ignore, bands = bands, wavelengths = wavelengths, classes = classes,
      band_axis = band_axis, reorder = reorder, batch_size = batch_size, seed = seed
    )
    asked$arguments$method <- NULL
    asked$arguments <- c(asked$arguments, list(
      window = as_sides(window, "window"), stride = as_sides(stride, "stride"), by = as_by(by),
      input = as_covered_input(input), replacement = choose(replacement, replacements, "replacement")
    ))
    as_activation_maps(explain("occlusion_maps", model, x, y, asked, progress))
  })
}

# One or two lengths in pixels.
as_sides <- function(sides, name) {
  if (is.null(sides)) {
    return(NULL)
  }
  if (!length(sides) %in% 1:2 || !is_whole(sides) || any(sides < 1)) {
    cause("option", paste0("`", name, "` is one number of pixels, or one for rows and one for columns."),
      given = shown(sides)
    )
  }
  as.list(rep_len(as.integer(sides), 2))
}

as_covered_input <- function(input) {
  if (!is.null(input) && !rlang::is_string(input)) {
    cause("option", "`input` names no input.", expected = "the name of an input of the model", given = shown(input))
  }
  input
}
