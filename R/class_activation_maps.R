# Where in an image a class shows: maps of a layer, and band by band.

#' Class activation maps
#'
#' Where in an image does a layer of the model find what speaks for a class? Maps have the resolution of the layer, and
#' the scale on which activations and outputs are: they are not rescaled image by image, so that images can be compared.
#' With `by = "band"`, they say which band draws the attention there.
#'
#' @inheritParams band_importance
#' @param model A Keras model, or the path of a saved one. A function has no layers: [occlusion_maps()] takes any.
#' @param x Images, as for [band_importance()]; choose them, as all maps are kept. For the methods, an
#'   `activation_maps`.
#' @param ... Options of the method, by name: `normalize_alphas` of `"gradcam++"` (`FALSE`; `TRUE` divides the
#'   coefficients alpha of a feature by their sum, as tf-keras-vis does, and the published formula does not) and
#'   `channel_weights` of `"scorecam"` (`"softmax"` over the features, as published, or `"output"`, which takes outputs
#'   of masked images as they are). For the methods, not used.
#' @param layer A layer with rows and columns: its name, its position in [list_layers()] counted from 1, or itself.
#'   `NULL` takes the last one before the output; the result says which.
#' @param method `"gradcam"`: features weighted by mean gradients. `"gradcam++"`: by positive gradients, those more that
#'   few places have. `"hirescam"`: activations times their own gradients. `"layercam"`: times those that are positive.
#'   `"scorecam"`: features weighted by the output for the image masked by them. `"eigencam"`: the projection in which
#'   activations vary most, the same for every class.
#' @param by `"band"` for how a map changes with each band: the map of the image less that of the image in which the
#'   band is replaced by the background's. What is positive is attention that the band draws there.
#' @param relu Whether what is negative in a map, and so speaks against the class, is set to 0. `NULL` does as the
#'   method was published: yes, but for `"hirescam"` and `"eigencam"`.
#' @param replacement With `by`, what a band is replaced by: `"background"`, that of each background image in turn,
#'   averaging the maps; `"background_mean"`, that of the mean background image; or `"zero"`.
#' @param background With `by`, images whose bands stand for a band that is missing, as for [band_importance()].
#' @param n_background How many background images to use at most; if there are more, a random sample of them.
#' @param level `"image"` for one row per map, `"pixel"` for one per place of a map; with `by`, `"class"` for one row
#'   per class x output x band.
#' @param object An `activation_maps`.
#' @param top How many bands to name per class.
#'
#' @returns An object of class `activation_maps`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `as.array()` gives the maps, images x outputs x rows x columns, with `by` images x outputs x bands x rows x
#'   columns.
#'
#'   `tidy()` gives a tibble. At level `"image"`:
#' \describe{
#'   \item{`image`}{position of the image in `x`, from 1}
#'   \item{`class`, `output`}{the image's class, and the output that is explained}
#'   \item{`band`, `wavelength`}{with `by`: name, and wavelength in nm (`NA` where unknown)}
#'   \item{`mean`, `mean_abs`}{mean over the places of the map, and that of the sizes of its values}
#'   \item{`peak`, `row`, `col`}{the value that is largest in size, and where in the map it is, from 1; `NA` of a map
#'     that is 0 everywhere}
#' }
#'   At level `"pixel"`: the same first columns, `row`, `col` and `value`. At level `"class"`: the columns of
#'   [tidy()][tidy.band_importance] of a band importance; `importance` is the mean size of the change of the map with
#'   the band, over places and images of the class, `effect` that of the signed change.
#'
#'   `glance()` gives one row: `method`, `layer`, `output`, `n`, `n_bands` (`NA` without `by`), `rows`, `cols`,
#'   `n_empty` (maps that are 0 everywhere, as nothing in them speaks for the output), `relu`, `accuracy`, `model`,
#'   `seconds`. `summary()` names the bands that change the maps of each class most, or where maps peak without `by`.
#'
#' @section Sources:
#' Grad-CAM: Selvaraju et al. 2017, arXiv:1610.02391. Grad-CAM++: Chattopadhay et al. 2018, arXiv:1710.11063. HiResCAM:
#' Draelos & Carin 2020, arXiv:2011.08891. LayerCAM: Jiang et al. 2021, \doi{10.1109/TIP.2021.3089943}. Score-CAM: Wang
#' et al. 2020, arXiv:1910.01279. Eigen-CAM: Muhammad & Yeasin 2020, arXiv:2008.00299. Guided backpropagation is left
#' out: it changes little where the weights of the model are random (Adebayo et al. 2018, arXiv:1810.03292), so that it
#' shows the image rather than the model.
#'
#' @seealso [`autoplot()`][autoplot.activation_maps] draws them over the images; [occlusion_maps()] asks any model for
#'   nothing but outputs; [band_maps()] has a value for each pixel of each band.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' images <- landsat$test$x[1:4, , , ]
#' maps <- class_activation_maps(model, images, landsat$test$y[1:4])
#' maps
#' tidy(maps)
#' autoplot(maps, x = images)
#'
#' by_band <- class_activation_maps(
#'   model, images, landsat$test$y[1:4],
#'   by = "band", background = landsat$train$x, n_background = 20
#' )
#' summary(by_band)
#' @export
class_activation_maps <- function(model,
                                  x,
                                  y = NULL,
                                  ...,
                                  layer = NULL,
                                  method = c("gradcam", "gradcam++", "hirescam", "layercam", "scorecam", "eigencam"),
                                  by = NULL,
                                  relu = NULL,
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
  in_verb("compute class activation maps", {
    method <- choose(method, cam_methods, "method")
    asked <- table_arguments(
      ...,
      method = method, background = background, n_background = n_background, target = target, output = output,
      head = head, task = task, zone = zone, ignore = ignore, bands = bands, wavelengths = wavelengths,
      classes = classes, band_axis = band_axis, reorder = reorder, batch_size = batch_size, seed = seed
    )
    asked$arguments <- c(asked$arguments, list(
      layer = as_place(layer), by = as_by(by), relu = if (!is.null(relu)) as_flag(relu, "relu"),
      replacement = choose(replacement, replacements, "replacement")
    ))
    as_activation_maps(explain("class_activation_maps", model, x, y, asked, progress))
  })
}

