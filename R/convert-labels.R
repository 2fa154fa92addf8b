# Labels and class names on their way to Python.

# Labels and class names. Factors bring their levels. Numbers go as they are: only the model can tell whether they are
# classes, counted from 1 in the order of the outputs, or the observed values of a regression.
#
# Images may have several labels, in a matrix of zeros and ones or a list with a vector for each; pixels have labels in
# an array like the images, where `ignore` may hold NA.
as_labels <- function(y, classes = NULL, ignore = NULL) {
  if (is_source(y)) {
    return(list(y = as_source(y), classes = as_classes(classes)))
  }
  if (is.data.frame(y)) {
    y <- as.matrix(y)
  }
  if (is_label_list(y)) {
    return(list(y = lapply(y, label_set), classes = as_classes(classes)))
  }
  check_labels(y, ignore)
  y <- as_vector_labels(y)
  if (is.null(classes)) {
    classes <- own_classes(y)
  }
  list(y = if (is_pixel_labels(y)) pixel_labels(y) else label_codes(y), classes = as_classes(classes))
}

# TRUE and FALSE are two classes; a matrix of one column is a vector.
as_vector_labels <- function(y) {
  if (is.logical(y) && length(dim(y)) < 2) {
    return(factor(y, levels = c(FALSE, TRUE)))
  }
  if (is.matrix(y) && ncol(y) == 1) y[, 1] else y
}

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
  if (length(dim(y)) > 1) unname(y) else if (!is.null(y)) array(as.double(y), length(y))
}

# A vector of labels for each image.
is_label_list <- function(y) is.list(y) && !is.object(y) && length(y) > 0

label_set <- function(labels) {
  if (is.factor(labels)) {
    labels <- as.character(labels)
  }
  if (!(is.character(labels) || is.numeric(labels) || is.null(labels)) || anyNA(labels)) {
    cause("labels", "`y` holds labels that are neither names nor numbers.",
      expected = "a vector of names, or of numbers from 1, for each image", given = shown(labels)
    )
  }
  if (is.numeric(labels)) as.list(as.integer(labels)) else as.list(labels)
}

is_pixel_labels <- function(y) length(dim(y)) > 2

# Classes of pixels: levels of a factor by number, so that they need no copy of their names.
pixel_labels <- function(y) {
  if (is.character(y)) {
    return(unname(y))
  }
  array(as.double(y), dim(y))
}

check_labels <- function(y, ignore = NULL) {
  if (inherits(y, "python.builtin.object")) {
    cause("labels", "`y` must be an R vector.", given = shown(y), fix = "convert it with `reticulate::py_to_r()`")
  }
  if (!typeof(y) %in% c("NULL", "logical", "integer", "double", "character")) {
    cause("labels", "`y` holds neither class numbers nor class names.",
      expected = "a factor, class names, class numbers from 1, or a one-hot matrix", given = shown(y)
    )
  }
  missing <- sum(is.na(y))
  if (missing > 0 && is_pixel_labels(y)) {
    if (!anyNA(ignore)) {
      cause("labels", "`y` holds pixels without a label.",
        expected = "a label for each pixel", given = paste(missing, "missing"), fix = "say so with `ignore = NA`"
      )
    }
  } else if (missing > 0) {
    cause("labels", "`y` holds labels that are missing.",
      expected = "one label per image", given = paste(missing, "missing"), fix = "drop the images without a label"
    )
  }
}

as_classes <- function(classes) {
  if (anyNA(classes)) {
    cause("labels", "Class names are missing.", given = shown(as.character(classes)))
  }
  if (is.null(classes)) NULL else as.list(as.character(classes))
}
