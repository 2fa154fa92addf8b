# Results that have a shape of their own for each input of a model: one result per input, by its name.

#' Results by input
#'
#' Tables of importance hold the bands of all inputs of a model. Maps and images can't: inputs differ in their pixels.
#' For a model of several inputs, [band_maps()], [top_images()] and [visualize_features()] therefore give a result for
#' each input, as an object of class `by_input`: `maps$radar` is the `band_maps` of the input "radar", as of a model of
#' one input.
#'
#' @param object,x A `by_input`: a list of results, named by the inputs, in the model's order. For `autoplot()`, `x` are
#'   the images of all inputs, a list, named or in their order, where the picture of one input takes `x`.
#' @param input Name of the input whose result is drawn, or its position, from 1.
#' @param ... For `autoplot()`, arguments of the [`autoplot()`][ggplot2::autoplot()] of one input's result, such as
#'   [autoplot.band_maps()]; for `plot()`, passed on to `autoplot()`; for `tidy()`, such as `level`.
#' @param found For [autoplot.top_images()], the images by [visualize_features()] of all inputs.
#'
#' @returns `tidy()` gives the tables of all inputs, one below the other, with a column `input`; positions of pixels
#'   that an input does not have are `NA`. `as.array()` gives a named list of arrays, one for each input. `autoplot()`
#'   gives a [ggplot2::ggplot()] of one input.
#'
#' @details
#' `completeness` of maps is over all inputs together, as they explain one output.
#'
#' @examplesIf bandlens:::has_tensorflow()
#' keras <- reticulate::import("keras") # yours is made with keras3
#' optical <- keras$Input(list(6L, 6L, 3L), name = "optical")
#' radar <- keras$Input(list(3L, 3L, 2L), name = "radar")
#' pooled <- lapply(list(optical, radar), keras$layers$GlobalAveragePooling2D())
#' scores <- keras$layers$Dense(2L, activation = "softmax")(keras$layers$Concatenate()(pooled))
#' model <- keras$Model(list(optical, radar), scores)
#' x <- list(optical = array(runif(4 * 108), c(4, 6, 6, 3)), radar = array(runif(4 * 18), c(4, 3, 3, 2)))
#'
#' maps <- band_maps(model, x, bands = list(optical = c("red", "green", "nir"), radar = c("VV", "VH")))
#' maps
#' tidy(maps$radar)
#' autoplot(maps, "radar", x = x)
#' @name by_input
NULL

# What the bridge returns -> a result, or for a model of several inputs one for each.
as_by_input <- function(value, convert) {
  if (is.null(value$results)) {
    return(convert(value))
  }
  structure(stats::setNames(lapply(value$results, convert), as.character(value$inputs)), class = "by_input")
}

#' @rdname by_input
#' @export
tidy.by_input <- function(x, ...) {
  tables <- lapply(x, tidy, ...)
  longest <- tables[[which.max(lengths(tables))]]
  columns <- unique(c(names(longest), unlist(lapply(tables, names))))
  before <- intersect(c("row", "pixel", "pixel_1", "band"), columns)
  own <- if (length(before) > 0) match(before[[1]], columns) - 1 else 0
  bands <- unique(unlist(lapply(x, `[[`, "bands")))
  found <- lapply(names(x), function(name) {
    table <- tables[[name]]
    for (column in setdiff(columns, names(table))) table[[column]] <- NA_integer_
    if ("band" %in% columns) table$band <- factor(as.character(table$band), bands, ordered = TRUE)
    table$input <- factor(rep(name, nrow(table)), names(x), ordered = TRUE)
    table[append(columns, "input", own)]
  })
  do.call(rbind, found)
}

#' @rdname by_input
#' @export
as.array.by_input <- function(x, ...) {
  lapply(unclass(x), as.array)
}

#' @export
as.data.frame.by_input <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @rdname by_input
#' @export
autoplot.by_input <- function(object, input = 1, ..., x = NULL, found = NULL) {
  chosen <- in_verb("draw the picture", {
    name <- as_input_name(input, names(object))
    list(name = name, x = of_input(x, name, object, "x"), found = of_input(found, name, object, "found"))
  })
  result <- object[[chosen$name]]
  # by their names, so that an error shows the call and not its data
  images <- chosen$x
  made <- chosen$found
  if (is.null(images) && is.null(made)) {
    autoplot(result, ...)
  } else if (is.null(made)) {
    autoplot(result, ..., x = images)
  } else if (is.null(images)) {
    autoplot(result, ..., found = made)
  } else {
    autoplot(result, ..., x = images, found = made)
  }
}

#' @rdname by_input
#' @export
plot.by_input <- function(x, input = 1, ...) {
  drawn <- autoplot(x, input, ...)
  print(drawn)
  invisible(drawn)
}

#' @export
print.by_input <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.by_input <- function(x, ...) {
  parts <- unlist(lapply(unclass(x), format, ...), use.names = FALSE)
  last <- startsWith(cli::ansi_strip(parts), "# ")
  c(
    cli::style_bold(paste0("Results for each of ", count(length(x), "input"), ": ", paste(names(x), collapse = ", "))),
    parts[!last],
    cli::col_grey(paste0("# $", names(x)[[1]], " is that of one input, tidy() a table of all"))
  )
}

# Name of an input that there is.
as_input_name <- function(given, names) {
  if (rlang::is_string(given) && given %in% names) {
    return(given)
  }
  if (!is_count(given) || given > length(names)) {
    cause("option", "There is no such input.",
      expected = paste0(paste0("\"", names, "\"", collapse = " or "), ", or its position, from 1 to ", length(names)),
      given = shown(given), fix = if (is.character(given)) nearest(given, names)
    )
  }
  names[[given]]
}

# What is given for one input.
of_input <- function(given, name, object, argument) {
  if (is.null(given)) {
    return(NULL)
  }
  known <- is.list(given) && (name %in% names(given) || is.null(names(given)) && length(given) == length(object))
  if (!known) {
    cause("input", paste0("`", argument, "` holds nothing for the input \"", name, "\"."),
      expected = paste0("a list with an entry for each of ", paste0("\"", names(object), "\"", collapse = ", ")),
      given = shown(given)
    )
  }
  given[[if (is.null(names(given))) match(name, names(object)) else name]]
}
