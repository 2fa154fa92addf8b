# Importance as bars with 95 % intervals, one panel per class: how much each band matters, and how sure that is.

draw_bars <- function(object, values, width, base_size) {
  if (!is.null(values)) {
    cause("option", "The picture \"bars\" prints no values.", expected = "values = NULL", given = shown(values))
  }
  table <- tidy(object)
  few <- length(object$bands) <= named_bands
  room <- characters(width, base_size) - 10
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  columns <- if (is.null(outputs)) panel_columns(length(classes), length(object$bands), room) else length(outputs)
  strip <- floor(small_print * room / columns)
  counts <- table$n[match(classes, table$class)]
  # The number of images is never broken over lines.
  titles <- wrap(sprintf("%s (n\u00a0=\u00a0%d)", classes, counts), if (is.null(outputs)) strip else 14)
  titles <- ggplot2::as_labeller(stats::setNames(gsub("\u00a0", " ", titles), classes))
  facets <- if (is.null(outputs)) {
    ggplot2::facet_wrap("class", ncol = columns, labeller = titles)
  } else {
    above <- stats::setNames(wrap(paste(object$output, "of", outputs), strip), outputs)
    ggplot2::facet_grid(
      rows = ggplot2::vars(.data$class), cols = ggplot2::vars(.data$output),
      labeller = ggplot2::labeller(.rows = titles, .cols = ggplot2::as_labeller(above))
    )
  }
  below <- if (min(table$importance, table$conf_low, na.rm = TRUE) < 0) 0.06 else 0
  known <- table[!is.na(table$std_error), ]

  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$importance, fill = .data$band)) +
    ggplot2::geom_col(width = if (few) 0.8 else 1, show.legend = FALSE) +
    ggplot2::scale_fill_manual(values = band_colours(object$bands, object$wavelengths)) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(below, 0.06))) +
    theme_bandlens(base_size) +
    facets +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    band_axis(object, room / columns - 1, expand = 0.6) +
    ggplot2::labs(
      title = "Importance of each band by class",
      subtitle = plot_subtitle(
        object, table,
        if (nrow(known) > 0) "whiskers: 95 % confidence interval" else "no interval from single images"
      ),
      y = paste0(mean_score(object), "\n(", score_unit(object), ")")
    )
  if (nrow(known) == 0) {
    return(plot)
  }
  whiskers <- ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high)
  plot + if (few) {
    ggplot2::geom_errorbar(whiskers, data = known, width = 0.25, linewidth = 0.3, colour = ink("text"))
  } else {
    ggplot2::geom_linerange(whiskers, data = known, linewidth = 0.15, colour = ink("text"))
  }
}
