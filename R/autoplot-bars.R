# Importance as bars with 95 % intervals, one panel per class: how much each band matters, and how sure that is.

draw_bars <- function(object, values, free, width, base_size) {
  if (!is.null(values)) {
    cause("option", "The picture \"bars\" prints no values.", expected = "values = NULL", given = shown(values))
  }
  table <- tidy(object)
  few <- length(object$bands) <= named_bands
  room <- characters(width, base_size) - 10
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  columns <- if (is.null(outputs)) panel_columns(length(classes), length(object$bands), room) else length(outputs)
  below <- if (min(table$importance, table$conf_low, na.rm = TRUE) < 0) 0.06 else 0
  beside <- if (free && is.null(outputs)) 5 else 1 # numbers of an axis
  note <- paste(c(
    interval_note("whiskers", table),
    if (free) if (is.null(outputs)) own_scales else "scales differ between rows of panels"
  ), collapse = "; ")

  ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$importance, fill = .data$band)) +
    ggplot2::geom_col(width = if (few) 0.8 else 1, show.legend = FALSE) +
    bar_intervals(table, few) +
    ggplot2::scale_fill_manual(values = band_colours(object$bands, object$wavelengths)) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(below, 0.06))) +
    theme_bandlens(base_size) +
    bar_panels(object, table, classes, outputs, columns, room, free) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    band_axis(object, room / columns - beside, expand = 0.6) +
    ggplot2::labs(
      title = "Importance of each band by class",
      subtitle = wrap_lines(plot_subtitle(object, table, note), width, base_size),
      y = paste0(mean_score(object), "\n(", score_unit(object), ")")
    )
}

# Whiskers; the points of single images, which have none.
bar_intervals <- function(table, few) {
  known <- table[!is.na(table$std_error), ]
  single <- table[table$n == 1, ]
  whiskers <- ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high)
  list(
    if (nrow(known) > 0) {
      if (few) {
        ggplot2::geom_errorbar(whiskers, data = known, width = 0.25, linewidth = 0.3, colour = ink("text"))
      } else {
        ggplot2::geom_linerange(whiskers, data = known, linewidth = 0.15, colour = ink("text"))
      }
    },
    if (nrow(single) > 0) {
      ggplot2::geom_point(data = single, size = if (few) 1.2 else 0.3, colour = ink("text"), show.legend = FALSE)
    }
  )
}

bar_panels <- function(object, table, classes, outputs, columns, room, free) {
  strip <- strip_width(room, columns)
  titles <- ggplot2::as_labeller(class_titles(table, classes, if (is.null(outputs)) strip else 14))
  scales <- if (free) "free_y" else "fixed"
  if (is.null(outputs)) {
    return(ggplot2::facet_wrap("class", ncol = columns, scales = scales, labeller = titles))
  }
  above <- ggplot2::as_labeller(output_titles(object, outputs, strip))
  ggplot2::facet_grid(
    rows = ggplot2::vars(.data$class), cols = ggplot2::vars(.data$output), scales = scales,
    labeller = ggplot2::labeller(.rows = titles, .cols = above)
  )
}
