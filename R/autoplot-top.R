# The images of a data set that excite features most, beside those that were made to excite them.

#' Draw the images that excite features most
#'
#' `autoplot()` draws the images of a data set that excite each feature most, or their spectra, as a complete ggplot;
#' `plot()` draws it. Beside the images of [visualize_features()] this is a check on them: does what was made look like
#' what there is?
#'
#' @param object,x A [top_images()].
#' @param type What to draw: `"images"`, a row per feature, as composites of three bands, with their activation; or
#'   `"spectrum"`, means and standard deviations of the bands of these images, above those of all images of the data
#'   set. `NULL` is `"images"`, for spectra `"spectrum"`.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param found Images of the same features by [visualize_features()], to be drawn beside them; the first of each
#'   feature is taken.
#' @param rgb Three bands of the composite, as for [autoplot.feature_images()]; `"strongest"` are the
#'   strongest of `found`, without it those whose mean over these images is furthest from that of all images, in
#'   standard deviations within images.
#' @param most How many images of each feature to draw.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' Each band of the data's images is stretched from its 2 % to its 98 % quantile over all that are shown; those of
#' `found` have mid-grey as the middle of their ranges, and full colours at their largest deviations from it. A picture
#' has at most 64 images: choose them by `most`, and by the `features` of [top_images()].
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' top <- top_images(
#'   model, landsat$test$x, "re_lu",
#'   features = 1:3, n = 5, wavelengths = landsat$wavelengths
#' )
#' found <- visualize_features(
#'   model, "re_lu",
#'   features = 1:3, steps = 20, background = landsat$train$x, wavelengths = landsat$wavelengths
#' )
#' autoplot(top, found = found)
#' autoplot(top, "spectrum", found = found)
#' @export
autoplot.top_images <- function(object, type = NULL, ..., found = NULL, rgb = NULL, most = 6, width = 175,
                                base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    spectra <- prod(dim(object$values)[3:4]) == 1
    type <- if (is.null(type)) {
      if (spectra) "spectrum" else "images"
    } else {
      choose(type, c("images", "spectrum"), "type")
    }
    most <- as_count(most, "most")
    if (type == "images") {
      refuse_spectra(dim(object$values)[3:4])
    }
    if (!is.null(rgb) && type != "images") {
      cause("option", paste0("The picture \"", type, "\" is no composite of three bands."), expected = "rgb = NULL",
        given = shown(rgb)
      )
    }
    if (!is.null(found)) {
      check_found(found, object)
    }
    switch(type,
      images = draw_top_images(object, found, rgb, most, width, base_size),
      spectrum = draw_top_spectrum(object, found, width, base_size)
    )
  })
}

#' @rdname autoplot.top_images
#' @export
plot.top_images <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

# Which input is shown, where there are several.
input_note <- function(object) if (!is.null(object$input)) paste0("input ", object$input, "; ")

# Are these images of the same features, in the same bands?
check_found <- function(found, object) {
  if (!inherits(found, "feature_images")) {
    cause("result", "`found` are no images of features.", expected = "a result of `visualize_features()`",
      given = shown(found)
    )
  }
  missing <- setdiff(object$names, found$names)
  # a result of logits belongs to no layer
  if (found$layer != object$layer || length(missing) > 0) {
    cause("result", "`found` are not images of these features.",
      expected = paste0("features ", some(object$names), " of layer '", object$layer, "'"),
      given = paste0("features ", some(unique(found$names)), " of layer '", found$layer, "'")
    )
  }
  if (!identical(dim(found$values)[2:4], dim(object$values)[3:5]) || !identical(found$bands, object$bands)) {
    cause("result", "`found` are not images of the same kind.",
      expected = paste(paste(dim(object$values)[3:5], collapse = " x "), "with bands", some(object$bands)),
      given = paste(paste(dim(found$values)[2:4], collapse = " x "), "with bands", some(found$bands))
    )
  }
}
