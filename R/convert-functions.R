# R functions that Python calls: models from images to scores, and what methods take as options.

# A function of images as the core takes a model. It is called in R's main thread with what the core computes on: R
# arrays, with the names of the bands, or tensors, for which operations of keras3 are.
as_model_function <- function(given, name, bands = NULL, axis = -1L) {
  called <- function(x) answer_to_python(as_scores(given(with_band_names(x, bands, axis))))
  reticulate::py_call(bridge()[["r_function"]], called, name)
}

# What a function gave: tensors as they are, numbers as an array and the names of its columns.
as_scores <- function(found) {
  if (inherits(found, "python.builtin.object")) {
    return(list(value = found))
  }
  found <- as_plain_scores(found)
  if (!is.atomic(found) || is.null(found)) {
    return(list(error = paste0(
      "it gives ", shown(found), ", not a matrix with one row of scores per image",
      if (is.list(found) && !is.null(names(found))) paste0(" (is it in `$", names(found)[[1]], "`?)")
    )))
  }
  names <- if (length(dim(found)) == 2) colnames(found)
  # vectors of length 1 would arrive as single numbers
  value <- array(found, if (is.null(dim(found))) length(found) else dim(found))
  if (is.null(names)) list(value = value) else list(value = value, names = as.list(names))
}

# Of containers of scores, the values.
as_plain_scores <- function(found) {
  if (inherits(found, "torch_tensor")) {
    return(as.array(found))
  }
  if (is.data.frame(found)) {
    return(as.matrix(found))
  }
  if (is.factor(found)) as.character(found) else found
}

# R arrays get the names that the bands of `x` have: R functions may ask for bands by name.
with_band_names <- function(x, bands, axis) {
  if (is_named_list(x)) { # several inputs
    named <- if (is_named_list(bands)) bands else list()
    each <- function(name) with_band_names(x[[name]], named[[name]], axis_of(axis, name))
    return(sapply(names(x), each, simplify = FALSE))
  }
  size <- dim(x)
  place <- if (axis < 0) length(size) else axis + 1L
  if (is.null(bands) || inherits(x, "python.builtin.object") || !identical(size[place], length(bands))) {
    return(x)
  }
  names <- vector("list", length(size))
  names[[place]] <- as.character(bands)
  dimnames(x) <- names
  x
}
