# Shares with intervals over images and background samples, a panel per class, to see which differences would last.

# Shares of importance with 95 % intervals, by class; above them, how often the band is ranked first.
draw_stability <- function(object, width = 175, base_size = 8) {
  table <- tidy(object)
  shares <- c("share", "share_low", "share_high")
  table[shares] <- 100 * table[shares]
  table$band <- bands_in_words(table)
  bands <- levels(table$band)
  axis <- list(bands = bands, wavelengths = table$wavelength[match(bands, table$band)])
  few <- length(bands) <= named_bands
  room <- characters(width, base_size) - 8
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  columns <- if (is.null(outputs)) panel_columns(length(classes), length(bands), room) else length(outputs)
  pitch <- room / columns - 1

  known <- table[!is.na(table$share_low), ]
  often <- known[round(known$first, 2) > 0, ]
  often$text <- sprintf("%.0f", 100 * often$first)
  printed <- few && nrow(often) > 0 && pitch / length(bands) > 1.7 # two digits

  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$share, colour = .data$band)) +
    ggplot2::geom_point(size = if (few) 1.3 else 0.3, show.legend = FALSE, na.rm = TRUE) +
    ggplot2::scale_colour_manual(values = band_colours(bands, axis$wavelengths)) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.03, if (printed) 0.14 else 0.06))) +
    ggplot2::expand_limits(y = 0) +
    theme_bandlens(base_size) +
    stability_panels(classes, outputs, columns, floor(small_print * room / columns)) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    band_axis(axis, pitch, expand = 0.6) +
    ggplot2::labs(
      title = "Stability of the share of each band",
      subtitle = paste(c(
        stability_subtitle(object$facts, table, nrow(known) > 0, printed, floor(characters(width, base_size))),
        wrap(contradicted_classes(object), floor(characters(width, base_size)))
      ), collapse = "\n"),
      y = "Share (%)"
    )
  if (nrow(known) > 0) {
    plot <- plot + ggplot2::geom_linerange(
      ggplot2::aes(ymin = .data$share_low, ymax = .data$share_high),
      data = known, linewidth = if (few) 0.6 else 0.2, show.legend = FALSE
    )
  }
  if (printed) {
    plot <- plot + ggplot2::geom_text(
      ggplot2::aes(y = .data$share_high, label = .data$text),
      data = often, vjust = 0, nudge_y = 0.02 * max(known$share_high), size = small_print * base_size / ggplot2::.pt,
      colour = ink("text")
    )
  }
  plot
}

stability_panels <- function(classes, outputs, columns, strip) {
  titles <- stats::setNames(wrap(classes, if (is.null(outputs)) strip else 14), classes)
  if (is.null(outputs)) {
    return(ggplot2::facet_wrap("class", ncol = columns, labeller = ggplot2::as_labeller(titles)))
  }
  above <- stats::setNames(wrap(paste("output", outputs), strip), outputs)
  ggplot2::facet_grid(
    rows = ggplot2::vars(.data$class), cols = ggplot2::vars(.data$output),
    labeller = ggplot2::labeller(.rows = ggplot2::as_labeller(titles), .cols = ggplot2::as_labeller(above))
  )
}

# Which classes' first bands the resamples contradict; none in checks that earlier versions have saved.
contradicted_classes <- function(object) {
  rank <- object$tables$rank
  names <- unique(as.character(rank$class[rank[["outcome"]] %in% "outlier"]))
  if (length(names) > 0) {
    more <- if (length(names) > 5) paste(" and", length(names) - 5, "more")
    paste0("resamples contradict the table's first band for: ", paste(utils::head(names, 5), collapse = ", "), more)
  }
}

stability_subtitle <- function(facts, table, intervals, printed, width) {
  source <- paste0(
    display_name("method", facts$method), ", ", display_name("statistic", facts$statistic), ", ",
    if (own_output(table)) paste("class", facts$output) else facts$output, "; n = ", facts$images, " images",
    if (facts$backgrounds > 0) {
      sprintf(", %d background images drawn %d times", facts$n_background, facts$backgrounds)
    }
  )
  over <- sub("background", "background samples", paste(facts$resampled, collapse = " and "), fixed = TRUE)
  note <- paste0(
    if (intervals) paste("lines: 95 % interval over", over) else "no interval from single images",
    if (printed) "; numbers: in how many % of resamples the band is first"
  )
  paste(wrap(c(source, note), width), collapse = "\n")
}
