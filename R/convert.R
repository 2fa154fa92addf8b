# What crosses to Python and back: every rule about positions, axes, labels and missing values is in this file.
#
# R counts from 1, Python from 0. R's arrays go to Python as views of R's memory, never as copies. Vectors go as lists,
# since reticulate would turn those of length 1 into scalars. NA exists in R only: it is refused in what goes to Python
# and stands for NaN in what comes back.

# ---- R to Python ----------------------------------------------------------------------------------------------------

# Images as Python takes them: an array, or a list of arrays; a Python array is passed on as it is.
as_images <- function(x, name = "x", kind = "input") {
  refuse_raster(x, name, if (kind == "input") "input_type" else kind)
  if (inherits(x, "python.builtin.object")) {
    if (reticulate::py_is_null_xptr(x)) {
      cause(paste0(kind, if (kind == "input") "_type"), lost_object(name), fix = paste0("make `", name, "` again"))
    }
    return(x)
  }
  if (is.data.frame(x)) {
    cause(if (kind == "input") "input_type" else kind, paste0("`", name, "` is a data frame, not an array of images."),
      expected = image_array, given = shown(x), fix = "for spectra, one per row, use `as.matrix()`"
    )
  }
  if (is.list(x)) {
    return(lapply(seq_along(x), function(i) as_image_array(x[[i]], paste0(name, "[[", i, "]]"), kind, in_list = TRUE)))
  }
  as_image_array(x, name, kind)
}

image_array <- "a numeric array, images x rows x columns x bands, or a list of arrays, rows x columns x bands"

as_image_array <- function(x, name, kind, in_list = FALSE) {
  if (!is.numeric(x) && !is.logical(x)) {
    cause(if (kind == "input") "input_type" else kind, paste0("`", name, "` does not hold numbers."),
      expected = image_array, given = shown(x)
    )
  }
  if (length(dim(x)) < if (in_list) 1 else 2) {
    if (in_list) {
      x <- as.array(x)
    } else {
      cause(kind, paste0("`", name, "` has no dimensions for images and bands."),
        expected = image_array, given = shown(x),
        fix = if (!is.null(x)) "set `dim()`; a single image has a first dimension of 1"
      )
    }
  }
  # Python has no missing integers; they would arrive as the most negative number. Its floats are checked there.
  if (!is.double(x) && anyNA(x)) {
    cause(kind, paste0("`", name, "` holds missing values."),
      expected = "finite numbers everywhere", given = paste("NA at", first_na(x)),
      fix = "fill missing pixels or drop those images before the call"
    )
  }
  if (is.object(x)) unclass(x) else x
}

first_na <- function(x) {
  at <- arrayInd(match(TRUE, is.na(x)), dim(x))
  paste0("[", paste(at, collapse = ", "), "]")
}

# Dimensions of a container of images; the first is the images. NULL for what lives in Python.
image_dim <- function(x) {
  if (inherits(x, "python.builtin.object")) {
    return(NULL)
  }
  if (!is.list(x)) dim(x) else c(length(x), if (length(x) > 0) dim(x[[1]]))
}

# Axis of the bands as Python counts it. -1 is the last axis; others count from 1, the first being the images.
as_band_axis <- function(band_axis, size) {
  n_axes <- length(size)
  if (!is_count(band_axis) && !identical(as.numeric(band_axis), -1)) {
    cause("bands", "`band_axis` must be a whole number.", expected = "-1, the last axis, or an axis counted from 1",
      given = shown(band_axis)
    )
  }
  if (band_axis == -1) {
    return(-1L)
  }
  if (n_axes > 0 && !band_axis %in% seq_len(n_axes)[-1]) {
    cause("bands", paste0("`band_axis` = ", band_axis, " is not an axis that can hold the bands of `x`."),
      expected = paste0("an axis from 2 to ", n_axes, " (axis 1 holds the images), or -1 for the last"),
      given = paste0("`x` with dimensions ", paste(size, collapse = " x "))
    )
  }
  as.integer(band_axis) - 1L
}

# Band names: those given, else the dimnames of the band axis; NULL lets the core name them.
as_bands <- function(bands, x, band_axis) {
  if (is.null(bands) && !inherits(x, "python.builtin.object") && length(x) > 0) {
    names <- if (is.list(x)) c(list(NULL), dimnames(x[[1]])) else dimnames(x)
    n_axes <- length(image_dim(x))
    axis <- if (band_axis < 0) n_axes else band_axis + 1L
    bands <- if (length(names) == n_axes) names[[axis]]
  }
  if (is.null(bands)) {
    return(NULL)
  }
  if (anyNA(bands)) {
    cause("bands", "Band names are missing.", given = shown(as.character(bands)))
  }
  as.list(as.character(bands))
}

