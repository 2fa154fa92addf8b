# What every check returns: plain tables with a verdict. The verbs that make them have files of their own.

#' Outcome of a check
#'
#' What the functions that compare or check band importance return: an object of class `band_check`, and of a class
#' called like the function. It is a list of plain vectors and tibbles, which [saveRDS()] can save.
#'
#' @param x,object Outcome of a check.
#' @param level Which table; the first by default. `names(x$tables)` lists them.
#' @param n Number of rows of the table to show.
#' @param ... For `plot()` and `autoplot()`: options of the picture, and `width` and `base_size` as for
#'   [autoplot.band_importance()]. Else not used.
#'
#' @returns The object is a list:
#' \describe{
#'   \item{`name`}{the function that made it}
#'   \item{`tables`}{tibbles, by level}
#'   \item{`passed`}{whether the result stands up to the check; `NA` where there is nothing to pass}
#'   \item{`verdict`}{what was found, a sentence each}
#'   \item{`facts`, `single`}{what produced it, and which of these facts are single values}
#' }
#' `tidy()` gives one of the tables, whose columns are described with the function that made it. `glance()` gives a
#' tibble with one row: `check` (the function), `passed`, and every fact that is a single value. `summary()` gives a
#' list of class `summary_band_check`, which prints the verdict and the facts. `autoplot()` gives a [ggplot2::ggplot()];
#' `plot()` draws it and returns it invisibly. `print()` returns `x`, invisibly; `format()` the lines.
#'
#' @section What glance tells:
#' Besides `check` and `passed`, those of these that belong to the check:
#'
#' \describe{
#'   \item{`method`, `statistic`, `output`, `model`, `seed`}{of the table, as in [glance()][glance.band_importance]}
#'   \item{`images`, `n`}{number of images that were explained}
#'   \item{`background_source`, `n_background`}{which argument the background images come from, and how many a table
#'     uses; `NA` for methods without}
#'   \item{`backgrounds`, `resamples`}{number of other background samples, and of resamples}
#'   \item{`classes_judged`, `classes_sure`, `classes_outlier`}{number of classes (and outputs) with more than one
#'     image; of those whose first band is first in 95 % of the resamples; of those whose first band the resamples
#'     contradict}
#'   \item{`replacement`, `orders`, `every_order`}{what stands for a removed band, number of random orders, and
#'     whether these are all there are}
#'   \item{`absent`, `folds`}{what a removed band depends on, and number of parts of a cross-validation}
#'   \item{`subsets`, `draws`, `radius`}{sets of bands of each size, and how often and how far images are moved}
#'   \item{`zone`}{of a model that gives outputs for every pixel, over which of them outputs are followed}
#'   \item{`cascade`, `repeats`}{whether layers stay random in later steps, and number of sets of random weights}
#'   \item{`rank_correlation`, `most_alike`}{mean rank correlation with all layers random, and above which value the
#'     check may fail}
#'   \item{`p_value`, `significance`, `chance_high`}{probability of so high a correlation by chance, up to which
#'     value the check may fail, and what 95 % of chance draws stay below}
#'   \item{`duplicate`, `duplicate_is_most_important`}{the band that was copied, and whether it was chosen because
#'     it is the most important one}
#'   \item{`top`, `bands`}{number of most important bands that are compared, and number of all bands}
#'   \item{`cells_compared`, `same_first_band`}{number of classes (and outputs) that all results explain, and for
#'     how many of these they rank the same band first}
#' }
#'
#' @seealso [compare_importance()], [check_stability()], [check_randomization()], [check_deletion()], [check_null()],
#'   [check_plausibility()] and [check_quality()], which make checks; their pages list the options of the pictures.
#' @name band_check
NULL

#' @rdname band_check
#' @export
tidy.band_check <- function(x, level = NULL, ...) {
  in_verb("make the table", {
    no_other_arguments()
    levels <- names(x$tables)
    x$tables[[if (is.null(level)) levels[[1]] else choose(level, levels, "level")]]
  })
}

#' @export
as.data.frame.band_check <- function(x, row.names = NULL, optional = FALSE, ..., level = NULL) {
  as.data.frame(tidy(x, level = level))
}

#' @rdname band_check
#' @export
glance.band_check <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  facts <- lapply(x$facts[x$single], function(fact) if (is.null(fact)) NA else fact)
  tibble::tibble(check = x$name, passed = x$passed, !!!facts)
}

#' @rdname band_check
#' @export
print.band_check <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @rdname band_check
#' @export
format.band_check <- function(x, ..., n = 10) {
  first <- x$tables[[1]]
  # classes that are explained by their own outputs need not be named twice
  if ("output" %in% names(first) && own_output(first[!is.na(first$output), ])) {
    first$output <- NULL
  }
  others <- paste0("\"", names(x$tables)[-1], "\"", recycle0 = TRUE, collapse = ", ")
  c(
    outcome(x),
    wrapped(x$verdict),
    format(first, n = n)[-1],
    cli::col_grey(paste0(
      "# tidy() gives all of this table, ", if (nzchar(others)) paste0("tidy(level = ) also ", others, ", "),
      "glance() what produced it"
    ))
  )
}

#' @rdname band_check
#' @export
summary.band_check <- function(object, ...) {
  in_verb("summarise it", no_other_arguments())
  structure(
    list(about = glance(object), verdict = object$verdict, outcome = outcome(object)),
    class = "summary_band_check"
  )
}

#' @export
print.summary_band_check <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.summary_band_check <- function(x, ...) {
  facts <- x$about[-(1:2)]
  given <- if (length(facts) > 0) paste(names(facts), "=", vapply(facts, format, "", digits = 3), collapse = ", ")
  c(x$outcome, "", wrapped(x$verdict), if (length(given) > 0) c("", cli::col_grey(wrapped(given))))
}

#' @rdname band_check
#' @export
autoplot.band_check <- function(object, ...) {
  in_verb("draw the picture", draw_check(object, check_pictures(), ...))
}

#' @rdname band_check
#' @export
plot.band_check <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

# Drawing functions by the verb that made the check, one file each: `function(object, width = 175, base_size = 8)` and
# what options the picture has.
check_pictures <- function() {
  list(
    check_deletion = draw_deletion,
    check_null = draw_null,
    check_plausibility = draw_plausibility,
    check_quality = draw_quality,
    check_randomization = draw_randomization,
    check_stability = draw_stability,
    compare_importance = draw_comparison
  )
}

draw_check <- function(object, pictures, ...) {
  draw <- pictures[[object$name]]
  if (is.null(draw)) {
    cause("result", paste0("There is no picture of `", object$name, "()`."), fix = "draw one from `tidy()`")
  }
  known <- names(formals(draw))[-1]
  unknown <- setdiff(rlang::names2(list(...)), known)
  if (length(unknown) > 0) {
    cause("option", paste0("The picture of `", object$name, "()` has no such option."),
      expected = paste0("`", known, "`", collapse = ", "), given = shown(unknown), fix = nearest(unknown, known)
    )
  }
  for (size in intersect(c("width", "base_size"), names(list(...)))) {
    check_size(list(...)[[size]], size)
  }
  draw(object, ...)
}

# Verb and outcome, in one line.
outcome <- function(x) {
  word <- if (is.na(x$passed)) "done" else if (x$passed) cli::col_green("passed") else cli::col_red("not passed")
  paste0(cli::style_bold(x$name), ": ", word)
}

wrapped <- function(sentences) strwrap(sentences, exdent = 2, width = cli::console_width())