cam_methods <- c("gradcam", "gradcam++", "hirescam", "layercam", "scorecam", "eigencam")
replacements <- c("background", "background_mean", "zero")

as_by <- function(by) if (!is.null(by)) choose(by, "band", "by")

# A layer by its name, its position counted from 1, or a layer of Keras, which has a name.
as_place <- function(layer) {
  if (is.null(layer) || rlang::is_string(layer)) {
    return(layer)
  }
  if (inherits(layer, "python.builtin.object") && reticulate::py_has_attr(layer, "name")) {
    return(as.character(layer$name))
  }
  if (!is_count(layer)) {
    cause("option", "`layer` is no layer.",
      expected = "the name of a layer, its position in `list_layers()` counted from 1, or the layer itself",
      given = shown(layer), fix = "`layer = NULL` takes the last layer with rows and columns"
    )
  }
  as.integer(layer) - 1L
}

# What the bridge returns -> a plain `activation_maps` object.
as_activation_maps <- function(value) {
  fields <- from_fields(value, "activation_maps")
  levels <- c(list(class = fields$classes, output = fields$outputs), cell_levels(fields))
  tables <- lapply(value$tables, from_feature_columns, levels)
  if (!is.null(fields$by)) {
    dimnames(fields$values) <- list(NULL, NULL, fields$bands, NULL, NULL)
  }
  known <- known_numbers(value, c("accuracy", "chance"))
  structure(
    c(in_order(c(fields, list(tables = tables)), c("values", "tables", "row_at", "col_at")), known),
    class = "activation_maps"
  )
}

