# What comes back from Python, as plain R objects; see convert-images.R for the rules.

# What the bridge returns -> a plain `band_importance` object.
as_band_importance <- function(value) {
  classes <- as.character(value$classes)
  outputs <- as.character(value$outputs)
  occurring <- levels(droplevels(from_codes(value$image_class, classes)))
  names <- list(band = cell_names(value), "occurring class or all" = c(occurring, value$whole))
  fields <- from_fields(value, "band_importance", names)
  levels <- c(list(class = classes, output = outputs), cell_levels(value))
  derived <- list(
    table = from_columns(value$table, levels, value$time_kind),
    overall = from_columns(value$overall, utils::modifyList(levels, list(class = value$whole)), value$time_kind),
    median_local_fit = value$median_local_fit,
    completeness = value$completeness
  )
  first <- c(
    "table", "overall", "scores", "image_class", "prediction", "image_output", "output_values", "base_values",
    "residuals", "score_errors", "local_fit", "median_local_fit", "drops", "band_means", "classes", "outputs", "bands",
    "wavelengths", "groups", "method", "statistic", "output", "signed", "directed", "balanced", "completeness"
  )
  cancellation <- if (!is.null(value$cancellations)) value["cancellation"]
  # of results with a time axis or several inputs: the tables of sums over steps or bands
  sums <- Map(sum_columns, value$sums, names(value$sums), list(levels), list(value$time_kind))
  structure(
    c(
      in_order(c(derived, fields), first), cancellation,
      known_numbers(value, c("accuracy", "chance", "background_part", "precision_reached", "converged")),
      if (length(sums) > 0) list(sums = sums)
    ),
    class = "band_importance"
  )
}

# A table of sums. Groups of bands, and the inputs of each, come as texts.
sum_columns <- function(columns, level, levels, time_kind) {
  texts <- if (level == "group") intersect(c("band", "input"), names(columns))
  table <- from_columns(columns, levels[setdiff(names(levels), texts)], time_kind)
  table[texts] <- lapply(table[texts], in_levels)
  table
}

# Those of some numbers that are known: how often the model is right, where there were labels.
known_numbers <- function(value, names) Filter(Negate(is.null), value[names])

# What the bridge returns -> a plain `band_maps` object.
as_band_maps <- function(value) {
  fields <- from_fields(value, "band_maps")
  # in the values, outputs have come between the images and their axes
  fields$band_axis <- value$band_axis + 2L
  names <- vector("list", length(dim(value$values)))
  names[[fields$band_axis]] <- fields$bands
  dimnames(fields$values) <- names
  derived <- list(completeness = value$completeness, cancellation = value$cancellation)
  known <- known_numbers(value, c("accuracy", "chance"))
  structure(c(in_order(fields, c("values", "band_axis")), derived, known), class = "band_maps")
}

# What the bridge returns -> a plain `band_check` object, of a class of its own too.
as_band_check <- function(value) {
  table <- function(columns) {
    if (!is.null(columns$image)) {
      columns$image <- columns$image + 1L
    }
    from_columns(columns, lapply(value$levels, as.character), if (isTRUE(value$dates)) "date")
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

# Columns -> a tibble. Those with levels hold codes and become ordered factors; dates come as texts.
from_columns <- function(columns, levels, time_kind = NULL) {
  if (identical(time_kind, "date") && !is.null(columns$time)) {
    columns$time <- from_times(unlist(columns$time), time_kind)
  }
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

# An array with names along its axes.
named_numbers <- function(values, ...) {
  dimnames(values) <- list(...)
  from_numbers(values)
}

# Missing is NaN in Python, NA in R.
from_numbers <- function(values) {
  if (length(dim(values)) == 1) {
    values <- as.vector(values)
  }
  if (is.double(values) && anyNA(values)) {
    values[is.nan(values)] <- NA_real_
  }
  values
}

# Image of each row: an image with several labels has several.
image_numbers <- function(object) {
  if (is.null(object$images)) seq_along(object$image_class) else object$images
}

# Images have several rows where they may be of several classes. They are meant by their numbers then, as in Python.
has_several_rows <- function(object) isTRUE(object$task %in% c("multilabel", "segmentation"))

count_places <- function(object) {
  if (has_several_rows(object)) max(image_numbers(object)) else length(object$image_class)
}

n_images <- function(object) {
  if (inherits(object, "pooled_importance")) object$n else length(unique(image_numbers(object)))
}

# Image x band table from the array of scores: one row per image x output x band, the band varying fastest.
image_table <- function(object) {
  size <- dim(object$scores)
  rows <- size[[1]] * size[[2]]
  tibble::tibble(
    image = rep(image_numbers(object), each = size[[2]] * size[[3]]),
    class = rep(object$image_class, each = size[[2]] * size[[3]]),
    output = rep(row_outputs(object), each = size[[3]]),
    !!!cell_columns(object, rep(seq_len(size[[3]]), times = rows)),
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
    image = image_numbers(object)[image],
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
  matrix(aperm(object$scores, c(2, 1, 3)), ncol = size[[3]], dimnames = list(NULL, cell_names(object)))
}
