# Names of bands: those that are kept with a model, and those that images bring. The core compares them.

#' Names of the bands that a model takes
#'
#' A model takes bands by their position. Images with their bands in another order are explained without an error, and
#' wrongly, unless names tell it. `bandlens_bands(model) <- names` keeps the names of its bands with a model, in the
#' order in which it takes them; every function that is given the model and images then compares names.
#'
#' @param model A Keras model, or the path of a saved one (`.keras`, `.h5`).
#' @param value Names of the bands, in the order of the model; of a model of several inputs a list of names for each
#'   input, or for some of them, by the input's name: `list(radar = c("VV", "VH"))`. `NULL` forgets them.
#'
#' @returns The names, a list of them by the input's name, or `NULL` if none are kept.
#'
#' @section How long names are kept:
#' With a model in the session, as long as it lives there; a copy of the R object is the same model. Saving a model
#' (`keras3::save_model()`) does not save them. For the path of a saved model they are written to a file beside it,
#' `model.keras.bands.json`, which is read whenever a function of bandlens is given that path. Move and copy both files
#' together; after loading a model yourself, hand its names on, as in the example.
#'
#' @section How bands are compared:
#' Names are compared wherever there are some: the `dimnames` of `x` and of `background`, layers of rasters, `bands`,
#' those in a result, and those kept with a model. Another order is an error of class `bandlens_error_bands`, and
#' `reorder = TRUE` brings images and background into one order, by name. That is the order of the names kept with the
#' model; without such, that of `bands`; else that of `background`, which is likely to be what the model was trained on.
#' Other bands are an error, too. `bands` that are not the `dimnames` in another order are other names for the same
#' bands.
#'
#' Case, separators and leading zeros don't count ("NIR_1" is "nir1", "B02" is "B2"), nor what all names begin or end
#' with, if it has a digit, such as the date in "T33_20200305_B02". Names that only count ("band_1", "lyr.2", "3") are
#' no names and fit any others; so do images without names.
#'
#' @seealso [band_importance()]
#' @examplesIf bandlens:::has_tensorflow()
#' keras <- reticulate::import("keras")
#' model <- keras$Sequential(list(
#'   keras$Input(list(3L, 3L, 4L)),
#'   keras$layers$Flatten(),
#'   keras$layers$Dense(6L, activation = "softmax")
#' ))
#' bandlens_bands(model) <- c("green", "red", "nir1", "nir2")
#' bandlens_bands(model)
#'
#' # bands in another order are noticed now, and put right if you say so
#' landsat <- landsat_patches()
#' swapped <- landsat$test$x[1:20, , , 4:1]
#' try(band_importance(model, swapped, method = "saliency"))
#' band_importance(model, swapped, method = "saliency", reorder = TRUE)
#'
#' # with a saved model
#' path <- tempfile(fileext = ".keras")
#' model$save(path)
#' bandlens_bands(path) <- bandlens_bands(model)
#' bandlens_bands(path)
#' @export
bandlens_bands <- function(model) {
  in_verb("tell the bands of the model", kept_bands(as_model(model)))
}

#' @rdname bandlens_bands
#' @export
`bandlens_bands<-` <- function(model, value) {
  in_verb("keep the bands with the model", {
    texts <- function(names) is.character(names) || is.factor(names)
    each <- is_named_list(value) && all(vapply(value, texts, NA))
    if (!is.null(value) && !texts(value) && !each) {
      cause("bands", "Names of bands must be texts.",
        expected = "such as c(\"red\", \"nir\"), or for several inputs list(radar = c(\"VV\", \"VH\"))",
        given = shown(value)
      )
    }
    if (is.function(model) && !inherits(model, "python.builtin.object")) {
      cause("model_type", "Names can't be kept with a function of R.",
        expected = "a Keras model, or the path of a saved one", fix = "give `bands` in each call"
      )
    }
    call_bridge("set_bands", as_model(model), if (each) lapply(value, as_bands) else as_bands(value))
    model
  })
}

kept_bands <- function(model) {
  names <- call_bridge("bands_of", model)
  if (is.list(names) && !is.null(base::names(names))) {
    return(lapply(names, function(own) as.character(unlist(own))))
  }
  if (!is.null(names)) as.character(unlist(names))
}

# Images with what they bring: the parts of landsat_patches() and the patches of extract_patches() have labels, and
# perhaps wavelengths. Anything else is the images alone.
labelled_images <- function(x, name = "x", kind = "input") {
  if (inherits(x, "band_patches") || is_labelled(x)) {
    return(list(x = x$x, y = x$y, wavelengths = if (!all(is.na(unlist(x$wavelengths)))) x$wavelengths))
  }
  parts <- if (is.list(x) && !is.null(names(x))) names(x)[vapply(x, is_labelled, NA)]
  if (length(parts) > 0) {
    cause(kind, paste0("`", name, "` is a whole data set, not one part of it."),
      expected = "images, or a part with images and labels", given = paste0("parts ", some(names(x))),
      fix = paste0("give a part, such as `", name, " = data$", parts[[length(parts)]], "`")
    )
  }
  list(x = x)
}

# A list of images `x` and labels `y`. A list of images has no such names.
is_labelled <- function(x) {
  if (!is.list(x) || is.data.frame(x) || !all(c("x", "y") %in% names(x))) {
    return(FALSE)
  }
  holds_images <- length(dim(x$x)) > 1 || is.list(x$x) || is_source(x$x) || inherits(x$x, "python.builtin.object")
  holds_images && length(dim(x$y)) < 3
}

# Labels and wavelengths that are given count before those that images bring.
own_labels <- function(x, y) if (is.null(y)) labelled_images(x)$y else y

own_wavelengths <- function(x, wavelengths, convert = as_wavelengths) {
  convert(if (is.null(wavelengths)) labelled_images(x)$wavelengths else wavelengths)
}
