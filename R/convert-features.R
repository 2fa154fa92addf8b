# Layers, features and their images on their way to Python and back; see convert-images.R for the rules.

# A layer's name; several of them; or their weights by name.
as_layer <- function(layer) {
  if (is.null(layer) || rlang::is_string(layer)) {
    return(layer)
  }
  if (are_names(layer)) {
    return(as.list(layer))
  }
  if (!are_weights(layer)) {
    cause("option", "`layer` names no layer.", expected = "the name of a layer, as listed by `list_layers()`",
      given = shown(layer)
    )
  }
  lapply(as.list(layer), as.double)
}

are_names <- function(values) is.character(values) && length(values) > 0 && !anyNA(values)

are_weights <- function(values) {
  length(values) > 0 && all(vapply(values, is.numeric, NA)) && all(nzchar(rlang::names2(values)))
}

# Features by position counted from 1, or by name where they have names of their own.
as_features <- function(features, named = TRUE) {
  if (is.factor(features)) {
    features <- as.character(features)
  }
  if (is.null(features)) {
    return(NULL)
  }
  if (named && are_names(features)) {
    return(as.list(features))
  }
  if (!is_whole(features) || any(features < 1)) {
    cause("option", "`features` does not say which features to take.",
      expected = paste0("positions counted from 1", if (named) ", or names"), given = shown(features)
    )
  }
  as.list(as.integer(features) - 1L)
}

as_feature_position <- function(position) {
  if (is.null(position)) {
    return(NULL)
  }
  if (!is_whole(position) || any(position < 1)) {
    cause("option", "`position` is no position in a layer.", expected = "row and column, counted from 1",
      given = shown(position)
    )
  }
  as.list(as.integer(position) - 1L)
}

# Shape of an image, or of one of each input.
as_shape <- function(shape) {
  if (is.null(shape)) {
    return(NULL)
  }
  if (is_named_list(shape)) {
    return(lapply(shape, as_shape))
  }
  if (!is_whole(shape) || any(shape < 1)) {
    cause("option", "`shape` is not the shape of an image.", expected = "whole numbers, such as c(64, 64, 13)",
      given = shown(shape)
    )
  }
  as.list(as.integer(shape))
}

# One start, or one for each input.
as_start <- function(start) {
  if (rlang::is_string(start)) {
    return(start)
  }
  if (is_named_list(start) && !is_labelled(start)) lapply(start, as_start) else as_images(start, "start")
}

# One range, or one for each of the inputs that a background has.
as_value_ranges <- function(range, background) {
  by_name <- is_named_list(range) && is.list(background)
  ends <- c("low", "high", "min", "max", "from", "to")
  known <- if (is.null(names(background))) setdiff(names(range), ends) else names(background)
  each <- by_name && any(names(range) %in% known)
  if (each) lapply(range, as_value_range) else as_value_range(range)
}

# The ends of the range: two numbers, or two vectors with a number per band.
as_value_range <- function(range) {
  if (is.null(range)) {
    return(NULL)
  }
  ends <- if (is.list(range)) range else as.list(unname(range))
  if (length(ends) != 2 || !all(vapply(ends, is.numeric, NA)) || anyNA(unlist(ends))) {
    cause("option", "`value_range` is not a range of values.",
      expected = "two numbers, or a list of two vectors with a number per band", given = shown(range)
    )
  }
  lapply(unname(ends), function(end) if (length(end) == 1) as.double(end) else array(as.double(end), length(end)))
}

as_directions <- function(directions) {
  if (is.null(directions)) {
    return(NULL)
  }
  if (!is.numeric(directions) || length(dim(directions)) > 2) {
    cause("option", "`directions` are not directions among the layer's features.",
      expected = "a matrix with a row per direction and a column per feature", given = shown(directions)
    )
  }
  if (is.null(dim(directions))) {
    directions <- matrix(directions, 1)
  }
  as_numbers(directions)
}

# What the bridge returns -> a tibble of layers. Unknown numbers are -1, and missing kernels empty.
as_layer_table <- function(columns) {
  table <- from_columns(columns, list())
  table$n_features[table$n_features < 0] <- NA
  table$kernel_shape[!nzchar(table$kernel_shape)] <- NA
  table
}

# Columns -> a tibble; positions count from 0, names are codes into `levels`.
from_feature_columns <- function(columns, levels) {
  for (position in intersect(names(columns), c("image", "row", "col", "pixel", "kernel"))) {
    columns[[position]] <- columns[[position]] + 1L
  }
  from_columns(columns, lapply(levels, as.character))
}

