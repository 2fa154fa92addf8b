# Which methods there are, as a table: what the core says of them.

#' Methods of band importance
#'
#' Every value that `method` of [band_importance()] can have: what its band scores mean, what it costs, which options it
#' has, and where it comes from. Needs Python, but no model and no TensorFlow.
#'
#' @returns A tibble with one row per method:
#' \describe{
#'   \item{`method`, `label`}{the value of `method`, and the method's name in prose}
#'   \item{`meaning`, `cost`}{what a band score means, and what it takes to compute}
#'   \item{`statistic`}{how attributions are reduced over pixels by default; `"whole_band"` where there are no pixels}
#'   \item{`additive`}{whether an image's scores sum to what sets its output apart from the background's (or a
#'     baseline's; for `"lrp"` to the output, but for what biases hold), so that `completeness` is reported}
#'   \item{`maps`}{whether [band_maps()] can have values per pixel from it (for `"lime"`, of superpixels)}
#'   \item{`background`}{whether background images are used, with default options}
#'   \item{`options`}{a list of tibbles with the method's own options, to be given by name in `...`: `option`, `default`
#'     (as text) and `meaning`}
#'   \item{`reference`}{where the method comes from}
#' }
#'
#' It prints as a list, a paragraph per method; `tibble::as_tibble()` prints as a table.
#' @examplesIf bandlens:::has_tensorflow()
#' methods <- band_methods()
#' methods
#' methods$options[[which(methods$method == "occlusion")]]
#' @export
band_methods <- function() {
  table <- in_verb("list the methods", as_method_table(call_bridge("band_methods")))
  class(table) <- c("band_methods", class(table))
  table
}

# Long texts make a table of ten columns unreadable. What has lost columns is a table like any other.
#' @export
print.band_methods <- function(x, ...) {
  if (!all(c("method", "meaning", "cost", "additive", "maps", "background", "options") %in% names(x))) {
    return(NextMethod())
  }
  cat(format_methods(x), sep = "\n")
  invisible(x)
}

format_methods <- function(x) {
  paragraph <- function(i) {
    options <- x$options[[i]]
    given <- if (nrow(options) > 0) paste(options$option, "=", options$default, collapse = ", ") else "none"
    has <- c("additive", "maps", "background")
    has <- has[vapply(has, function(name) x[[name]][[i]], NA)]
    c(
      paste0(cli::style_bold(x$method[[i]]), if (length(has) > 0) paste0(" (", paste(has, collapse = ", "), ")")),
      strwrap(x$meaning[[i]], indent = 2, exdent = 2, width = cli::console_width()),
      strwrap(paste("Cost:", x$cost[[i]]), indent = 2, exdent = 4, width = cli::console_width()),
      strwrap(paste("Options:", given), indent = 2, exdent = 4, width = cli::console_width())
    )
  }
  c(
    unlist(lapply(seq_len(nrow(x)), paragraph)),
    cli::col_grey(paste0("# a tibble; columns ", paste(names(x), collapse = ", ")))
  )
}
