# Class x band tiles: what the types have in common that show one number per cell as a colour.

# of what, the picture knows
own_colours <- function(what) {
  sprintf("colours can't be compared between %1$ss: each %1$s has its own scale, up to its largest", what)
}

# What shows one class for itself: a row of tiles, or where these are bands and steps, a panel.
alone <- function(object) if (!is.null(object$times) && any(nzchar(object$bands))) "panel" else "row"

# Values as parts of the largest of their row; where that is 0, all are 0.
of_largest <- function(table, column) {
  largest <- stats::ave(abs(table[[column]]), table$class, table$output, drop = TRUE, FUN = function(values) {
    if (all(is.na(values))) NA else max(values, na.rm = TRUE)
  })
  table[[column]] / ifelse(!is.na(largest) & largest == 0, 1, largest)
}

# Tiles are filled by the column `value` from a sequential or diverging palette whose ends are `limits`; the column
# `text` is printed in them (`values = NULL`: where it fits and every band is named). One facet per output where several
# are explained.
draw_tiles <- function(object, table, palette, limits, values, width, base_size) {
  if (!is.null(object$times)) {
    return(draw_time_tiles(object, table, palette, limits, values, width, base_size))
  }
  n_bands <- length(object$bands)
  room <- characters(width, base_size)
  classes <- present(table$class)
  names <- wrap(classes, floor(min(0.35 * room, 30)))
  room <- room - longest(names) - 2
  outputs <- if (several_outputs(table)) present(table$output)
  inputs <- unique(object$inputs)
  columns <- if (is.null(inputs)) panel_columns(max(length(outputs), 1), n_bands, room) else 1
  tile <- room / columns / n_bands

  axis <- tile_axis(object, room / columns)
  # names may come again in another input, so that bands stand by their places there
  if (!is.null(inputs)) table$band <- rep_len(seq_len(n_bands), nrow(table))
  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$class)) +
    ggplot2::geom_tile(
      ggplot2::aes(fill = .data$value),
      colour = if (tile > 2) ink("paper") else NA, linewidth = 0.3
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours(palette)), limits = limits, na.value = ink("missing"),
      guide = colour_bar()
    ) +
    ggplot2::scale_y_discrete(limits = rev(classes), labels = rev(names), expand = c(0, 0)) +
    theme_bandlens(base_size) +
    axis +
    ggplot2::labs(y = NULL)

  plot <- plot + tile_texts(table[!is.na(table$value), ], n_bands, palette, limits, values, tile, base_size)
  if (!is.null(inputs)) {
    return(plot + input_panels(object, inputs, outputs, room))
  }
  if (!is.null(outputs)) {
    titles <- wrap(paste(object$output, "of", outputs), floor(small_print * room / columns))
    titles <- ggplot2::as_labeller(stats::setNames(titles, outputs))
    plot <- plot + ggplot2::facet_wrap("output", ncol = columns, labeller = titles)
  }
  plot
}

tile_axis <- function(object, room) {
  axis <- band_axis(object, room)
  if (!is.null(object$inputs)) {
    places <- band_ticks(object$bands, object$wavelengths)$positions
    axis[[1]] <- ggplot2::scale_x_continuous(breaks = places, labels = axis[[1]]$labels, expand = c(0, 0))
  }
  axis
}

# Values in tiles that are so many characters wide.
tile_texts <- function(known, n_bands, palette, limits, values, tile, base_size) {
  printed <- longest(known$text) + 1
  if (!(if (is.null(values)) n_bands <= named_bands && 0.85 * printed <= tile else values)) {
    return(NULL)
  }
  known$ink <- text_on(ramp(palette, (known$value - limits[[1]]) / (limits[[2]] - limits[[1]])))
  list(
    ggplot2::geom_text(
      ggplot2::aes(label = .data$text, colour = .data$ink),
      data = known, size = (if (printed <= tile) small_print else 0.75) * base_size / ggplot2::.pt
    ),
    ggplot2::scale_colour_identity()
  )
}

# A panel per input, as wide as its bands, and where several outputs are explained a row for each.
input_panels <- function(object, inputs, outputs, room) {
  widths <- vapply(inputs, function(name) floor(small_print * room * mean(object$inputs == name)), 0)
  above <- stats::setNames(mapply(wrap, inputs, pmax(widths, 1)), inputs)
  beside <- if (!is.null(outputs)) ggplot2::as_labeller(output_titles(object, outputs, 16))
  ggplot2::facet_grid(
    rows = if (!is.null(outputs)) ggplot2::vars(.data$output), cols = ggplot2::vars(.data$input),
    scales = "free_x", space = "free_x",
    labeller = ggplot2::labeller(.rows = beside, .cols = ggplot2::as_labeller(above))
  )
}