as_wavelengths <- function(wavelengths) {
  if (is.null(wavelengths)) {
    return(NULL)
  }
  if (!is.numeric(wavelengths) && !all(is.na(wavelengths))) {
    cause("bands", "`wavelengths` must be numbers, in nm.", given = shown(wavelengths))
  }
  wavelengths <- as.double(wavelengths)
  wavelengths[is.na(wavelengths)] <- NaN # NA would make NumPy warn
  as.list(wavelengths)
}

# Groups of bands: names as they are, positions from 1 as positions from 0. Whether such bands exist, the core checks.
as_groups <- function(groups) {
  if (length(groups) == 0) {
    return(NULL)
  }
  if (is.factor(groups) || !is.vector(groups) || is.null(names(groups)) || any(names(groups) %in% c("", NA))) {
    cause("bands", "`groups` must name groups of bands.",
      expected = "a named list of band names, or of positions counted from 1: `list(visible = c(\"blue\", \"green\"))`",
      given = shown(groups)
    )
  }
  if (anyDuplicated(names(groups)) > 0) {
    cause("bands", "The names of `groups` must differ.",
      given = paste("more than once:", some(unique(names(groups)[duplicated(names(groups))])))
    )
  }
  lapply(as.list(groups), function(members) unname(lapply(as.list(members), as_group_member)))
}

as_group_member <- function(member) {
  if (is.factor(member)) {
    member <- as.character(member)
  }
  if (rlang::is_string(member)) {
    return(member)
  }
  if (length(member) != 1 || !is_whole(member)) {
    cause("bands", "`groups` holds what is no band.",
      expected = "names of bands, or their positions counted from 1", given = shown(member)
    )
  }
  as.integer(member) - 1L
}

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

# "class", "predicted", "all", an output's name, or its number counted from 1.
as_target <- function(target) {
  if (rlang::is_string(target)) {
    return(target)
  }
  if (!is_count(target)) {
    cause("option", "`target` names no output of the model.",
      expected = "\"class\", \"predicted\", \"all\", or one output by name or by number, counted from 1",
      given = shown(target)
    )
  }
  as.integer(target) - 1L
}

# Model: a Python object, or a path to a saved one.
as_model <- function(model) {
  if (inherits(model, "python.builtin.object")) {
    if (reticulate::py_is_null_xptr(model)) {
      cause("model_type", lost_object("model"),
        fix = "load the model again, for example with `keras3::load_model()`; R can't keep models across sessions"
      )
    }
    return(model)
  }
  if (rlang::is_string(model)) {
    return(path.expand(model))
  }
  cause("model_type", "`model` is not a model that can be explained.",
    expected = "a Keras model, the path of a saved one (.keras or .h5), or a Python function",
    given = shown(model),
    fix = if (is.function(model)) "R functions have no gradients: build the model with keras3"
  )
}

lost_object <- function(name) {
  paste0("`", name, "` belongs to an R session that has ended: only an empty reference to it is left.")
}

# Options of a method. R users write 50 where Python insists on an integer.
as_method_options <- function(...) {
  options <- list(...)
  if (length(options) > 0 && (is.null(names(options)) || any(names(options) == ""))) {
    cause("option", "Options of the method must be named.",
      given = paste(sum(rlang::names2(options) == ""), "without a name"),
      fix = "only `model`, `x` and `y` can be given by position"
    )
  }
  options <- lapply(options, as_option)
  functions <- vapply(options, is.function, NA) & !vapply(options, inherits, NA, "python.builtin.object")
  options[functions] <- Map(as_function, options[functions], names(options)[functions])
  options
}

# A function that Python calls with arrays: classes, which are whole numbers, count from 1 for it.
as_function <- function(given, name) {
  called <- function(...) do.call(given, lapply(list(...), from_positions))
  attr(called, "py_function_name") <- name
  called
}

as_option <- function(value) {
  if (is.list(value) && !is.object(value)) {
    return(lapply(value, as_option))
  }
  if (is.factor(value)) {
    value <- as.character(value)
  }
  if (is_whole(value)) {
    storage.mode(value) <- "integer"
  }
  value
}

# A result as Python's own class takes it: its fields by name, without what is derived from them.
as_result <- function(result, name = "result") {
  if (!inherits(result, "band_importance")) {
    cause("result", paste0("`", name, "` is no result of `band_importance()`."),
      expected = "a `band_importance` object", given = shown(result)
    )
  }
  converted <- function(fields, convert) {
    found <- fields[!vapply(result[fields], is.null, NA)]
    lapply(stats::setNames(result[found], found), convert)
  }
  codes <- function(values) array(as.integer(values) - 1L, if (is.null(dim(values))) length(values) else dim(values))
  c(
    converted(c("image_class", "prediction", "image_output", "background"), codes),
    converted(
      c("scores", "output_values", "base_values", "residuals", "score_errors", "local_fit", "drops", "band_means"),
      as_numbers
    ),
    converted("wavelengths", as_wavelengths),
    converted(c("classes", "outputs", "bands", "options", "versions"), as.list),
    converted("groups", function(groups) lapply(groups, as.list)),
    converted(c("method", "statistic", "output", "signed", "directed", "balanced", "background_source"), identity),
    converted(c("seed", "model", "seconds"), identity)
  )
}

