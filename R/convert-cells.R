# What a row of a table stands for: a band; with several inputs one of which, with a time axis at which step. The core
# calls these cells; `bands`, `inputs` and `times` of a result have one entry for each, so that names may come again.

# Each cell in words: "VV", "sar: VV", "VV at 2024-05-01", "sar: VV at 2024-05-01". In sums over bands there is no band.
cell_names <- function(object) {
  bands <- as.character(object$bands)
  inputs <- as.character(object$inputs)
  times <- as.character(object$times)
  whole <- !nzchar(bands) | bands == inputs # an input may itself be a band
  names <- if (length(inputs) > 0) ifelse(whole, inputs, paste0(inputs, ": ", bands)) else bands
  if (length(times) > 0) {
    names <- ifelse(nzchar(names) & nzchar(times), paste(names, "at", times), paste0(names, times))
  }
  names
}

# What the rows of a table stand for, in words.
row_cells <- function(table) {
  cell_names(list(
    bands = if ("band" %in% names(table)) table$band else rep("", nrow(table)),
    inputs = if ("input" %in% names(table)) table$input,
    times = if ("time" %in% names(table)) step_texts(table$time)
  ))
}

# The columns that cells at these positions have in a table, in order.
cell_columns <- function(object, at) {
  columns <- list(
    input = if (!is.null(object$inputs)) in_levels(object$inputs)[at],
    band = in_levels(object$bands)[at],
    time = if (!is.null(object$times)) from_times(object$times, object$time_kind)[at],
    wavelength = object$wavelengths[at]
  )
  columns[lengths(columns) > 0 | names(columns) %in% c("band", "wavelength")]
}

# What codes in the columns of cells stand for, as from_columns() takes it.
cell_levels <- function(object) {
  levels <- list(band = unique(as.character(object$bands)))
  if (!is.null(object$inputs)) {
    levels$input <- unique(as.character(object$inputs))
  }
  if (identical(object$time_kind, "name")) {
    times <- as.character(object$times)
    levels$time <- unique(times[nzchar(times)])
  }
  levels
}

in_levels <- function(names) factor(names, unique(names), ordered = TRUE)

# Steps as what they are: dates, numbers or an ordered factor; missing for what has none.
from_times <- function(times, kind) {
  times <- as.character(times)
  times[!nzchar(times)] <- NA
  switch(kind,
    date = from_dates(times),
    number = as.double(times),
    factor(times, unique(times[!is.na(times)]), ordered = TRUE)
  )
}

# Days, or points in time where a time of day is known.
from_dates <- function(texts) {
  if (!any(grepl("T", texts, fixed = TRUE))) {
    return(as.Date(texts))
  }
  as.POSIXct(sub("T", " ", texts, fixed = TRUE), tz = "UTC", format = "%Y-%m-%d %H:%M:%S")
}

# Steps as texts, as they are in a result; empty where missing.
step_texts <- function(times) {
  texts <- if (inherits(times, "POSIXt")) {
    format(times, "%Y-%m-%dT%H:%M:%S", tz = "UTC")
  } else if (is.numeric(times) && !is.object(times)) {
    sprintf("%.10g", times)
  } else {
    as.character(times)
  }
  ifelse(is.na(times), "", texts)
}

# Bands, those of different inputs counted apart.
count_bands <- function(object) length(unique(paste(object$inputs, object$bands, sep = "\r")))

count_steps <- function(object) length(unique(object$times[nzchar(object$times)]))

# How many bands, inputs and steps there are, in words.
count_cells <- function(object) {
  text <- count(count_bands(object), "band")
  if (!is.null(object$inputs)) {
    text <- paste(text, "of", count(length(unique(object$inputs)), "input"))
  }
  if (!is.null(object$times)) {
    text <- paste(text, "x", count(count_steps(object), "step"))
  }
  text
}
