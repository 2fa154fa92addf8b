# Fields of results, by what they are. The Python classes say so once, and schema.csv, written from them, says it to R:
# a new field comes and goes without a line here. See convert-images.R for the rules.

# What is known of the fields of a kind of result: one row per field.
schema_of <- function(result) {
  schema <- core_file("r", "schema.csv")
  schema[schema$result == result, ]
}

axes_of <- function(axes) strsplit(axes, " x ", fixed = TRUE)

# Names of the fields with this first axis.
fields_along <- function(result, axis) {
  schema <- schema_of(result)
  schema$field[vapply(axes_of(schema$axes), function(axes) identical(axes[1], axis), NA)]
}

# What the bridge returns -> the fields of a result, in order. An axis has the names that a field has for it, or that
# are given in `names`.
from_fields <- function(value, result, names = list()) {
  schema <- schema_of(result)
  named <- schema$kind == "names"
  names <- c(names, stats::setNames(lapply(value[schema$field[named]], as.character), schema$axes[named]))
  # results of earlier versions, which lack what is newer, stay what they were
  newer <- schema$newer == "yes"
  schema <- rbind(schema[!newer, ], schema[newer & schema$field %in% base::names(Filter(Negate(is.null), value)), ])
  # bands may have the same name in several inputs and steps
  of <- utils::modifyList(value, list(bands = if (!is.null(value$bands)) cell_names(value)))
  levels <- lapply(of[schema$of], as.character)
  fields <- Map(from_field, value[schema$field], schema$kind, axes_of(schema$axes), levels, list(names))
  stats::setNames(fields, schema$field)
}

from_field <- function(value, kind, axes, levels, names) {
  if (is.null(value)) {
    return(NULL)
  }
  switch(kind,
    names = as.character(value),
    texts = unlist(value),
    lists = lapply(value, as.character),
    plain = ,
    record = value,
    positions = from_position_field(value, axes, levels, names),
    from_numbers(with_axis_names(if (is.list(value)) as.double(value) else value, axes, names))
  )
}

# Positions among names are a factor, which has no dimensions; -1 is what has no position.
from_position_field <- function(value, axes, levels, names) {
  if (length(axes) > 1) {
    return(with_axis_names(value + 1L, axes, names))
  }
  if (length(levels) > 0) {
    return(from_codes(value, levels))
  }
  found <- from_positions(value)
  replace(found, found < 1, NA)
}

with_axis_names <- function(values, axes, names) {
  n_axes <- length(dim(values))
  if (n_axes < 2) {
    return(values)
  }
  any_number <- match("...", axes)
  if (!is.na(any_number)) {
    axes <- append(axes[-any_number], rep("", n_axes - length(axes) + 1), any_number - 1)
  }
  names <- unname(names[axes])
  if (any(lengths(names) > 0)) {
    dimnames(values) <- names
  }
  values
}

# A list with some parts first; the others follow as they come.
in_order <- function(parts, first) {
  parts[c(first, setdiff(names(parts), first))]
}

# A result -> its fields for Python, without what is derived from them.
as_fields <- function(object, result) {
  schema <- schema_of(result)
  object <- unclass(object) # whose `[` takes images
  schema <- schema[!vapply(object[schema$field], is.null, NA), ]
  stats::setNames(Map(as_field, object[schema$field], schema$kind), schema$field)
}

as_field <- function(value, kind) {
  switch(kind,
    plain = value,
    lists = lapply(value, as.list),
    names = ,
    texts = ,
    record = as.list(value),
    positions = as_position_field(value),
    numbers = as_numbers(as_array(value)),
    as_array(value)
  )
}

# Positions that are missing are -1.
as_position_field <- function(value) {
  codes <- as.integer(value) - 1L
  codes[is.na(codes)] <- -1L
  array(codes, dim(as_array(value)))
}

# A vector as an array: of length one it would be a single value in Python.
as_array <- function(values) {
  if (is.null(dim(values))) array(values, length(values)) else values
}
