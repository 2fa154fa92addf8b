# What layers a model has, under the names that the other functions take.

#' Layers of a network
#'
#' What layers there are, under the names that [visualize_features()], [layer_kernels()], [layer_activations()] and
#' [top_images()] take.
#'
#' @param model A Keras model (as made or loaded with keras3, keras, or reticulate), or the path of a saved one
#'   (`.keras`, `.h5`).
#' @param shape Shape of one image, such as `c(64, 64, 13)`; needed only if the model itself does not say. Of
#'   several inputs a list by the inputs' names.
#'
#' @returns A tibble with one row per layer that the model calls, in that order; inputs are left out.
#' \describe{
#'   \item{`layer`}{name; layers inside nested models have the outer names before theirs, as in `"backbone/conv3"`, and
#'     the second call of a layer is `"conv:2"`}
#'   \item{`kind`}{name of the layer's class, such as `"Conv2D"`}
#'   \item{`output_shape`}{shape of its output for one image, such as `"8 x 8 x 32"`; `"?"` stands for a length that
#'     depends on the image}
#'   \item{`kernel_shape`}{shape of its kernel; `NA` without one}
#'   \item{`n_features`}{number of features: filters of a convolution, units of a dense layer; `NA` where it is not
#'     known}
#' }
#' @seealso [visualize_features()]
#' @examplesIf bandlens:::has_tensorflow()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' list_layers(model)
#' @export
list_layers <- function(model, shape = NULL) {
  in_verb("list the layers", {
    as_layer_table(call_bridge("list_layers", as_model(model), list(shape = as_shape(shape)))$table)
  })
}