# What the bridge returns -> a plain `layer_kernels` object.
as_layer_kernels <- function(value) {
  fields <- from_fields(value, "layer_kernels", list(kernel = from_positions(value$kernel)))
  tables <- lapply(value$tables, from_feature_columns, list(band = fields$bands))
  first <- c("values", "kernel", "tables", "bands", "wavelengths")
  structure(in_order(c(fields, list(tables = tables)), first), class = "layer_kernels")
}

# What the bridge returns -> a plain `feature_images` object.
as_feature_images <- function(value) {
  fields <- from_fields(value, "feature_images")
  dimnames(fields$trace) <- NULL
  derived <- list(
    contrast = named_numbers(value$contrast, fields$names, fields$bands),
    tables = lapply(value$tables, from_feature_columns, value$levels)
  )
  first <- c(
    "values", "feature", "image", "names", "activation_before", "activation_after", "trace", "contrast", "done",
    "restarts", "dead", "low", "high", "tables", "bands", "wavelengths"
  )
  structure(in_order(c(fields, derived), first), class = "feature_images")
}

# What the bridge returns -> a plain `layer_activations` object.
as_layer_activations <- function(value) {
  fields <- from_fields(value, "layer_activations")
  table <- from_feature_columns(value$tables$image, list(feature = fields$names))
  structure(
    in_order(c(fields, list(table = table)), c("values", "feature", "names", "table")),
    class = "layer_activations"
  )
}

# What the bridge returns -> a plain `top_images` object.
as_top_images <- function(value) {
  fields <- from_fields(value, "top_images", list(quantile = c("5%", "50%", "95%")))
  tables <- lapply(value$tables, from_feature_columns, list(feature = fields$names, band = fields$bands))
  first <- c(
    "index", "activation", "mean", "std", "values", "all_mean", "all_std", "quantile", "low", "high", "feature",
    "names", "tables"
  )
  structure(in_order(c(fields, list(tables = tables)), first), class = "top_images")
}

# One row per image x pixel x band, the band varying fastest.
feature_pixels <- function(object) {
  size <- dim(object$values)
  at <- every_position(size)
  own <- object$tables$feature[at[[1]], c("layer", "feature", "image")]
  tibble::tibble(
    own,
    row = at[[2]], col = at[[3]], band = from_codes(at[[4]] - 1L, object$bands),
    wavelength = object$wavelengths[at[[4]]], value = as.vector(aperm(object$values, 4:1))
  )
}

# One row per image x position x feature, the feature varying fastest.
activation_table <- function(object) {
  size <- dim(object$values)
  n_axes <- length(size)
  at <- every_position(size)
  positions <- stats::setNames(at[-c(1, n_axes)], pixel_names(n_axes - 2))
  tibble::tibble(
    image = at[[1]], !!!positions, feature = from_codes(at[[n_axes]] - 1L, object$names),
    activation = as.vector(aperm(object$values, n_axes:1))
  )
}

# Positions along each axis of an array, the last one varying fastest.
every_position <- function(size) {
  lapply(seq_along(size), function(axis) {
    rep(rep(seq_len(size[[axis]]), each = prod(size[-seq_len(axis)])), times = prod(size[seq_len(axis - 1)]))
  })
}

# Some of the images, by position from 1.
some_images <- function(object, at) {
  object <- unclass(object)
  n <- length(object$names)
  first_axis <- function(values) {
    do.call(`[`, c(list(values, at), rep(list(TRUE), max(length(dim(values)), 1) - 1), drop = FALSE))
  }
  for (field in c(fields_along("feature_images", "image"), "contrast")) {
    object[[field]] <- first_axis(object[[field]])
  }
  object$tables <- lapply(object$tables, function(table) {
    each <- nrow(table) / n
    table[rep((at - 1) * each, each = each) + rep(seq_len(each), length(at)), ]
  })
  structure(object, class = "feature_images")
}

# Results, and lists of them, as one list.
as_feature_list <- function(results) {
  results <- unlist(lapply(unname(results), function(one) {
    if (inherits(one, "feature_images_list")) unclass(one) else list(one)
  }), recursive = FALSE)
  others <- !vapply(results, inherits, NA, "feature_images")
  if (any(others)) {
    cause("result", "Only images of features can be put together.",
      expected = "results of `visualize_features()`", given = shown(results[others][[1]])
    )
  }
  structure(results, class = "feature_images_list")
}

# Tables with ordered factors, whose levels are those of all in the order they come.
bind_features <- function(tables) {
  columns <- lapply(stats::setNames(nm = names(tables[[1]])), function(name) {
    parts <- lapply(tables, `[[`, name)
    if (!is.factor(parts[[1]])) {
      return(unlist(parts))
    }
    factor(unlist(lapply(parts, as.character)), unique(unlist(lapply(parts, levels))), ordered = TRUE)
  })
  tibble::as_tibble(columns)
}
