# What a result shows of itself. Lines are made with format(), so that they can be tested and printed in knitr.

#' Print a band importance
#'
#' @param x A [band_importance()].
#' @param n Number of rows of the table to show. By default ten; but of more than ten bands, the most important ones of
#'   each class are shown instead, in a line.
#' @param ... Not used.
#' @returns `x`, invisibly. `format()` returns the lines.
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' importance
#' @export
print.band_importance <- function(x, ..., n = NULL) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @rdname print.band_importance
#' @export
format.band_importance <- function(x, ..., n = NULL) {
  table_lines(x, about(x), n, c("importance", "std_error", "share", "rank", "n"))
}

# What was computed, and the first rows of its table with these columns; of many bands, the most important ones.
table_lines <- function(x, about, n, columns) {
  if (is.null(n) && length(x$bands) > first_rows) {
    few <- utils::head(top_lines(top_bands(x$table, top = 3)), most_lines)
    left <- nrow(unique(x$table[c("class", "output")])) - length(few)
    return(c(
      about, top_heading(), few,
      if (left > 0) cli::col_grey(paste("# and", count(left, "row"), "more")),
      cli::col_grey("# print(n = 100) shows rows of the table, summary(top = 5) more bands; tidy() gives all")
    ))
  }
  shown <- x$table[c(
    "class", if (!identical(as.character(x$table$class), as.character(x$table$output))) "output",
    intersect(c("input", "band", "time"), names(x$table)), columns
  )]
  more <- paste0("tidy() gives all columns, also ", paste(setdiff(names(x$table), names(shown)), collapse = ", "))
  c(
    about,
    format(shown, n = if (is.null(n)) first_rows else n)[-1],
    cli::col_grey(strwrap(more, cli::console_width(), prefix = "# "))
  )
}

# Rows of a table that are shown, unless asked for more; one class of more bands would fill them.
first_rows <- 10
# Lines of a table that has one for each class.
most_lines <- 20

# What was computed, in a few lines.
about <- function(x) {
  c(
    cli::style_bold(paste0("Band importance by ", x$method)),
    paste0(
      count(n_images(x), "image"), ", ", count_classes(x), " x ",
      count_cells(x), "; output: ", x$output, told_task(x), "; statistic: ", x$statistic
    ),
    if (!is.null(x$accuracy)) told_accuracy(x),
    if (!is.null(x$background)) {
      paste0(
        "Background: ", count(length(x$background), "image"), " from `", x$background_source, "`",
        told_strategy(x),
        if (!is.null(x$completeness)) paste0("; ", account(x))
      )
    } else if (!is.null(x$completeness)) {
      sentence(account(x))
    },
    if (!is.null(x[["precision"]])) {
      paste0(
        "Shares known to \u00b1", format(signif(100 * number_or_na(x$precision_reached), 2)), " points (\u00b1",
        format(100 * x[["precision"]]), " asked for)"
      )
    },
    if (!is.null(x$median_local_fit)) {
      paste0("Median R^2 of local fits: ", format(x$median_local_fit, digits = 2))
    }
  )
}

# What the outputs were taken for, where that is no matter of course, and which of several they are.
told_task <- function(x) {
  open <- x$output == "output" && length(x$classes) > 1
  paste0(
    if (isTRUE(nzchar(x$task)) && (x$task != "classification" || open)) paste0("; task: ", x$task),
    if (!is.null(x$head)) paste0("; head: ", x$head)
  )
}

# How many classes there are, and how many of them have images.
count_classes <- function(x) {
  occurring <- length(unique(x$image_class))
  classes <- count(length(x$classes), "class", "classes")
  if (occurring < length(x$classes)) paste(occurring, "of", classes) else classes
}

# How often the model is right on these images.
told_accuracy <- function(x) {
  by_chance <- if (!is.null(x$chance)) sprintf("; by chance %.0f %%", 100 * x$chance)
  if (!is.null(x$judged)) {
    of <- if (x$task == "segmentation") "pixels" else "labels, those that images have and those that they don't"
    return(paste0("The model is right on ", sprintf("%.0f %%", 100 * x$accuracy), " of the ", of, by_chance))
  }
  if (is.null(x$correct)) {
    mean <- if (length(x$outputs) > 1) "a mean " else ""
    return(paste0("The model predicts `y` with ", mean, "R^2 = ", format(x$accuracy, digits = 2)))
  }
  paste0(
    "The model is right on ", sum(x$correct), " of ", count(length(x$correct), "image"), " (",
    sprintf("%.0f %%", 100 * x$accuracy), by_chance, ")"
  )
}

# What an additive method can be held to.
account <- function(x) {
  paste0(
    "completeness: largest relative residual ", format(x$completeness, digits = 2),
    if (!is.null(x$cancellation)) paste0(", cancellation ", format(signif(x$cancellation, 2)))
  )
}

count <- function(n, what, many = paste0(what, "s")) {
  paste(n, if (n == 1) what else many)
}
