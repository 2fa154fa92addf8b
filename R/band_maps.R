# The attributions themselves, before they are reduced to band scores.

#' Attributions per pixel and band
#'
#' Where in an image did a band matter? `band_maps()` gives the attributions that [band_importance()] reduces to band
#' scores. They take as much memory as the images (times the number of explained outputs), so choose a few images.
#'
#' @inheritParams band_importance
#' @param x Images, as for [band_importance()]; for the methods, a `band_maps`.
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
#' @seealso [`autoplot()`][autoplot.band_maps] draws them.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' keras <- reticulate::import("keras")
#' model <- keras$Sequential(list(
#'   keras$Input(list(3L, 3L, 4L)),
#'   keras$layers$Flatten(),
#'   keras$layers$Dense(6L, activation = "softmax")
#' ))
#' maps <- band_maps(model, landsat$test$x[1:2, , , ], landsat$test$y[1:2], background = landsat$train$x)
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
                      bands = NULL,
                      wavelengths = NULL,
                      classes = NULL,
                      band_axis = -1,
                      batch_size = NULL,
                      seed = 0,
                      progress = NULL) {
  in_verb("compute band maps", {
    arguments <- list(
      method = method, background = background, n_background = n_background, target = target,
      output = choose(output, c("auto", "logit", "probability"), "output"),
      bands = bands, wavelengths = wavelengths, classes = classes, band_axis = band_axis, batch_size = batch_size,
      seed = seed
    )
    as_band_maps(explain("band_maps", model, x, y, arguments, as_method_options(...), progress))
  })
}

#' @rdname band_maps
#' @export
tidy.band_maps <- function(x, ...) {
  in_verb("make the table", rlang::check_dots_empty())
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
  pixels <- paste(size[-c(1, 2, x$band_axis)], collapse = " x ")
  c(
    cli::style_bold(paste0("Band maps by ", x$method)),
    paste0(
      count(size[[1]], "image"), " of ", pixels, " pixels, ", count(length(x$bands), "band"), ", ",
      count(size[[2]], "output"), " per image; output: ", x$output
    ),
    cli::col_grey("# as.array() gives the attributions, tidy() a table of them")
  )
}