#' @rdname class_activation_maps
#' @export
tidy.activation_maps <- function(x, level = c("image", "pixel", "class"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, c("image", "pixel", "class"), "level")
    if (level == "class" && is.null(x$by)) {
      cause("option", "Maps that are not told apart by band have no class x band table.",
        expected = "level = \"image\" or \"pixel\"", given = "level = \"class\"", fix = "ask for maps `by = \"band\"`"
      )
    }
    if (level == "pixel") place_table(x) else x$tables[[level]]
  })
}

# One row per place of each map, columns varying fastest.
place_table <- function(object) {
  values <- object$values
  size <- dim(values)
  banded <- !is.null(object$by)
  if (!banded) {
    size <- append(size, 1L, 2)
  }
  at <- every_position(size)
  tibble::tibble(
    image = image_numbers(object)[at[[1]]],
    class = object$image_class[at[[1]]],
    output = from_codes(object$image_output[cbind(at[[1]], at[[2]])] - 1L, object$outputs),
    row = at[[4]], col = at[[5]],
    !!!(if (banded) cell_columns(object, at[[3]])),
    value = as.vector(aperm(array(values, size), 5:1))
  )
}

#' @rdname class_activation_maps
#' @export
glance.activation_maps <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  size <- dim(x$values)
  tibble::tibble(
    method = x$method, layer = text_or_na(x$layer), output = x$output, n = n_images(x),
    n_bands = if (is.null(x$by)) NA_integer_ else length(x$bands),
    rows = size[[length(size) - 1]], cols = size[[length(size)]], n_empty = count_empty(x), relu = x$relu,
    accuracy = number_or_na(x$accuracy), model = x$model, seconds = x$seconds
  )
}

# Maps that are 0 everywhere.
count_empty <- function(object) sum(apply(object$values == 0, 1:2, all))

#' @rdname class_activation_maps
#' @export
as.array.activation_maps <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.activation_maps <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
print.activation_maps <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.activation_maps <- function(x, ...) {
  size <- dim(x$values)
  empty <- count_empty(x)
  c(
    cli::style_bold(paste0(
      where_title(x), if (!is.null(x$layer)) paste0(": ", display_name("map", x$method), ", layer '", x$layer, "'")
    )),
    paste0(
      count(n_images(x), "image"), if (!is.null(x$by)) paste(" x", count(length(x$bands), "band")), ", ",
      paste(utils::tail(size, 2), collapse = " x "), " places, ", count(size[[2]], "output"), " per image",
      if (!is.null(x$images)) " and class", "; output: ", x$output, told_task(x)
    ),
    if (!is.null(x$accuracy)) told_accuracy(x),
    if (empty > 0) paste(empty, "of", size[[1]] * size[[2]], "maps are 0 everywhere"),
    cli::col_grey(paste0(
      "# as.array() gives the maps, tidy() a table of them, ",
      if (!is.null(x$by)) "tidy(level = \"class\") one of classes and bands, ",
      "autoplot(x = ) draws them over the images"
    ))
  )
}

where_title <- function(object) {
  if (object$method == "occlusion") {
    return(paste0("Occlusion maps", if (!is.null(object$by)) ", band by band"))
  }
  paste0("Class activation maps", if (!is.null(object$by)) ": what each band adds")
}

#' @rdname class_activation_maps
#' @export
summary.activation_maps <- function(object, ..., top = 3) {
  in_verb("summarise it", {
    no_other_arguments()
    top <- as_count(top, "top")
  })
  banded <- !is.null(object$by)
  structure(
    list(
      about = glance(object), lines = utils::head(format(object), -1),
      top = if (banded) top_bands(object$tables$class, top) else object$tables$image
    ),
    class = "summary_activation_maps"
  )
}

#' @export
print.summary_activation_maps <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.summary_activation_maps <- function(x, ...) {
  banded <- !is.na(x$about$n_bands)
  c(x$lines, "", if (banded) c(top_heading(), top_lines(x$top)) else format(x$top, n = 10)[-1])
}
