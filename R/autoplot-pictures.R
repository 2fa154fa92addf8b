# Images side by side: what grids of features, kernels, activations and top images have in common.

full_colour <- 0.99 # quantile of deviations from the middle at which colours end; single pixels beyond are as colourful
most_images <- 64 # in one picture

# Positions of the bands shown as red, green and blue. "strongest": the three with the largest sum of `contrast` (images
# x bands), the longest wavelength, else the last band, as red.
rgb_bands <- function(object, rgb, contrast) {
  if (is.null(rgb)) {
    return(composite_bands(object$bands, object$wavelengths))
  }
  if (!identical(rgb, "strongest")) {
    return(as_rgb(rgb, object$bands))
  }
  if (length(object$bands) < 3) {
    cause("bands", "There are no three bands to choose from.", expected = "three bands or more",
      given = count(length(object$bands), "band")
    )
  }
  strongest <- sort(order(-colSums(contrast, na.rm = TRUE))[1:3])
  place <- object$wavelengths[strongest]
  if (anyNA(place)) {
    place <- strongest
  }
  strongest[order(-place)]
}

# Which bands are red, green and blue, as a note.
rgb_note <- function(object, chosen) {
  names <- map_names(object, chosen)
  if (length(unique(chosen)) == 1) {
    return(paste("grey:", names[[1]]))
  }
  if (identical(tolower(names), primaries)) {
    return("colours: red, green, blue")
  }
  false <- false_colours(object, chosen)
  if (is.null(false)) paste("red, green, blue:", paste(names, collapse = ", ")) else false
}

stretch_note <- function(stretch) {
  ends <- if (stretch == "image") "each image's largest deviations" else "the ends of the bands' ranges"
  paste("mid-grey: middle of the bands' ranges; full colours:", ends)
}

# Images (images x rows x cols x bands) as differences from the middle of each band's range, in parts of it.
in_range <- function(values, low, high) {
  span <- ifelse(high > low, high - low, 1)
  sweep(sweep(values, 4, (low + high) / 2), 4, span, "/")
}

# From 0 to 1: the middle of each band's range is 0.5. "range": its ends are 0 and 1. "image": the largest deviations
# from the middle within an image are, by one factor for all bands, so that bands can be compared and faint images seen.
range_brightness <- function(values, low, high, stretch) {
  inside <- in_range(values, low, high)
  if (stretch == "image") {
    largest <- apply(abs(inside), 1, stats::quantile, full_colour, names = FALSE)
    inside <- sweep(inside, 1, ifelse(largest > 0, 2 * largest, 1), "/")
  }
  pmin(pmax(0.5 + inside, 0), 1)
}

# Colours of pixels, images x rows x cols, from three channels from 0 to 1 on the last axis.
hexes <- function(bright) {
  size <- dim(bright)
  # The tiny offset makes halves round up here and in Python alike.
  channels <- matrix(as.integer(floor(255 * bright + 0.5 + 1e-6)), ncol = 3)
  array(sprintf("#%02X%02X%02X", channels[, 1], channels[, 2], channels[, 3]), size[1:3])
}

# One row per panel and pixel of images (images x rows x cols), in `column`; rows count downwards.
pixel_table <- function(panels, images, column) {
  size <- dim(images)
  table <- map_pixels(panels, size[-1])
  table$panel <- factor(table$panel, panels)
  table[[column]] <- as.vector(aperm(images, c(2, 3, 1)))
  table
}

# Refuse pictures that nobody could read.
check_most <- function(n, what, fix, most = most_images) {
  if (n > most) {
    cause("option", paste0("There are too many ", what, " for one picture."), expected = paste("at most", most),
      given = as.character(n), fix = fix
    )
  }
}

refuse_spectra <- function(size) {
  if (prod(size) == 1) {
    cause("result", "Spectra are no pictures.", expected = "type = \"spectrum\"")
  }
}

# Images in panels, each with a title: colours as they are, or values for the scale of fill.
draw_images <- function(table, titles, title, notes, width, base_size, columns = NULL, scale = NULL, fill = NULL) {
  room <- characters(width, base_size)
  if (is.null(columns)) {
    columns <- map_columns(length(titles), room)
  }
  wrapped <- stats::setNames(wrap(titles, max(strip_width(room, columns) - 1, 3)), names(titles))
  mapping <- ggplot2::aes(fill = .data[[if (is.null(scale)) "colour" else "value"]])
  # tiles, since images in files differ from machine to machine
  few <- max(table$col, -table$row) <= most_tiles
  ggplot2::ggplot(table, ggplot2::aes(.data$col, .data$row)) +
    (if (few) ggplot2::geom_tile(mapping) else ggplot2::geom_raster(mapping)) +
    ggplot2::facet_wrap("panel", ncol = columns, drop = FALSE, labeller = ggplot2::as_labeller(wrapped)) +
    (if (is.null(scale)) ggplot2::scale_fill_identity() else scale) +
    ggplot2::scale_x_continuous(expand = c(0, 0)) +
    ggplot2::scale_y_continuous(expand = c(0, 0)) +
    ggplot2::coord_fixed() +
    theme_bandlens(base_size) +
    ggplot2::theme(
      axis.text = ggplot2::element_blank(), axis.ticks = ggplot2::element_blank(), strip.clip = "off"
    ) +
    ggplot2::labs(
      title = title, subtitle = wrap_lines(paste(notes, collapse = "\n"), width, base_size), x = NULL, y = NULL,
      fill = fill
    )
}

# The diverging scale, symmetric about zero; `between` is the colour of what has no value.
signed_scale <- function(limit, between = "grey50") {
  end <- scale_tick(limit)
  ggplot2::scale_fill_gradientn(
    colours = unname(palette_colours("signed")), limits = c(-1, 1) * limit, breaks = c(-end, 0, end),
    labels = sprintf("%.4g", c(-end, 0, end)), na.value = between, guide = colour_bar()
  )
}
