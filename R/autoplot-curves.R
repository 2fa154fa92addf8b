# Attributions of a spectrum, or of an image with one axis of pixels, as lines.
#
# A spectrum has one line along its wavelengths or bands, below the spectrum itself where it is given. An input of
# numbers that are no spectrum, beside others, has bars. An image with one axis of pixels, such as a time series, has a
# panel per band with a line along that axis, all on one scale.

draw_map_spectrum <- function(object, values, facts, pictures, image, width, base_size) {
  room <- characters(width, base_size) - 10
  measured <- in_nm(object$wavelengths)
  few <- length(object$bands) <= named_bands
  attribution <- paste0("Attribution (", score_unit(object), ")")
  part <- function(values, panel) {
    tibble::tibble(
      place = if (measured) object$wavelengths else factor(object$bands, object$bands),
      run = if (measured) runs(object$wavelengths) else 0, value = as.vector(values), panel = panel
    )
  }
  panels <- c(if (!is.null(pictures)) "input", "attribution")
  table <- rbind(if (!is.null(pictures)) part(pictures[image, ], "input"), part(values, "attribution"))
  table$panel <- factor(table$panel, panels)
  # of several inputs, the one without pixels holds whatever is known of a place: nothing lies between two of these
  apart <- !is.null(object$input) && !measured
  # a line of a single band is a point
  alone <- stats::ave(table$value, table$run, table$panel, FUN = length) == 1
  dots <- if (few) table else table[alone, ]
  colour <- palette_colours("class")[[1]]
  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$place, .data$value, group = .data$run)) +
    ggplot2::geom_hline(
      ggplot2::aes(yintercept = .data$value),
      data = tibble::tibble(panel = factor("attribution", panels), value = 0), colour = ink("missing"), linewidth = 0.3
    ) +
    spectrum_shapes(apart, dots, colour, few) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(0.04)) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    (if (measured) nm_axis(object$wavelengths, room, base_size) else band_axis(object, room, expand = 0.3)) +
    ggplot2::labs(
      title = if (measured) "Attribution along the spectrum" else "Attribution of the bands",
      subtitle = map_subtitle(facts, width, base_size), y = if (is.null(pictures)) attribution
    )
  if (!is.null(pictures)) {
    titles <- ggplot2::as_labeller(c(input = if (apart) "Values" else "Spectrum", attribution = attribution))
    plot <- plot + ggplot2::facet_wrap("panel", ncol = 1, scales = "free_y", labeller = titles)
  }
  plot
}

# A line, and points where it has few; bars of what does not lie along a spectrum.
spectrum_shapes <- function(apart, dots, colour, few) {
  if (apart) {
    return(ggplot2::geom_col(fill = colour, width = 0.6))
  }
  list(
    ggplot2::geom_line(colour = colour, linewidth = 0.45),
    if (nrow(dots) > 0) ggplot2::geom_point(data = dots, colour = colour, size = if (few) 1.1 else 0.3)
  )
}

draw_map_positions <- function(object, values, facts, pictures, width, base_size) {
  if (!is.null(pictures)) {
    cause("option", "Images with one axis of pixels are not shown beside their attributions.", expected = "x = NULL",
      given = "`x`"
    )
  }
  shown <- shown_maps(values)
  n_pixels <- dim(values)[[2]]
  room <- characters(width, base_size) - 8
  columns <- max(1, min(floor(room / 18), ceiling(sqrt(length(shown)))))
  titles <- stats::setNames(wrap(map_names(object, shown), strip_width(room, columns) - 1), shown)
  table <- tibble::tibble(
    panel = factor(rep(shown, each = n_pixels), shown), pixel = rep(seq_len(n_pixels), length(shown)),
    value = as.vector(t(values[shown, , drop = FALSE]))
  )
  facts <- c(facts, if (length(shown) < length(object$bands)) maps_left_out(object, shown))
  ggplot2::ggplot(table, ggplot2::aes(.data$pixel, .data$value)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::geom_line(colour = palette_colours("class")[[1]], linewidth = 0.4) +
    ggplot2::facet_wrap("panel", ncol = columns, labeller = ggplot2::as_labeller(titles)) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(0.02)) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = "Attribution of each pixel, by band", subtitle = map_subtitle(facts, width, base_size),
      x = "Pixel", y = paste0("Attribution (", score_unit(object), ")")
    )
}
