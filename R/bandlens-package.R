#' @section Options:
#' * `bandlens.tf32`: `TRUE` allows GPUs to round numbers of 32 bits to TF32 before they multiply them. That is faster,
#'   but scores are less complete; a result's `versions` tell. `FALSE` by default, whatever Keras does for the model
#'   itself.
#' * `bandlens.block_values`: how many numbers of a scene are explained at once, see [score_raster()].
#' @keywords internal
"_PACKAGE"