# NA exists in R only.
as_numbers <- function(values) {
  storage.mode(values) <- "double"
  values[is.na(values)] <- NaN
  dimnames(values) <- NULL
  values
}

# A band by name, or by its position counted from 1.
as_band <- function(band, name) {
  if (is.factor(band)) {
    band <- as.character(band)
  }
  if (is.null(band) || rlang::is_string(band)) {
    return(band)
  }
  if (!is_count(band)) {
    cause("bands", paste0("`", name, "` names no band."),
      expected = "the name of a band, or its position counted from 1", given = shown(band)
    )
  }
  as.integer(band) - 1L
}

# TRUE or FALSE.
as_flag <- function(value, name) {
  if (!rlang::is_bool(value)) {
    cause("option", paste0("`", name, "` must be TRUE or FALSE."), given = shown(value))
  }
  value
}

# A whole number of at least 1 (or `least`), or NULL where that is allowed.
as_count <- function(value, name, least = 1, null = FALSE) {
  if (is.null(value) && null) {
    return(NULL)
  }
  if (!is_count(value, least)) {
    cause("option", paste0("`", name, "` must be a whole number of at least ", least, "."), given = shown(value))
  }
  as.integer(value)
}

is_count <- function(value, least = 1) {
  length(value) == 1 && is_whole(value) && value >= least
}

is_whole <- function(value) {
  is.numeric(value) && length(value) > 0 && all(is.finite(value)) && all(value == floor(value)) &&
    all(abs(value) <= .Machine$integer.max)
}

# ---- Python to R ----------------------------------------------------------------------------------------------------

# What the bridge returns -> a plain `band_importance` object.
as_band_importance <- function(value) {
  classes <- as.character(value$classes)
  outputs <- as.character(value$outputs)
  bands <- as.character(value$bands)
  image_class <- from_codes(value$image_class, classes)
  structure(
    list(
      table = from_columns(value$table, list(class = classes, output = outputs, band = bands)),
      overall = from_columns(value$overall, list(class = value$whole, output = outputs, band = bands)),
      scores = named_numbers(value$scores, NULL, NULL, bands),
      image_class = image_class,
      prediction = from_codes(value$prediction, classes),
      image_output = value$image_output + 1L,
      output_values = from_numbers(value$output_values),
      base_values = from_numbers(value$base_values),
      residuals = value$residuals,
      score_errors = named_numbers(value$score_errors, NULL, NULL, bands),
      local_fit = value$local_fit,
      median_local_fit = value$median_local_fit,
      drops = named_numbers(value$drops, NULL, c(levels(droplevels(image_class)), value$whole), bands),
      band_means = named_numbers(value$band_means, NULL, bands),
      classes = classes,
      outputs = outputs,
      bands = bands,
      wavelengths = from_numbers(as.double(value$wavelengths)),
      groups = if (!is.null(value$groups)) lapply(value$groups, as.character),
      method = value$method,
      statistic = value$statistic,
      output = value$output,
      signed = value$signed,
      directed = value$directed,
      balanced = value$balanced,
      completeness = value$completeness,
      background = if (!is.null(value$background)) as.vector(value$background) + 1L,
      background_source = value$background_source,
      options = value$options,
      seed = value$seed,
      model = value$model,
      versions = unlist(value$versions),
      seconds = value$seconds
    ),
    class = "band_importance"
  )
}

# What the bridge returns -> a plain `band_maps` object.
as_band_maps <- function(value) {
  classes <- as.character(value$classes)
  bands <- as.character(value$bands)
  values <- value$values
  # in the values, outputs have come between the images and their axes
  band_axis <- value$band_axis + 2L
  names <- vector("list", length(dim(values)))
  names[[band_axis]] <- bands
  dimnames(values) <- names
  structure(
    list(
      values = values,
      band_axis = band_axis,
      image_class = from_codes(value$image_class, classes),
      prediction = from_codes(value$prediction, classes),
      image_output = value$image_output + 1L,
      classes = classes,
      outputs = as.character(value$outputs),
      bands = bands,
      wavelengths = from_numbers(as.double(value$wavelengths)),
      method = value$method,
      output = value$output,
      seed = value$seed,
      model = value$model
    ),
    class = "band_maps"
  )
}

