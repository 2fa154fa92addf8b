# Importance in each training run, a panel per class: how far trainings agree, and what is known of their mean.

runs_spread <- 0.34 # of the room of a band, how much the points of the runs take, left of its middle
runs_aside <- 0.24 # and where their mean stands, right of it

draw_runs <- function(object, free, width, base_size) {
  table <- tidy(object)
  runs <- tidy(object, "run")
  k <- length(object$runs)
  few <- length(object$bands) <= named_bands
  right <- if (few) runs_aside else 0
  table$place <- as.integer(table$band) + right
  runs$place <- as.integer(runs$band)
  if (few) {
    beside <- (as.integer(runs$run) - 1) / max(k - 1, 1)
    runs$place <- runs$place - runs_spread + (runs_spread + 0.08) * beside
  }
  room <- characters(width, base_size) - 10
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  columns <- if (is.null(outputs)) panel_columns(length(classes), length(object$bands), room) else length(outputs)
  beside <- if (free && is.null(outputs)) 5 else 1 # numbers of an axis
  known <- table[!is.na(table$std_error), ]
  note <- paste(c(
    runs_note(k, table),
    if (free) if (is.null(outputs)) own_scales else "scales differ between rows of panels"
  ), collapse = "; ")

  ggplot2::ggplot(runs, ggplot2::aes(.data$place, .data$importance)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (few) run_points(object, table, known) else run_lines(table, known)) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.03, 0.06))) +
    theme_bandlens(base_size) +
    bar_panels(object, table, classes, outputs, columns, room, free) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    placed_axis(object, room / columns - beside) +
    ggplot2::labs(
      title = "Importance of each band by class, in each training run",
      subtitle = wrap_lines(plot_subtitle(object, table, note), width, base_size),
      y = paste0(mean_score(object), "\n(", score_unit(object), ")")
    )
}

# Runs as points of the band's colour, their mean with its interval beside them.
run_points <- function(object, table, known) {
  interval <- ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high)
  list(
    ggplot2::geom_point(
      ggplot2::aes(colour = .data$band),
      size = 1.4, alpha = 0.6, stroke = 0, shape = 16, show.legend = FALSE
    ),
    ggplot2::scale_colour_manual(values = band_colours(object$bands, object$wavelengths)),
    if (nrow(known) > 0) ggplot2::geom_linerange(interval, data = known, linewidth = 0.5, colour = ink("text")),
    ggplot2::geom_point(data = table, size = 1.5, stroke = 0, shape = 16, colour = ink("text"))
  )
}

# Of many bands, runs as light lines, their mean as a dark one on its interval.
run_lines <- function(table, known) {
  interval <- ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high)
  list(
    if (nrow(known) > 0) ggplot2::geom_ribbon(interval, data = known, fill = ink("text"), alpha = 0.2),
    ggplot2::geom_line(
      ggplot2::aes(group = .data$run),
      colour = palette_colours("class")[[2]], linewidth = 0.2, alpha = 0.6
    ),
    ggplot2::geom_line(data = table, colour = ink("text"), linewidth = 0.4)
  )
}

# What is light and what is dark, and what intervals are over.
runs_note <- function(k, table) {
  unknown <- is.na(table$std_error)
  paste0(
    "light: ", k, " training runs; dark: their mean",
    if (!all(unknown)) paste(" and 95 % interval over", interval_over(table)),
    if (any(unknown) && !all(unknown)) ", none from single images"
  )
}

# The axis of bands, where points stand at numbers.
placed_axis <- function(object, room) {
  parts <- band_axis(object, room)
  ticks <- band_ticks(object$bands, object$wavelengths)
  parts[[1]] <- ggplot2::scale_x_continuous(
    breaks = ticks$positions, labels = parts[[1]]$labels, limits = c(0.4, length(object$bands) + 0.6), expand = c(0, 0)
  )
  parts
}
