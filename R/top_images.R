# The images of a data set that excite features most: the check on every visualisation.

#' Images that excite features most
#'
#' An image that was made to excite a feature ([visualize_features()]) may look like nothing in the data. The images of
#' a data set that excite it most tell what the feature answers to in fact.
#'
#' @inheritParams layer_activations
#' @param x For `top_images()`, images, as for [band_importance()]; only a batch of them, and the images found, are in
#'   memory at a time. For the methods, a `top_images`.
#' @param n Images per feature.
#' @param statistic What an image's activation is, over the positions of a feature's map: root mean square (which
#'   `"squared_activity"` of [visualize_features()] makes large), mean or maximum.
#' @param bands Names of the bands. `NULL` takes the `dimnames` of `x`, if there are any, else those that are kept with
#'   the model, see [bandlens_bands()].
#' @param wavelengths Wavelengths of the bands in nm, in the order of `bands`, else of `x`; `NA` where there is none.
#' @param level `"image"` for one row per feature x place, `"band"` for one row per feature x place x band.
#'
#' @returns An object of class `top_images`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `as.array()` gives the images, features x places x rows x columns x bands.
#'
#'   `tidy()` gives a tibble:
#' \describe{
#'   \item{`feature`}{ordered factor of the features' positions in the layer, from 1}
#'   \item{`place`}{1 for the image that excites the feature most}
#'   \item{`image`}{position of the image in `x`, from 1}
#'   \item{`activation`}{at level `"image"`: over positions, as `statistic` says}
#'   \item{`silent`}{at level `"image"`: whether the feature's activation is the same for all images of `x`, mostly
#'     zero: no image excites it more than another, and those shown are just the first ones. A warning of class
#'     `bandlens_warning_dead_feature` says so, too}
#'   \item{`band`, `wavelength`}{at level `"band"`: name, and wavelength in nm (`NA` where unknown)}
#'   \item{`mean`, `std`}{at level `"band"`: mean and standard deviation of the band over the image's pixels}
#' }
#'   `glance()` gives one row: `layer`, `statistic`, `n` (images in the data set), `n_features`, `n_top` (images per
#'   feature), `model`.
#'
#'   For a model of several inputs, an object of class [`by_input`][by_input]: a `top_images` for each of them, by name,
#'   which has the same images in order, and what they are in this input.
#' @seealso [`autoplot()`][autoplot.top_images] draws them, beside the images of [visualize_features()].
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' top <- top_images(
#'   model, landsat$test$x, "re_lu",
#'   features = 1:3, n = 5, wavelengths = landsat$wavelengths
#' )
#' top
#' tidy(top)
#' autoplot(top)
#' @export
top_images <- function(model,
                       x,
                       layer,
                       features = NULL,
                       ...,
                       n = 9,
                       statistic = c("rms", "mean", "max"),
                       bands = NULL,
                       wavelengths = NULL,
                       band_axis = -1,
                       reorder = FALSE,
                       batch_size = NULL,
                       progress = NULL) {
  in_verb("find the images", {
    no_other_arguments()
    model <- as_model(model)
    said <- as_described_images(x, bands, wavelengths, band_axis)
    arguments <- c(said$arguments, list(
      layer = as_layer(layer), features = as_features(features), n = as_count(n, "n"),
      statistic = choose(statistic, c("rms", "mean", "max"), "statistic"), reorder = as_flag(reorder, "reorder"),
      batch_size = as_count(batch_size, "batch_size", null = TRUE)
    ))
    bar <- progress_bar(progress, "Computing activations")
    as_by_input(call_bridge("top_images", model, said$x, arguments, bar), as_top_images)
  })
}

#' @rdname top_images
#' @export
tidy.top_images <- function(x, level = c("image", "band"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    x$tables[[choose(level, c("image", "band"), "level")]]
  })
}

#' @rdname top_images
#' @export
glance.top_images <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    layer = x$layer, statistic = x$statistic, n = x$n, n_features = length(x$names), n_top = ncol(x$index),
    model = x$model
  )
}

#' @rdname top_images
#' @export
as.array.top_images <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.top_images <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
print.top_images <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.top_images <- function(x, ..., n = 10) {
  c(
    cli::style_bold(paste0(
      "Images that excite features of layer '", x$layer, "' most",
      if (!is.null(x$input)) paste0(", input '", x$input, "'")
    )),
    paste0(
      count(length(x$names), "feature"), ", ", ncol(x$index), " of ", count(x$n, "image"), " each; activation: ",
      activation_names[[x$statistic]]
    ),
    format(x$tables$image, n = n)[-1],
    cli::col_grey("# as.array() gives the images, tidy() all of this table, tidy(level = \"band\") their bands")
  )
}

activation_names <- c(
  rms = "root mean square over positions", mean = "mean over positions", max = "maximum over positions"
)
