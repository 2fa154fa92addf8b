# What a layer answers to given images.

#' Activations of a layer
#'
#' What do the features of a layer answer to given images? Activations of all images are kept, so choose a few.
#'
#' @inheritParams band_importance
#' @inheritParams list_layers
#' @param layer Name of a layer, as listed by [list_layers()].
#' @param features Which features of the layer, by position counted from 1. `NULL` takes all.
#' @param ... Not used.
#' @param level `"image"` for one row per image x feature, `"position"` for one row per image x position x feature.
#'
#' @returns An object of class `layer_activations`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `as.array()` gives the activations, images x positions x features; positions are rows and columns for a convolution
#'   in two dimensions, and a dense layer has none.
#'
#'   `tidy()` gives a tibble. At level `"image"`:
#' \describe{
#'   \item{`image`}{position of the image in `x`, from 1}
#'   \item{`feature`}{ordered factor of the features' positions in the layer, from 1}
#'   \item{`mean`, `rms`, `max`}{mean, root mean square and maximum over positions}
#' }
#'   At level `"position"`:
#' \describe{
#'   \item{`image`, `feature`}{as above}
#'   \item{`row`, `col`}{from 1; `pixel` where there is one axis of positions, none for a dense layer}
#'   \item{`activation`}{the activation}
#' }
#'   `glance()` gives one row: `layer`, `kind`, `n` (images), `n_features`, `positions` (such as `"8 x 8"`), `model`.
#' @seealso [`autoplot()`][autoplot.layer_activations] draws them; [top_images()] finds the images that excite a feature
#'   most.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' activations <- layer_activations(model, landsat$test$x[1:3, , , ], "re_lu")
#' activations
#' tidy(activations)
#' autoplot(activations, image = 2)
#' @export
layer_activations <- function(model,
                              x,
                              layer,
                              features = NULL,
                              ...,
                              band_axis = -1,
                              reorder = FALSE,
                              batch_size = NULL,
                              progress = NULL) {
  in_verb("compute activations", {
    no_other_arguments()
    model <- as_model(model)
    said <- as_described_images(x, band_axis = band_axis)
    arguments <- c(said$arguments[c("band_axis", "x_bands", "x_each_bands")], list(
      layer = as_layer(layer), features = as_features(features), reorder = as_flag(reorder, "reorder"),
      batch_size = as_count(batch_size, "batch_size", null = TRUE)
    ))
    bar <- progress_bar(progress, "Computing activations")
    as_layer_activations(call_bridge("layer_activations", model, said$x, arguments, bar))
  })
}

#' @rdname layer_activations
#' @export
tidy.layer_activations <- function(x, level = c("image", "position"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    switch(choose(level, c("image", "position"), "level"),
      image = x$table,
      position = activation_table(x)
    )
  })
}

#' @rdname layer_activations
#' @export
glance.layer_activations <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  size <- dim(x$values)
  tibble::tibble(
    layer = x$layer, kind = x$kind, n = size[[1]], n_features = length(x$names), positions = positions_of(x),
    model = x$model
  )
}

#' @rdname layer_activations
#' @export
as.array.layer_activations <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.layer_activations <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
print.layer_activations <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.layer_activations <- function(x, ...) {
  size <- dim(x$values)
  positions <- positions_of(x)
  c(
    cli::style_bold(paste0("Activations of layer '", x$layer, "' (", x$kind, ")")),
    paste0(
      count(size[[1]], "image"), ", ", count(length(x$names), "feature"),
      if (nzchar(positions)) paste0(" of ", positions, " positions") else ", without positions"
    ),
    cli::col_grey("# as.array() gives the activations, tidy() a table of each image's, tidy(level = \"position\") all")
  )
}

positions_of <- function(x) {
  size <- dim(x$values)
  paste(size[-c(1, length(size))], collapse = " x ")
}