# What the bridge returns -> a plain `band_check` object, of a class of its own too.
as_band_check <- function(value) {
  table <- function(columns) {
    if (!is.null(columns$image)) {
      columns$image <- columns$image + 1L
    }
    from_columns(columns, lapply(value$levels, as.character))
  }
  structure(
    list(
      name = value$name,
      tables = lapply(value$tables, table),
      passed = if (is.null(value$passed)) NA else value$passed,
      verdict = as.character(value$verdict),
      facts = lapply(value$facts, from_numbers),
      single = as.character(value$single)
    ),
    class = c(value$name, "band_check")
  )
}

# What the bridge returns -> a tibble of methods, their options in a list of tibbles.
as_method_table <- function(value) {
  texts <- function(entries, name) vapply(entries, function(entry) entry[[name]], "")
  flags <- function(name) vapply(value, function(method) method[[name]], NA)
  options <- function(method) {
    tibble::tibble(
      option = texts(method$options, "option"),
      default = texts(method$options, "default"),
      meaning = texts(method$options, "meaning")
    )
  }
  tibble::tibble(
    method = texts(value, "name"),
    label = texts(value, "label"),
    meaning = texts(value, "summary"),
    cost = texts(value, "cost"),
    statistic = texts(value, "statistic"),
    additive = flags("additive"),
    maps = flags("maps"),
    background = flags("background"),
    options = lapply(value, options),
    reference = texts(value, "reference")
  )
}

# Columns -> a tibble. Those with levels hold codes and become ordered factors.
from_columns <- function(columns, levels) {
  # a list is a column of texts without rows
  columns <- lapply(columns, function(column) if (is.list(column)) as.character(column) else from_numbers(column))
  for (name in intersect(names(columns), names(levels))) {
    columns[[name]] <- from_codes(columns[[name]], levels[[name]])
  }
  tibble::as_tibble(columns)
}

# Codes count from 0; -1 is missing.
from_codes <- function(codes, levels) {
  codes <- as.vector(codes)
  codes[codes < 0] <- NA
  factor(levels[codes + 1L], levels = levels, ordered = TRUE)
}

from_positions <- function(positions) {
  positions <- as.vector(positions)
  if (is.integer(positions)) positions + 1L else positions
}

# An array with names along its axes; NULL stays NULL.
named_numbers <- function(values, ...) {
  if (is.null(values)) {
    return(NULL)
  }
  dimnames(values) <- list(...)
  from_numbers(values)
}

# Missing is NaN in Python, NA in R.
from_numbers <- function(values) {
  if (length(dim(values)) == 1) {
    values <- as.vector(values)
  }
  if (is.double(values)) {
    values[is.nan(values)] <- NA_real_
  }
  values
}

# Image x band table from the array of scores: one row per image x output x band, the band varying fastest.
image_table <- function(object) {
  size <- dim(object$scores)
  rows <- size[[1]] * size[[2]]
  tibble::tibble(
    image = rep(seq_len(size[[1]]), each = size[[2]] * size[[3]]),
    class = rep(object$image_class, each = size[[2]] * size[[3]]),
    output = rep(row_outputs(object), each = size[[3]]),
    band = from_codes(rep(seq_len(size[[3]]) - 1L, times = rows), object$bands),
    wavelength = rep(object$wavelengths, times = rows),
    score = as.vector(aperm(object$scores, 3:1))
  )
}

# One row per image x output x pixel x band, the band varying fastest.
map_table <- function(object) {
  order <- c(setdiff(seq_along(dim(object$values)), object$band_axis), object$band_axis)
  values <- aperm(object$values, rev(order))
  size <- dim(object$values)[order]
  position <- function(axis) {
    rep(rep(seq_len(size[[axis]]), each = prod(size[-seq_len(axis)])), times = prod(size[seq_len(axis - 1)]))
  }
  image <- position(1)
  pixel_axes <- seq_along(size)[-c(1, 2, length(size))]
  pixels <- stats::setNames(lapply(pixel_axes, position), pixel_names(length(pixel_axes)))
  band <- position(length(size))
  tibble::tibble(
    image = image,
    class = object$image_class[image],
    output = from_codes(object$image_output[cbind(image, position(2))] - 1L, object$outputs),
    !!!pixels,
    band = from_codes(band - 1L, object$bands),
    wavelength = object$wavelengths[band],
    attribution = as.vector(values)
  )
}

pixel_names <- function(n) {
  switch(n + 1, character(), "pixel", c("row", "col"), paste0("pixel_", seq_len(n)))
}

# Values per image x output -> one per row, image by image.
by_row <- function(values) {
  as.vector(t(values))
}

row_outputs <- function(object) {
  from_codes(by_row(object$image_output) - 1L, object$outputs)
}

# Scores with one row per image x output and one column per band.
row_scores <- function(object) {
  size <- dim(object$scores)
  matrix(aperm(object$scores, c(2, 1, 3)), ncol = size[[3]], dimnames = list(NULL, object$bands))
}
