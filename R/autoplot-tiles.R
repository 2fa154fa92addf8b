# Class x band tiles: what the types have in common that show one number per cell as a colour.

# of what, the picture knows
own_colours <- "colours can't be compared between rows: each row has its own scale, up to its largest"

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
  n_bands <- length(object$bands)
  room <- characters(width, base_size)
  classes <- present(table$class)
  names <- wrap(classes, floor(min(0.35 * room, 30)))
  room <- room - longest(names) - 2
  outputs <- if (several_outputs(table)) present(table$output)
  columns <- panel_columns(max(length(outputs), 1), n_bands, room)
  tile <- room / columns / n_bands

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
    band_axis(object, room / columns) +
    ggplot2::labs(y = NULL)

  known <- table[!is.na(table$value), ]
  printed <- longest(known$text) + 1
  if (if (is.null(values)) n_bands <= named_bands && 0.85 * printed <= tile else values) {
    known$ink <- text_on(ramp(palette, (known$value - limits[[1]]) / (limits[[2]] - limits[[1]])))
    plot <- plot +
      ggplot2::geom_text(
        ggplot2::aes(label = .data$text, colour = .data$ink),
        data = known, size = (if (printed <= tile) small_print else 0.75) * base_size / ggplot2::.pt
      ) +
      ggplot2::scale_colour_identity()
  }
  if (!is.null(outputs)) {
    titles <- wrap(paste(object$output, "of", outputs), floor(small_print * room / columns))
    titles <- ggplot2::as_labeller(stats::setNames(titles, outputs))
    plot <- plot + ggplot2::facet_wrap("output", ncol = columns, labeller = titles)
  }
  plot
}
