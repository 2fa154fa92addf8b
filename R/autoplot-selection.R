# How right a model is against the number of its bands, with the band that each step brings and other sensors.

selection_titles <- c(accuracy = "Accuracy", log_loss = "Log-likelihood", squared_error = "Negative squared error")
selection_orders <- c(
  forward = "each point: the band that was added", backward = "each point: the band that was removed last",
  importance = "each point: the next band in the order of importance"
)
most_named_steps <- 20 # up to here each step is named

#' @rdname select_bands
#' @inheritParams autoplot.band_importance
#' @export
autoplot.band_selection <- function(object, ..., width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    draw_selection(object, width, base_size)
  })
}

#' @export
plot.band_selection <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

draw_selection <- function(object, width, base_size) {
  table <- tidy(object)
  sensors <- tidy(object, "sensor")
  extent <- diff(range(table$conf_low, table$conf_high, table$estimate, sensors$estimate, na.rm = TRUE))
  extent <- if (extent > 0) extent else 1
  paint <- palette_colours("band")[[1]]
  table$text <- ifelse(is.na(table$band), "all", as.character(table$band))
  table$place <- pmin(table$estimate, table$conf_low, na.rm = TRUE) - 0.04 * extent
  longest <- if (nrow(table) <= most_named_steps) max(nchar(table$text)) else 0
  text_size <- small_print * base_size / ggplot2::.pt
  ggplot2::ggplot(table, ggplot2::aes(.data$n_bands, .data$estimate)) +
    ggplot2::geom_hline(yintercept = table$estimate[nrow(table)], colour = ink("subtle"), linetype = "dotted") +
    ggplot2::geom_ribbon(
      ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high),
      data = table[!is.na(table$conf_low), ], fill = paint, alpha = 0.2
    ) +
    ggplot2::geom_line(colour = paint, linewidth = 0.5) +
    ggplot2::geom_point(colour = paint, size = 1.2) +
    ggplot2::geom_point(data = table[table$knee, ], colour = paint, shape = 1, size = 4) +
    (if (longest > 0) {
      ggplot2::geom_text(
        ggplot2::aes(y = .data$place, label = .data$text),
        angle = 90, hjust = 1, size = text_size, colour = ink("text")
      )
    }) +
    sensor_points(sensors, nrow(table), extent, text_size) +
    ggplot2::scale_x_continuous(
      breaks = seq(1, nrow(table), by = ceiling(nrow(table) / most_named_steps)),
      expand = ggplot2::expansion(mult = 0.06)
    ) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.03 + 0.022 * longest, 0.08))) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = "How few bands suffice?", subtitle = wrap(selection_note(object), floor(characters(width, base_size))),
      x = "Bands", y = selection_titles[[object$metric]]
    )
}

# Sensors with their names, which run towards the middle.
sensor_points <- function(sensors, n_bands, extent, size) {
  if (nrow(sensors) == 0) {
    return(NULL)
  }
  paint <- palette_colours("band")[[5]]
  list(
    ggplot2::geom_point(data = sensors, colour = paint, shape = 18, size = 2.5),
    ggplot2::geom_text(
      ggplot2::aes(label = .data$sensor, hjust = ifelse(.data$n_bands > n_bands / 2, 1, 0)),
      data = sensors, nudge_y = 0.05 * extent, vjust = 0, size = size, colour = paint
    )
  )
}

selection_note <- function(x) {
  how <- if (x$retrained) {
    paste0("models trained for each set of bands, ", x$repeats, " x ", x$folds, " folds")
  } else {
    paste0("not trained again: other bands from ", x$n_background, " background images each")
  }
  paste0(
    "n = ", nrow(x$qualities), " images; ", how, "; ", selection_orders[[x$method]],
    "; shaded: 95 % interval; dotted: all bands; circled: ", x$knee,
    " bands, the fewest within one standard error of the best",
    if (length(x$sensors) > 0) "; diamonds: bands nearest to those of a sensor"
  )
}
