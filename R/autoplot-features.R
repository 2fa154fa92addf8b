# Pictures of the images that excite features. Python draws the same ones with plotnine. One type per file.

#' Draw images that excite features
#'
#' `autoplot()` gives a picture of the images, of their bands or of how they were found, as a complete ggplot to which
#' layers, scales and themes can be added; `plot()` draws it.
#'
#' @param object A [visualize_features()], or several put together by `c()`.
#' @param type What to draw:
#'   * `"grid"`: a composite of three bands per image; mid-grey is the middle of the bands' ranges;
#'   * `"bands"`: every band of every image, as its deviation from the middle of the band's range, in parts of the
#'     range: what is white holds nothing;
#'   * `"spectrum"`: mean and standard deviation over pixels of each band, against wavelength (against the bands where
#'     wavelengths are unknown), within the range of the data;
#'   * `"trace"`: activation over the steps, of each image's largest, a line per image and their median.
#'
#'   `NULL` is `"grid"`, for spectra `"spectrum"`.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param rgb Three bands of the composite, by name or position, for red, green and blue; or `"strongest"`, the three
#'   bands that hold most, the longest wavelength as red. `NULL` takes those of red, green and blue light, else
#'   false colours, as for [autoplot.band_maps()].
#' @param stretch Where colours are full: at each image's own largest deviations from the middle, by one factor for all
#'   its bands (`"image"`), or at the ends of the bands' ranges (`"range"`).
#' @param per_layer How many images of each layer to draw: the first that are not dead.
#' @param x For `plot()`, as `object`.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' A composite shows three bands. A feature that looks at others is grey there: the types `"bands"` and `"spectrum"`
#' show all, and `rgb = "strongest"` chooses. A picture has at most 64 images, 16 of type `"bands"`: choose them by
#' `object[i]`. Of more than 26 bands, `"bands"` draws the 26 that hold most, and says so.
#'
#' Results that `c()` puts together are drawn layer by layer, a layer in a row, in the order in which they were given,
#' such as from early to deep ones.
#'
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' look <- function(layer) {
#'   visualize_features(
#'     model, layer,
#'     features = 1:6, steps = 40, background = landsat$train$x, wavelengths = landsat$wavelengths
#'   )
#' }
#' first <- look("re_lu")
#' autoplot(first, rgb = "strongest")
#' autoplot(first, "bands")
#' autoplot(first[1:4], "spectrum")
#' autoplot(c(first, look("re_lu_1")))
#' @export
autoplot.feature_images <- function(object,
                                    type = NULL,
                                    ...,
                                    rgb = NULL,
                                    stretch = c("image", "range"),
                                    width = if (identical(type, "trace")) 85 else 175,
                                    base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    type <- feature_picture(type, object)
    check_size(width, "width")
    check_size(base_size, "base_size")
    if (!is.null(rgb) && type != "grid") {
      cause("option", paste0("The picture \"", type, "\" is no composite of three bands."),
        expected = "rgb = NULL", given = shown(rgb)
      )
    }
    stretch <- choose(stretch, c("image", "range"), "stretch")
    switch(type,
      grid = draw_feature_grid(object, rgb, stretch, width, base_size),
      bands = draw_feature_bands(object, width, base_size),
      spectrum = draw_feature_spectrum(object, width, base_size),
      trace = draw_feature_trace(object, width, base_size)
    )
  })
}

#' @rdname autoplot.feature_images
#' @export
autoplot.feature_images_list <- function(object,
                                         ...,
                                         rgb = NULL,
                                         stretch = c("image", "range"),
                                         per_layer = 6,
                                         width = 175,
                                         base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    stretch <- choose(stretch, c("image", "range"), "stretch")
    draw_feature_layers(object, rgb, stretch, as_count(per_layer, "per_layer"), width, base_size)
  })
}

#' @rdname autoplot.feature_images
#' @export
plot.feature_images <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

#' @rdname autoplot.feature_images
#' @export
plot.feature_images_list <- plot.feature_images

feature_picture <- function(type, object) {
  size <- dim(object$values)[2:3]
  if (is.null(type)) {
    return(if (prod(size) == 1) "spectrum" else "grid")
  }
  type <- choose(type, c("grid", "bands", "spectrum", "trace"), "type")
  if (type %in% c("grid", "bands")) {
    refuse_spectra(size)
  }
  type
}

fewer_images <- "choose some of the images, such as `x[1:16]`"

# What each image is of.
image_names <- function(object) {
  word <- switch(object$objective, logit = "", direction = "direction ", deep_dream = "dream", "feature ")
  names <- paste0(word, if (object$objective != "deep_dream") object$names)
  if (length(unique(object$image)) > 1) {
    names <- paste0(names, ", image ", object$image)
  }
  paste0(names, ifelse(object$dead, " (dead)", ifelse(not_risen(object), " (not above its start)", "")))
}

# Whose image excites the feature no more than the start did, though it is not dead.
not_risen <- function(object) {
  object$done > 0 & !object$dead & !(object$activation_after > object$activation_before)
}

# Whose images these are, for titles.
look_for <- function(object) {
  if (is_output(object)) "the model's outputs" else paste0("features of layer '", object$layer, "'")
}

# First line of subtitles: how the images came about.
feature_source <- function(object) {
  paste0(
    gsub("_", " ", object$objective), ", ", count(object$steps, "step"), " from ", object$start, " start",
    if (object$interrupted) ", interrupted",
    if (!is.null(object$input)) paste0("; input ", object$input, ", the others held at the mean of their background")
  )
}
