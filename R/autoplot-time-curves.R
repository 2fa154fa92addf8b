# When a band matters: importance along time, a panel per band and a line per class with its 95 % interval.
#
# Of sums over bands there is one panel, or one per input. Bands of inputs without steps have no line.

draw_time_curves <- function(object, top, bands, free, width, base_size) {
  table <- tidy(object)
  every <- cell_names(list(bands = object$bands, inputs = object$inputs))
  table$panel <- rep_len(every, nrow(table))
  table$place <- rep_len(step_places(object), nrow(table))
  without <- unique(every[object$times == ""])
  every <- setdiff(unique(every), without)
  table <- table[table$panel %in% every, ]
  shares <- vapply(every, function(name) sum(table$share[table$panel == name], na.rm = TRUE), 0)
  chosen <- every[panel_bands(every, shares, bands, top)]
  table <- table[table$panel %in% chosen, ]
  table$panel <- factor(table$panel, chosen)
  classes <- present(table$class)
  strength <- vapply(classes, function(name) mean(table$importance[table$class == name]), 0)
  named <- coloured_classes(classes, strength, NULL)
  outputs <- if (several_outputs(table)) present(table$output)
  table$line <- paste(table$class, table$output, sep = "\n")
  front <- table[table$class %in% named, ]
  front$class <- factor(front$class, named)

  room <- characters(width, base_size) - 10
  columns <- if (is.null(outputs)) max(1, min(floor(room / 22), ceiling(sqrt(length(chosen))))) else length(chosen)
  # named steps have room of their own, as bands have
  steps <- count_steps(object)
  expand <- if (object$time_kind == "name") 0.5 / max(steps - 1, 1) else 0.02
  note <- paste0(
    interval_note("shaded", front),
    some_of(length(chosen), length(every), paste0("bands", if (is.null(bands)) ", those with the largest share")),
    some_of(length(named), length(classes), "classes in colour, those with the largest importance"),
    if (length(without) > 0) paste0("; without steps, so not here: ", paste(without, collapse = ", ")),
    if (free && length(chosen) > 1) paste0("; ", own_scales)
  )
  along <- if (any(nzchar(object$bands))) "Importance of each band along time" else "Importance along time, by class"
  ggplot2::ggplot(front, ggplot2::aes(.data$place, .data$importance, group = .data$line)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::geom_line(data = table[!table$class %in% named, ], colour = ink("missing"), linewidth = 0.2) +
    curve_lines(front, steps) +
    class_scale(named, room) +
    ggplot2::scale_fill_manual(values = class_colours(named), limits = named, guide = "none") +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.02, 0.06))) +
    theme_bandlens(base_size) +
    level_look(base_size, legend = length(classes) > 1) +
    time_axis(object, (room / columns - 2 - 5 * free) / (1 + 2 * expand), expand) +
    curve_panels(object, chosen, outputs, columns, strip_width(room, columns), free) +
    ggplot2::labs(
      title = along,
      subtitle = wrap_lines(plot_subtitle(object, table, note), width, base_size),
      y = paste0(mean_score(object), "\n(", score_unit(object), ")")
    )
}

# Ribbons, lines and points.
curve_lines <- function(front, steps) {
  known <- front[!is.na(front$std_error), ]
  list(
    if (nrow(known) > 0) {
      ggplot2::geom_ribbon(
        ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high, fill = .data$class),
        data = known, alpha = 0.25, colour = NA, show.legend = FALSE
      )
    },
    if (steps > 1) ggplot2::geom_line(ggplot2::aes(colour = .data$class), linewidth = 0.45),
    ggplot2::geom_point(ggplot2::aes(colour = .data$class), size = 0.6)
  )
}

curve_panels <- function(object, chosen, outputs, columns, strip, free) {
  scales <- if (free) "free_y" else "fixed"
  titles <- ggplot2::as_labeller(stats::setNames(wrap(chosen, strip), chosen))
  if (!is.null(outputs)) {
    beside <- ggplot2::as_labeller(output_titles(object, outputs, 16))
    return(ggplot2::facet_grid(
      rows = ggplot2::vars(.data$output), cols = ggplot2::vars(.data$panel), scales = scales,
      labeller = ggplot2::labeller(.rows = beside, .cols = titles)
    ))
  }
  if (!identical(chosen, "")) ggplot2::facet_wrap("panel", ncol = columns, scales = scales, labeller = titles)
}
