# Band x time tiles, a panel per class: which bands matter when. Of sums over bands, class x time tiles.
#
# A tile lasts from midway to the step before until midway to the next, so that dates keep their distances. A band of an
# input without steps has one tile along the whole axis.

gap_of_inputs <- 0.5 # between the rows of two inputs, in rows

draw_time_tiles <- function(object, table, palette, limits, values, width, base_size) {
  if (isTRUE(values)) {
    cause("option", "Tiles of steps have no room for values.", expected = "values = NULL", given = shown(values))
  }
  rows <- tile_rows(object, table)
  cell <- rep_len(seq_along(object$bands), nrow(table))
  spans <- step_spans(object)
  table$left <- spans$left[cell]
  table$right <- spans$right[cell]
  table$low <- rows$place - 0.5
  table$high <- rows$place + 0.5
  room <- characters(width, base_size)
  labels <- wrap(rows$names, floor(min(0.35 * room, 30)))
  room <- room - longest(labels) - 2
  outputs <- if (several_outputs(table)) present(table$output)
  steps <- count_steps(object)
  columns <- if (is.null(outputs)) panel_columns(max(length(rows$panels), 1), steps, room) else length(outputs)

  ggplot2::ggplot(table) +
    ggplot2::geom_rect(
      ggplot2::aes(
        xmin = .data$left, xmax = .data$right, ymin = .data$low, ymax = .data$high, fill = .data$value
      ),
      colour = if (room / columns / steps > 2) ink("paper") else NA, linewidth = 0.3
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours(palette)), limits = limits, na.value = ink("missing"), guide = colour_bar()
    ) +
    ggplot2::scale_y_continuous(breaks = rows$at, labels = labels, expand = c(0, 0)) +
    theme_bandlens(base_size) +
    time_axis(object, room / columns - 2) +
    ggplot2::theme(panel.spacing.x = ggplot2::unit(2 * base_size, "pt")) +
    ggplot2::labs(y = NULL) +
    tile_panels(object, table, rows, outputs, columns, strip_width(room, columns))
}

# What stands in rows, where, and what has a panel: bands and classes, or of sums over bands classes and inputs.
tile_rows <- function(object, table) {
  if (!any(nzchar(object$bands))) {
    names <- present(table$class)
    at <- 1 - seq_along(names)
    panels <- unique(object$inputs)
    return(list(names = names, at = at, place = at[match(table$class, names)], panels = panels, by = "input"))
  }
  every <- cell_names(list(bands = object$bands, inputs = object$inputs))
  names <- unique(every)
  owner <- if (is.null(object$inputs)) rep("", length(names)) else object$inputs[match(names, every)]
  at <- 1 - seq_along(names) - gap_of_inputs * (match(owner, unique(owner)) - 1)
  place <- rep_len(at[match(every, names)], nrow(table))
  list(names = names, at = at, place = place, panels = present(table$class), by = "class")
}

tile_panels <- function(object, table, rows, outputs, columns, strip) {
  if (length(rows$panels) == 0 && is.null(outputs)) {
    return(NULL)
  }
  titles <- if (rows$by == "class") {
    class_titles(table, rows$panels, if (is.null(outputs)) strip else 14)
  } else {
    stats::setNames(nm = rows$panels)
  }
  beside <- ggplot2::as_labeller(titles)
  if (is.null(outputs)) {
    return(ggplot2::facet_wrap(rows$by, ncol = columns, labeller = beside))
  }
  above <- ggplot2::as_labeller(output_titles(object, outputs, strip))
  down <- if (length(rows$panels) > 0) ggplot2::vars(.data[[rows$by]])
  ggplot2::facet_grid(
    rows = down, cols = ggplot2::vars(.data$output), labeller = ggplot2::labeller(.rows = beside, .cols = above)
  )
}

# A note where bands have no steps.
stepless <- function(object) if (any(object$times == "")) "; bands without steps: along the whole axis"
