# Several inputs of a model on their way to Python, and what is said of images: the same of all inputs, or of each.
#
# A named list of arrays goes as a dictionary. Only the model can tell whether a list holds images or inputs, so that
# names of bands go along in both readings, and the bridge takes the one that fits.

# Everything that is said of images, as Python takes it: the images themselves, those of the background, arguments, and
# names of bands for functions of R.
as_described <- function(x, background, bands, wavelengths, band_axis, time_axis = NULL, times = NULL) {
  wavelengths <- of_each(own_wavelengths(x, wavelengths, identity), as_wavelengths)
  own <- as_images(x)
  axis <- of_each(band_axis, function(one, name) as_band_axis(one, input_dim(own, name)))
  steps <- of_each(time_axis, function(one, name) as_time_axis(one, input_dim(own, name)))
  parts <- apart_background(background)
  background <- as_background(parts$images)
  times <- of_each(if (is.null(times)) own_times(own, steps) else times, as_times)
  list(
    x = own,
    names = if (is_each(bands)) lapply(bands, as_bands) else names_of_bands(bands, own, axis, steps),
    axis = axis,
    arguments = c(list(
      background = background,
      bands = if (is_each(bands)) lapply(bands, as_bands) else as_bands(bands),
      x_bands = own_bands(own, axis),
      x_each_bands = each_own_bands(own, axis),
      background_bands = own_bands(background, axis),
      background_each_bands = each_own_bands(background, axis),
      wavelengths = wavelengths,
      band_axis = axis
    ),
    if (!is.null(steps)) list(time_axis = steps), if (!is.null(times)) list(times = times),
    if (!is.null(parts$sampling)) list(background_sampling = parts$sampling))
  )
}

# The same for verbs that take images alone.
as_described_images <- function(x, bands = NULL, wavelengths = NULL, band_axis = -1) {
  said <- as_described(x, NULL, bands, wavelengths, band_axis)
  list(x = said$x, arguments = said$arguments[c("bands", "x_bands", "x_each_bands", "wavelengths", "band_axis")])
}

# The same for verbs whose only images are those of the background, or a shape.
as_described_background <- function(background, bands, wavelengths, band_axis, shape) {
  refuse_strategy(background, "visualize_features()")
  wavelengths <- of_each(own_wavelengths(background, wavelengths, identity), as_wavelengths)
  own <- as_background(background)
  size <- if (!is.null(own)) input_dim(own, NULL) else if (!is.null(shape)) c(1, shape)
  axis <- of_each(band_axis, function(one, name) as_band_axis(one, if (is.null(name)) size else input_dim(own, name)))
  list(
    background = own, bands = if (is_each(bands)) lapply(bands, as_bands) else as_bands(bands),
    background_bands = own_bands(own, axis), background_each_bands = each_own_bands(own, axis),
    wavelengths = wavelengths, band_axis = axis
  )
}

# Does a value say something of each input by itself? Band names may be a plain list of single texts.
is_each <- function(value) {
  is.list(value) && !is.object(value) && length(value) > 0 && (!is.null(names(value)) || any(lengths(value) != 1))
}

# A conversion of what is said of images: of each input where it is a list. NULL says nothing.
of_each <- function(value, convert) {
  takes_name <- length(formals(convert)) > 1
  converted <- function(one, name) {
    if (is.null(one)) NULL else if (takes_name) convert(one, name) else convert(one)
  }
  if (!is.list(value) || is.object(value)) {
    return(converted(value, NULL))
  }
  names <- if (is.null(names(value))) seq_along(value) else names(value)
  found <- lapply(seq_along(value), function(at) converted(value[[at]], names[[at]]))
  stats::setNames(found, names(value))
}

# Is it a list with a name for each of its arrays? A named list of images is one, too.
is_named_list <- function(x) is.list(x) && !is.null(names(x)) && all(nzchar(names(x))) && !anyDuplicated(names(x))

# Dimensions of the images, or of one of several inputs; NULL where R can't tell.
input_dim <- function(x, name) {
  if (is.null(name)) {
    return(if (is_named_list(x)) NULL else image_dim(x))
  }
  known <- is.list(x) && (is.numeric(name) && name <= length(x) || name %in% names(x))
  if (known) image_dim(x[[name]])
}

# Names of bands that the arrays of a list bring, each taken for the images of one input.
each_own_bands <- function(x, axis) {
  if (!is.list(x) || is.object(x)) {
    return(NULL)
  }
  keys <- if (is.null(names(x))) seq_along(x) else names(x)
  found <- lapply(keys, function(key) own_bands(x[[key]], axis_of(axis, key)))
  if (all(vapply(found, is.null, NA))) NULL else stats::setNames(found, names(x))
}

# What is said of one input; where nothing is said of it, what is said by default.
axis_of <- function(axis, key) {
  if (!is.list(axis)) {
    return(axis)
  }
  known <- is.numeric(key) && key <= length(axis) || key %in% names(axis)
  if (known && !is.null(axis[[key]])) axis[[key]] else -1L
}

# Axis of the steps in time as Python counts it; axis 1 holds the images.
as_time_axis <- function(time_axis, size) {
  n_axes <- length(size)
  if (!is_count(time_axis, 2) && !(is.numeric(time_axis) && identical(as.numeric(time_axis), -1))) {
    cause("bands", "`time_axis` must be a whole number.",
      expected = "an axis counted from 1, which is the images' own, or -1, the last axis", given = shown(time_axis),
      fix = "for images x times x rows x columns x bands use `time_axis = 2`"
    )
  }
  if (time_axis == -1) {
    return(-1L)
  }
  if (n_axes > 0 && time_axis > n_axes) {
    cause("bands", paste0("`time_axis` = ", time_axis, " is not an axis that can hold the steps of `x`."),
      expected = paste0("an axis from 2 to ", n_axes),
      given = paste0("`x` with dimensions ", paste(size, collapse = " x "))
    )
  }
  as.integer(time_axis) - 1L
}

# Steps in time: dates as texts, numbers, or names.
as_times <- function(times) {
  if (!is_steps(times)) {
    cause("bands", "`times` must be dates, numbers or names.",
      expected = "such as as.Date(c(\"2024-05-01\", \"2024-06-01\"))", given = shown(times)
    )
  }
  if (anyNA(times)) {
    cause("bands", "`times` has missing entries.", given = paste("NA at", match(TRUE, is.na(times))),
      fix = "every step needs a date, a number or a name"
    )
  }
  as.list(if (is.numeric(times) && !is.object(times)) as.double(times) else step_texts(times))
}

is_steps <- function(times) {
  is.numeric(times) && !is.object(times) || is.character(times) || inherits(times, c("factor", "Date", "POSIXt"))
}

# Names of the steps that images bring in their dimnames. Numbers in them are numbers.
own_times <- function(x, time_axis) {
  if (is.null(time_axis)) {
    return(NULL)
  }
  brought <- function(x, axis) {
    names <- own_dimnames(x)
    if (is.null(axis) || is.null(names)) {
      return(NULL)
    }
    names <- names[[if (axis < 0) length(names) else axis + 1L]]
    if (!is.null(names) && all(looks_like_number(names))) as.double(names) else names
  }
  if (!is_named_list(x)) {
    return(brought(x, time_axis))
  }
  found <- lapply(names(x), function(name) brought(x[[name]], if (is.list(time_axis)) time_axis[[name]] else time_axis))
  if (!all(vapply(found, is.null, NA))) stats::setNames(found, names(x))
}
