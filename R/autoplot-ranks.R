# Bands in order of importance, a row of tiles per class: who comes first, second, third, and whether classes agree.
#
# A tile has the colour and the name of its band, so that a band can be followed from class to class by its colour.
# Where there are many bands only the first few are shown, by their wavelengths, and the colours tell parts of the
# spectrum.

many_ranks <- 10 # shown where there are more bands than are named on an axis
few_ranks <- 5 # as many are always shown, in smaller print if need be

draw_ranks <- function(object, top, values, width, base_size) {
  table <- tidy(object)
  n_bands <- length(object$bands)
  named <- n_bands <= named_bands
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  room <- characters(width, base_size)
  names <- wrap(classes, floor(min(0.35 * room, 30)))
  room <- room - longest(names) - 2

  by_nm <- !named && !anyNA(object$wavelengths)
  texts <- if (by_nm) sprintf("%.0f", object$wavelengths) else wrap(object$bands, 1)
  needed <- 0.85 * (longest(texts) + 1)
  ranks <- most_of(top, n_bands)
  if (is.null(top)) {
    ranks <- min(n_bands, if (named) named_bands else many_ranks, max(floor(room / needed), few_ranks))
  }
  columns <- max(1, min(length(outputs), floor(room / (needed * ranks))))
  tile <- room / columns / ranks
  if (!by_nm) texts <- wrap(object$bands, max(floor(tile / 0.85) - 1, 1))
  size <- base_size * min(max(tile / (longest(texts) + 1), 0.6), small_print)
  printed <- if (is.null(values)) 0.85 * nchar("100 %") <= tile else values

  table <- table[table$rank <= ranks, ]
  fills <- band_colours(object$bands, object$wavelengths)
  known <- table[!is.na(table$share), ]
  known$text <- paste0(texts[as.integer(known$band)], if (printed) sprintf("\n%.0f %%", 100 * known$share))
  known$ink <- text_on(fills[as.integer(known$band)])
  note <- paste0(
    if (printed) "below each name: share of importance" else "1: most important",
    if (ranks < n_bands) sprintf("; first %d of %d bands", ranks, n_bands)
  )

  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$rank, .data$class)) +
    ggplot2::geom_tile(
      ggplot2::aes(fill = .data$band),
      data = known, colour = ink("paper"), linewidth = 0.3,
      show.legend = TRUE # ggplot2 3.5 leaves keys of bands blank that are in no tile
    ) +
    ggplot2::geom_text(
      ggplot2::aes(label = .data$text, colour = .data$ink),
      data = known, size = size / ggplot2::.pt, lineheight = 1
    ) +
    ggplot2::scale_colour_identity() +
    ggplot2::scale_x_continuous(breaks = seq_len(ranks), limits = c(0.5, ranks + 0.5), expand = c(0, 0)) +
    ggplot2::scale_y_discrete(limits = rev(classes), labels = rev(names), expand = c(0, 0)) +
    theme_bandlens(base_size) +
    ggplot2::theme(legend.key.width = ggplot2::unit(2 * base_size, "pt")) +
    ggplot2::labs(
      title = "Bands in order of importance, by class",
      subtitle = wrap_lines(plot_subtitle(object, tidy(object), note), width, base_size),
      x = "Rank", y = NULL
    ) +
    colour_key(object, fills, named, width, base_size)
  if (is.null(outputs)) {
    return(plot)
  }
  titles <- output_titles(object, outputs, strip_width(room, columns))
  plot + ggplot2::facet_wrap("output", ncol = columns, labeller = ggplot2::as_labeller(titles))
}

# Fills of the bands; where they are many, with a key to the colours, which follow the spectrum.
colour_key <- function(object, fills, named, width, base_size) {
  if (named) {
    return(ggplot2::scale_fill_manual(values = fills, guide = "none"))
  }
  ticks <- band_ticks(object$bands, object$wavelengths)
  needed <- (longest(ticks$labels) + 6) * length(ticks$labels)
  if (needed >= 2 * characters(width, base_size)) { # names of bands at steps are too long for a key
    return(ggplot2::scale_fill_manual(values = fills, guide = "none"))
  }
  rows <- if (needed < characters(width, base_size)) 1 else 2
  ggplot2::scale_fill_manual(
    name = ticks$title, values = fills, limits = object$bands,
    breaks = object$bands[ticks$positions], labels = ticks$labels, guide = key_guide(rows)
  )
}

# Keys with their title on top, filled column by column.
key_guide <- function(rows) {
  if (guides_by_theme()) {
    ggplot2::guide_legend(nrow = rows)
  } else {
    ggplot2::guide_legend(nrow = rows, title.position = "top", title.hjust = 0.5)
  }
}
