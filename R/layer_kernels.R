# The kernels of a convolution: what a first layer looks for can be read off its weights.

#' Kernels of a convolution
#'
#' What a first layer looks for can be read off its kernels: how each of them weighs each pixel of each band.
#'
#' @inheritParams list_layers
#' @param layer Name of a layer, as listed by [list_layers()]. `NULL` takes the first convolution.
#' @param features Which kernels, by position counted from 1. `NULL` takes all.
#' @param bands Names of the layer's inputs: the bands of the images for a first layer, else the features of the layer
#'   before.
#' @param wavelengths Wavelengths of the bands in nm; `NA` where there is none.
#' @param x A `layer_kernels`.
#' @param level `"weight"` for one row per kernel x pixel x band, `"band"` for one row per kernel x band.
#' @param ... Not used.
#'
#' @returns An object of class `layer_kernels`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `as.array()` gives the weights, kernels x rows x columns x bands. Where a kernel does not see a band (of grouped
#'   and depthwise convolutions) its weight is 0; the two parts of a separable convolution are multiplied out. Kernels
#'   of a convolution in one dimension have one row.
#'
#'   `tidy()` gives a tibble. At level `"weight"`:
#' \describe{
#'   \item{`kernel`}{position in the layer, from 1}
#'   \item{`row`, `col`}{position in the kernel, from 1}
#'   \item{`band`, `wavelength`}{name, and wavelength in nm (`NA` where unknown)}
#'   \item{`weight`}{the weight}
#' }
#'   At level `"band"`:
#' \describe{
#'   \item{`kernel`, `band`, `wavelength`}{as above}
#'   \item{`norm`}{Euclidean norm of the weights of the band: how strongly the kernel weighs it}
#'   \item{`share`}{norm divided by the sum of the kernel's norms; `NA` where all weights are 0}
#'   \item{`sum`}{sum of the weights: the response to a band that is 1 everywhere}
#' }
#'   `glance()` gives one row: `layer`, `kind`, `n` (kernels), `rows`, `cols`, `n_bands`, `model`.
#' @seealso [`autoplot()`][autoplot.layer_kernels] draws them; [visualize_features()] is for deeper layers.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' kernels <- layer_kernels(model, bands = landsat$bands, wavelengths = landsat$wavelengths)
#' kernels
#' tidy(kernels, "band")
#' autoplot(kernels)
#' @export
layer_kernels <- function(model, layer = NULL, features = NULL, bands = NULL, wavelengths = NULL) {
  in_verb("read the kernels", {
    arguments <- list(
      layer = as_layer(layer), features = as_features(features, named = FALSE), bands = as_bands(bands),
      wavelengths = as_wavelengths(wavelengths)
    )
    as_layer_kernels(call_bridge("layer_kernels", as_model(model), arguments))
  })
}

#' @rdname layer_kernels
#' @export
tidy.layer_kernels <- function(x, level = c("weight", "band"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    x$tables[[choose(level, c("weight", "band"), "level")]]
  })
}

#' @rdname layer_kernels
#' @export
glance.layer_kernels <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  size <- dim(x$values)
  tibble::tibble(
    layer = x$layer, kind = x$kind, n = size[[1]], rows = size[[2]], cols = size[[3]], n_bands = size[[4]],
    model = x$model
  )
}

#' @rdname layer_kernels
#' @export
as.array.layer_kernels <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.layer_kernels <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
print.layer_kernels <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.layer_kernels <- function(x, ...) {
  size <- dim(x$values)
  c(
    cli::style_bold(paste0("Kernels of layer '", x$layer, "' (", x$kind, ")")),
    paste0(
      count(size[[1]], "kernel"), " of ", size[[2]], " x ", size[[3]], " pixels, ", count(size[[4]], "band"), ": ",
      some(x$bands)
    ),
    cli::col_grey("# as.array() gives the weights, tidy() a table of them, tidy(level = \"band\") one of the bands")
  )
}
