# Panels and their titles, and what else the types share that have one panel per class or output.

# Each class with the number of its images, which is never broken over lines.
class_titles <- function(table, classes, width) {
  counts <- table$n[match(classes, table$class)]
  titles <- wrap(sprintf("%s (n\u00a0=\u00a0%d)", classes, counts), width)
  stats::setNames(gsub("\u00a0", " ", titles), classes)
}

output_titles <- function(object, outputs, width) {
  stats::setNames(wrap(paste(object$output, "of", outputs), width), outputs)
}

# a note for pictures whose panels can't be compared
own_scales <- "scales differ between panels"

# What intervals are over, and where there are none.
interval_note <- function(drawn, table) {
  unknown <- is.na(table$std_error)
  if (all(unknown)) {
    return("no interval from single images")
  }
  paste0(drawn, ": 95 % interval over ", interval_over(table), if (any(unknown)) ", none from single images")
}

# What the intervals of a table cover; tables that were saved before these columns know their images only.
interval_over <- function(table) {
  images <- table[["se_images"]]
  pooled <- !is.null(table[["se_runs"]])
  some_of <- function(errors) any(errors > 0, na.rm = TRUE)
  over <- if (!is.null(images) && all(is.na(images))) {
    "repeats"
  } else {
    c(if (!pooled || some_of(images)) "images", if (some_of(table[["se_background"]])) "background")
  }
  over <- c(if (pooled) "training runs", over)
  first <- utils::head(over, -1)
  paste(c(if (length(first) > 0) paste(first, collapse = ", "), utils::tail(over, 1)), collapse = " and ")
}

strip_width <- function(room, columns) floor(small_print * room / columns)

# The lines of a subtitle, broken where they are too long for a picture of this width.
wrap_lines <- function(text, width, base_size) {
  paste(wrap(strsplit(text, "\n", fixed = TRUE)[[1]], floor(characters(width, base_size))), collapse = "\n")
}

# How many bands the user wants to see: `top`, if it is a number of bands.
most_of <- function(top, n_bands) {
  if (is.null(top)) {
    return(n_bands)
  }
  if (!is_count(top)) {
    cause(
      "option", "The number of bands can't be shown.",
      expected = "`top`, a whole number from 1, or NULL", given = shown(top)
    )
  }
  min(top, n_bands)
}

# Colours of classes: those of the palette while there are enough, else all the first.
class_colours <- function(classes) {
  colours <- unname(palette_colours("class"))
  if (length(classes) > length(colours)) colours <- rep(colours[[1]], length(classes))
  stats::setNames(colours[seq_along(classes)], classes)
}
