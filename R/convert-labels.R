# Labels and class names on their way to Python.

# Labels and class names. Factors bring their levels; numbers are classes counted from 1, in the order of the outputs.
# `values` says that they are values for a regression instead.
as_labels <- function(y, classes = NULL, values = FALSE) {
  check_labels(y)
  if (is.logical(y) && length(dim(y)) < 2) {
    y <- factor(y, levels = c(FALSE, TRUE))
  }
  if (is.matrix(y) && ncol(y) == 1) {
    y <- y[, 1]
  }
  if (values) {
    return(list(y = array(as.double(y), length(y)), classes = as_classes(classes)))
  }
  if (is.null(classes)) {
    classes <- own_classes(y)
  }
  list(y = label_codes(y), classes = as_classes(classes))
}

holds_numbers <- function(y) is.numeric(y) && length(y) > 0 && NCOL(y) == 1

# Class names that labels bring with them.
own_classes <- function(y) {
  if (is.character(y)) {
    cause("labels", "`y` holds class names, but nothing says which output of the model each belongs to.",
      expected = "`classes`, the names in the order of the outputs, or `y` as a factor with its levels in that order"
    )
  }
  if (is.factor(y)) levels(y) else if (is.matrix(y)) colnames(y)
}

label_codes <- function(y) {
  if (is.factor(y) || is.character(y)) {
    return(as.list(as.character(y)))
  }
  if (length(dim(y)) > 1) unname(y) else if (!is.null(y)) from_class_numbers(y)
}

check_labels <- function(y) {
  if (inherits(y, "python.builtin.object")) {
    cause("labels", "`y` must be an R vector.", given = shown(y), fix = "convert it with `reticulate::py_to_r()`")
  }
  if (!typeof(y) %in% c("NULL", "logical", "integer", "double", "character")) {
    cause("labels", "`y` holds neither class numbers nor class names.",
      expected = "a factor, class names, class numbers from 1, or a one-hot matrix", given = shown(y)
    )
  }
  missing <- sum(is.na(y))
  if (missing > 0) {
    cause("labels", "`y` holds labels that are missing.",
      expected = "one label per image", given = paste(missing, "missing"), fix = "drop the images without a label"
    )
  }
}

from_class_numbers <- function(y) {
  wrong <- y != floor(y) | y < 1
  if (any(wrong)) {
    cause("labels", "`y` holds numbers that are not class numbers.",
      expected = "whole numbers from 1: in R, classes are counted from 1",
      given = some(format(sort(unique(y[wrong])), trim = TRUE)),
      fix = if (!is_whole(y)) {
        "for a model that predicts a number leave `y` out: only the method \"permutation\" uses it"
      } else if (min(y) == 0) {
        "if the classes are counted from 0, use `y + 1`"
      }
    )
  }
  array(as.integer(y) - 1L, length(y))
}

as_classes <- function(classes) {
  if (anyNA(classes)) {
    cause("labels", "Class names are missing.", given = shown(as.character(classes)))
  }
  if (is.null(classes)) NULL else as.list(as.character(classes))
}
