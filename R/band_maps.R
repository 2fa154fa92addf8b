# The attributions themselves, before they are reduced to band scores.

#' Attributions per pixel and band
#'
#' Where in an image did a band matter? `band_maps()` gives the attributions that [band_importance()] reduces to band
#' scores. They take as much memory as the images (times the number of explained outputs), so choose a few images.
#'
#' @param n_background How many background images to use at most; if there are more, a random sample of them.
#' @inheritParams band_importance
#' @param x Images, as for [band_importance()], or a scene: a [`SpatRaster`][terra::SpatRaster-class], or a stars
#'   object (a list of these for several inputs, or several scenes). For the methods, a `band_maps`.
#' @param ... Options of the method, by name; [band_methods()] lists them. For a scene also arguments of
#'   [score_raster()], such as `size`, `stride` or `filename`.
#' @param target The outputs to explain, as for [band_importance()]. The class of a place in a scene is the predicted
#'   one.
#'
#' @returns An object of class `band_maps`: a list of plain vectors and arrays, which [saveRDS()] can save. `as.array()`
#'   gives the attributions, images x outputs x rows x columns x bands (the images' own axes, after images and outputs).
#'   `tidy()` gives a tibble with one row per image x output x pixel x band:
#' \describe{
#'   \item{`image`}{position of the image in the data, from 1}
#'   \item{`class`, `output`}{the image's class, and the output that is explained}
#'   \item{`row`, `col`}{position of the pixel, from 1; `pixel` for images with one pixel axis, `pixel_1`, `pixel_2` and
#'     so on for more than two}
#'   \item{`band`, `wavelength`}{name, and wavelength in nm (`NA` where unknown)}
#'   \item{`attribution`}{in units of the explained output (DeepSHAP), or of the output per unit of `x` (saliency)}
#' }
#'   For a model of several inputs, an object of class [`by_input`][by_input]: a `band_maps` for each of them, by name.
#'   For a scene, what [score_raster()] returns: a raster with one layer per band.
#'
#' @section Scenes:
#' `band_maps()` of a scene is [score_raster()], which says what a cell means: the scores of the patch around it, or of
#' the pixel, where the model gives a class for every pixel. Layers are the bands; a scene has no labels, so `y`,
#' `bands`, `wavelengths` and `band_axis` must not be given; its cells are computed in this session, without `client`.
#'
#' @seealso [`autoplot()`][autoplot.band_maps] draws them.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' two <- landsat$test$x[1:2, , , ]
#' maps <- band_maps(model, two, landsat$test$y[1:2], background = landsat$train$x)
#' maps
#' tidy(maps)
#' @export
band_maps <- function(model,
                      x,
                      y = NULL,
                      ...,
                      method = "deepshap",
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
                      client = NULL,
                      progress = NULL) {
  if (is_raster(x) || is_raster_list(x)) {
    in_verb("compute band maps", check_scene_alone(y, bands, wavelengths, band_axis, zone, ignore, client))
    return(score_raster(
      model, x, ...,
      method = method, background = background, n_background = n_background,
      target = if (identical(target, "class")) "predicted" else target,
      output = output, head = head, task = task, classes = classes, reorder = reorder, batch_size = batch_size,
      seed = seed, progress = progress
    ))
  }
  in_verb("compute band maps", {
    asked <- table_arguments(
      ...,
      method = method, background = background, n_background = n_background, target = target, output = output,
      head = head, task = task, zone = zone, ignore = ignore, bands = bands, wavelengths = wavelengths,
      classes = classes, band_axis = band_axis, reorder = reorder, batch_size = batch_size, seed = seed, client = client
    )
    as_by_input(explain("band_maps", model, x, y, asked, progress), as_band_maps)
  })
}

# What says something of images, and is known of a scene or does not exist there.
check_scene_alone <- function(y, bands, wavelengths, band_axis, zone, ignore, client) {
  given <- c(
    y = !is.null(y), bands = !is.null(bands), wavelengths = !is.null(wavelengths),
    band_axis = !identical(band_axis, -1), zone = !is.null(zone), ignore = !is.null(ignore)
  )
  if (!is.null(client)) {
    cause("option", "Cells of a scene are computed in this session.",
      expected = "`client = NULL`, or images instead of a scene", given = paste0("`client = ", shown(client), "`"),
      fix = "Python's `score_scene()` shares scenes out to workers"
    )
  }
  if (any(given)) {
    cause("option", "`x` is a scene, whose layers are the bands and whose places have no labels.",
      given = paste0("`", names(given)[given], "`", collapse = ", "),
      fix = "leave it out; name the layers with `names(x) <- `"
    )
  }
}

#' @rdname band_maps
#' @export
tidy.band_maps <- function(x, ...) {
  in_verb("make the table", no_other_arguments())
  map_table(x)
}

#' @rdname band_maps
#' @export
as.array.band_maps <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.band_maps <- function(x, ...) {
  as.data.frame(map_table(x))
}

#' @export
print.band_maps <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.band_maps <- function(x, ...) {
  size <- dim(x$values)
  pixels <- size[-c(1, 2, x$band_axis)]
  pixels <- if (length(pixels) > 0) paste(" of", paste(pixels, collapse = " x "), "pixels")
  c(
    cli::style_bold(paste0("Band maps by ", x$method, if (!is.null(x$input)) paste0(", input '", x$input, "'"))),
    paste0(
      count(n_images(x), "image"), pixels, ", ", count(length(x$bands), "band"), ", ",
      count(size[[2]], "output"), " per image", if (!is.null(x$images)) " and class", "; output: ", x$output,
      told_task(x)
    ),
    if (!is.null(x$accuracy)) told_accuracy(x),
    if (!is.null(x$completeness)) sentence(account(x)),
    cli::col_grey("# as.array() gives the attributions, tidy() a table of them")
  )
}
