# Images that R does not hold: objects of Python, files, by their paths, and functions that give the next batch.
#
# Python opens and reads them. Of their shape R knows nothing, as of all that lives in Python.

# What the core reads: HDF5, zarr, NumPy, GeoTIFF; perhaps with the name of an array behind a colon.
source_pattern <- "\\.(h5|hdf5|zarr|npy|tiff?)/?(:.+)?$"

is_path <- function(x) {
  is.character(x) && length(x) > 0 && is.null(dim(x)) && all(grepl(source_pattern, x, ignore.case = TRUE))
}

# A path, several, or a file and the name of an array in it.
is_source <- function(x) {
  pair <- is.list(x) && is.null(names(x)) && length(x) == 2 && all(vapply(x, rlang::is_string, NA)) && is_path(x[[1]])
  is_path(x) || pair
}

# Is it something that R does not hold?
is_elsewhere <- function(x) inherits(x, "python.builtin.object") || is_source(x) || is.function(x)

# What R does not hold, as Python takes it: its own objects as they are.
as_elsewhere <- function(x, name, kind) {
  if (is_source(x)) {
    return(as_source(x))
  }
  if (!inherits(x, "python.builtin.object")) {
    return(as_stream(x))
  }
  if (reticulate::py_is_null_xptr(x)) {
    cause(paste0(kind, if (kind == "input") "_type"), lost_object(name), fix = paste0("make `", name, "` again"))
  }
  x
}

# Paths as Python takes them: one as a text, several as a list.
as_source <- function(x) {
  paths <- lapply(unname(as.list(x)), function(one) if (is_path(one)) path.expand(one) else one)
  if (length(paths) == 1) paths[[1]] else paths
}

# A function that gives the next batch, and NULL behind the last one, as a stream of the core. It is called in R's main
# thread.
as_stream <- function(given) {
  called <- function() {
    answer_to_python(
      as_batch(given()),
      bandlens_cause = function(cause) list(error = paste(c(conditionMessage(cause), cause$given), collapse = "; "))
    )
  }
  reticulate::py_call(bridge()[["r_stream"]], called)
}

# A batch as Python takes it: images, and labels with the names of their classes, if there are any.
as_batch <- function(batch) {
  if (is.null(batch)) {
    return(list(end = TRUE))
  }
  parts <- batch_parts(batch)
  y <- parts$y
  images <- list(x = as_images(parts$x), bands = bands_of_batch(parts$x))
  if (is.null(y)) {
    return(images)
  }
  if (is_label_list(y)) {
    return(c(images, list(y = lapply(y, label_set))))
  }
  check_labels(y)
  y <- as_vector_labels(y)
  classes <- if (is.factor(y)) levels(y) else if (is.matrix(y)) colnames(y)
  codes <- if (is_pixel_labels(y)) pixel_labels(y) else label_codes(y)
  c(images, list(y = codes, classes = as_classes(classes)))
}

# Names of the bands of a batch: dimnames of its last axis that has some, which get lost on the way to Python. Those of
# several inputs are given as `bands`.
bands_of_batch <- function(x) {
  if (is_named_list(x)) {
    return(NULL)
  }
  named <- Filter(Negate(is.null), own_dimnames(x)[-1])
  if (length(named) > 0) as_bands(named[[length(named)]])
}

# Images and labels, by name or in this order; what has other names are several inputs.
batch_parts <- function(batch) {
  if (!is.list(batch) || is.object(batch)) {
    return(list(x = batch))
  }
  if (!is.null(names(batch))) {
    return(if ("x" %in% names(batch) && all(names(batch) %in% c("x", "y"))) batch else list(x = batch))
  }
  if (!length(batch) %in% 1:2) {
    cause("source", "A batch holds what is neither images nor images and labels.",
      expected = "an array, or list(x, y)", given = shown(batch)
    )
  }
  list(x = batch[[1]], y = if (length(batch) == 2) batch[[2]])
}
