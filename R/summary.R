#' Summarise a band importance
#'
#' @param object A [band_importance()].
#' @param top How many bands to name per class.
#' @param x A summary.
#' @param ... Not used.
#'
#' @returns A list of class `summary_band_importance` with `about` (as [glance.band_importance()]), `top` (the rows of
#'   the class x band table with the `top` most important bands, by rank) and `versions`. Printing it shows one line per
#'   class.
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' summary(importance, top = 2)
#' @export
summary.band_importance <- function(object, ..., top = 3) {
  in_verb("summarise it", {
    no_other_arguments()
    top <- as_count(top, "top")
  })
  structure(
    list(
      about = glance(object),
      top = top_bands(object$table, top),
      versions = object$versions,
      lines = about(object)
    ),
    class = "summary_band_importance"
  )
}

#' @rdname summary.band_importance
#' @export
print.summary_band_importance <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @rdname summary.band_importance
#' @export
format.summary_band_importance <- function(x, ...) {
  c(
    x$lines,
    "",
    top_heading(),
    top_lines(x$top),
    "",
    cli::col_grey(paste0(
      sprintf("%.1f", x$about$seconds), " s; ", paste(names(x$versions), x$versions, collapse = ", ")
    ))
  )
}

# Rows of a table with the most important bands of each class and output, by rank.
top_bands <- function(table, top) {
  best <- table[table$rank <= top, ]
  best[order(best$class, best$output, best$rank), ]
}

top_heading <- function() cli::style_bold("Most important bands, and their share of the class's importance")

# A line for each class and output of what top_bands() gives.
top_lines <- function(top) {
  several <- !identical(as.character(top$class), as.character(top$output))
  cells <- unique(top[c("class", "output")])
  label <- as.character(cells$class)
  if (several) {
    label <- paste(label, "->", cells$output)
  }
  n <- format(top$n[!duplicated(top[c("class", "output")])])
  rows <- vapply(seq_len(nrow(cells)), function(i) {
    own <- top[top$class == cells$class[[i]] & top$output == cells$output[[i]], ]
    own <- own[!is.na(own$share) & own$share > 0, ]
    shares <- paste0(row_cells(own), " ", sprintf("%.0f", own$share * 100), "%", collapse = ", ")
    paste0("(n = ", n[[i]], ")  ", if (nrow(own) > 0) shares else "no band matters")
  }, character(1))
  paste0(cli::ansi_align(label, max(cli::ansi_nchar(label, "width"))), "  ", rows)
}
