#' @section Options:
#' See [bandlens_options]: progress, messages, precision.
#' @keywords internal
"_PACKAGE"
