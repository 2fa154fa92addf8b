# What crosses to Python and back: every rule about positions, axes, labels and missing values is in convert-*.R, those
# of images here.
#
# R counts from 1, Python from 0. R's arrays go to Python as views of R's memory, never as copies. Vectors go as lists,
# since reticulate would turn those of length 1 into scalars. NA exists in R only: it is refused in what goes to Python
# and stands for NaN in what comes back.

# Images as Python takes them: an array, or a list of arrays; what is not in R is passed on as it is.
as_images <- function(x, name = "x", kind = "input") {
  x <- labelled_images(x, name, kind)$x
  refuse_raster(x, name, if (kind == "input") "input_type" else kind)
  if (is_elsewhere(x)) {
    return(as_elsewhere(x, name, kind))
  }
  if (is.data.frame(x)) {
    cause(if (kind == "input") "input_type" else kind, paste0("`", name, "` is a data frame, not an array of images."),
      expected = image_array, given = shown(x), fix = "for spectra, one per row, use `as.matrix()`"
    )
  }
  if (is.list(x)) as_image_list(x, name, kind) else as_image_array(x, name, kind)
}

# A list of images, or of several inputs.
as_image_list <- function(x, name, kind) {
  named <- is_named_list(x)
  places <- paste0(name, if (named) paste0("$", names(x)) else paste0("[[", seq_along(x), "]]"), recycle0 = TRUE)
  found <- lapply(seq_along(x), function(i) {
    refuse_raster(x[[i]], places[[i]], if (kind == "input") "input_type" else kind)
    if (is_elsewhere(x[[i]])) {
      return(as_elsewhere(x[[i]], places[[i]], kind))
    }
    as_image_array(x[[i]], places[[i]], kind, in_list = TRUE)
  })
  if (named) stats::setNames(found, names(x)) else found
}

as_background <- function(background) {
  if (!is.null(background)) as_images(background, "background", "background")
}

image_array <- "a numeric array, images x rows x columns x bands, or a list of arrays, rows x columns x bands"

as_image_array <- function(x, name, kind, in_list = FALSE) {
  if (!is.numeric(x) && !is.logical(x)) {
    no_numbers(x, name, kind)
  }
  if (length(dim(x)) < if (in_list) 1 else 2) {
    if (in_list) {
      x <- as.array(x)
    } else {
      cause(kind, paste0("`", name, "` has no dimensions for images and bands."),
        expected = image_array, given = shown(x),
        fix = if (!is.null(x)) {
          paste0(
            "a subset keeps its dimensions with `drop = FALSE`, such as `", name, "[1, , , , drop = FALSE]` or, of ",
            "spectra, `", name, "[1, , drop = FALSE]`; for other numbers set `dim()`"
          )
        }
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

no_numbers <- function(x, name, kind) {
  cause(if (kind == "input") "input_type" else kind, paste0("`", name, "` does not hold numbers."),
    expected = image_array, given = shown(x), fix = if (is.data.frame(x)) "for rows of numbers, use `as.matrix()`"
  )
}

first_na <- function(x) {
  at <- arrayInd(match(TRUE, is.na(x)), dim(x))
  paste0("[", paste(at, collapse = ", "), "]")
}

# Dimensions of a container of images; the first is the images. NULL for what lives in Python, or in files.
image_dim <- function(x) {
  if (inherits(x, "python.builtin.object") || is_source(x)) {
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
      given = paste0("`x` with dimensions ", paste(size, collapse = " x ")),
      fix = "if a subset has dropped a dimension, keep it with `drop = FALSE`"
    )
  }
  as.integer(band_axis) - 1L
}

# Names that images bring for their bands: the dimnames of the band axis, which get lost on the way to Python.
own_bands <- function(x, band_axis) {
  if (is.list(band_axis)) {
    return(NULL)
  }
  names <- own_dimnames(x)
  if (!is.null(names)) as_bands(names[[if (band_axis < 0) length(names) else band_axis + 1L]])
}

# Names along all axes; NULL if there are none.
own_dimnames <- function(x) {
  if (inherits(x, "python.builtin.object") || is_source(x) || length(x) == 0) {
    return(NULL)
  }
  names <- if (is.list(x)) c(list(NULL), dimnames(x[[1]])) else dimnames(x)
  if (length(names) == length(image_dim(x))) names
}

# Names of the bands, given or brought.
names_of_bands <- function(bands, x, band_axis, time_axis = NULL) {
  if (!is.null(bands)) {
    return(as_bands(bands))
  }
  if (is_named_list(x)) {
    return(each_own_bands(x, band_axis))
  }
  brought <- own_bands(x, band_axis)
  if (is.null(brought) && identical(band_axis, -1L) && !is.null(own_dimnames(x))) {
    check_names_elsewhere(without_steps(own_dimnames(x), time_axis), image_dim(x))
  }
  brought
}

# Names along all axes but that of the steps in time.
without_steps <- function(names, time_axis) {
  if (is.numeric(time_axis)) {
    names[if (time_axis < 0) length(names) else time_axis + 1L] <- list(NULL)
  }
  names
}

as_bands <- function(bands) {
  if (is.null(bands)) {
    return(NULL)
  }
  if (anyNA(bands)) {
    cause("bands", "Band names are missing.", given = shown(as.character(bands)))
  }
  as.list(as.character(bands))
}

# Names on one other axis, and none on that of the bands, which is the last by default: those are the bands. Numbers
# name positions of pixels, unless there is a single band.
check_names_elsewhere <- function(names, size) {
  n_axes <- length(size)
  named <- setdiff(which(lengths(names) > 0), c(1, n_axes))
  if (length(named) != 1 || size[[n_axes]] > 1 && all(looks_like_number(names[[named]]))) {
    return(invisible())
  }
  cause("bands",
    paste0("The names in `dimnames(x)` are on axis ", named, ", and the bands are taken from axis ", n_axes, "."),
    expected = "names of the bands on the axis of the bands, which is the last one by default",
    given = paste0(
      "`x` with dimensions ", paste(size, collapse = " x "), ", axis ", named, " named ", some(names[[named]], 4)
    ),
    fix = paste0("if these are the bands, use `band_axis = ", named, "`; if not, name the bands with `bands`")
  )
}

looks_like_number <- function(texts) grepl("^[-+]?[0-9.]+(e[-+]?[0-9]+)?$", texts, ignore.case = TRUE)

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

# Groups of bands: names as they are, positions from 1 as positions from 0; zones are such; "input" and "auto" speak for
# themselves. Whether such bands exist, the core checks.
as_groups <- function(groups) {
  if (identical(groups, "input") || identical(groups, "auto")) {
    return(groups)
  }
  if (inherits(groups, "wavelength_zones")) {
    groups <- groups$groups
  }
  if (length(groups) > 0) {
    check_groups(groups)
    lapply(as.list(groups), function(members) unname(lapply(as.list(members), as_group_member)))
  }
}

check_groups <- function(groups) {
  if (is.factor(groups) || !is.vector(groups) || is.null(names(groups)) || any(names(groups) %in% c("", NA))) {
    cause("bands", "`groups` must name groups of bands.",
      expected = paste0(
        "a named list of band names, or of positions counted from 1: `list(visible = c(\"blue\", \"green\"))`; or ",
        "\"input\", for each of several inputs as a whole, \"auto\", or what `wavelength_zones()` gives"
      ),
      given = shown(groups)
    )
  }
  if (anyDuplicated(names(groups)) > 0) {
    cause("bands", "The names of `groups` must differ.",
      given = paste("more than once:", some(unique(names(groups)[duplicated(names(groups))])))
    )
  }
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
