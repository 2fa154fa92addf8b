# How outputs answer to the level of a band at each step in time: a panel per class and band, a line per step.
#
# The colour of a line is when its step is, so that it is seen how the answer changes along time. Of one step, there is
# the picture with intervals, in autoplot-response.R.

most_step_panels <- 4 # bands and classes

# Are there curves of several steps of a band?
has_step_curves <- function(object) object$kind == "ale" && count_steps(object) > 1

draw_step_response <- function(object, top, bands, classes, width, base_size) {
  words <- cell_names(list(bands = object$bands, inputs = object$inputs))
  places <- as.numeric(step_places(object))
  table <- curve_table(object)
  table$cell <- as.integer(object$row_band)
  table$panel <- words[table$cell]
  table$when <- places[table$cell]
  every <- unique(words)
  occurring <- present(table$class)
  chosen <- every[panel_bands(every, step_curve_spans(table, "panel", every), bands, top, most_step_panels,
    most_step_panels
  )]
  most <- if (is.null(classes)) most_step_panels else length(palette_colours("class"))
  shown_classes <- coloured_classes(occurring, step_curve_spans(table, "class", occurring), classes, most)
  table <- table[table$panel %in% chosen & table$class %in% shown_classes, ]
  own <- as.character(table$class) == as.character(table$output)
  if (several_outputs(table) && any(own)) { # a class is shown by its own output where that is there
    table <- table[own, ]
  }
  row <- as.character(table$class)
  if (several_outputs(table)) {
    row <- paste(row, "->", table$output)
  }
  table$row <- factor(row, unique(row))
  table$panel <- factor(table$panel, chosen)
  table$line <- paste(table$cell, row, sep = "\n")
  without <- table[is.na(table$when), ]

  room <- characters(width, base_size) - 12
  at <- match(chosen, words)
  titles <- band_titles(
    list(bands = words, wavelengths = object$wavelengths), at, strip_width(room, length(chosen))
  )
  beside <- stats::setNames(wrap(levels(table$row), 14), levels(table$row))
  steps <- sort(unique(places))
  marked <- steps[labelled_steps(steps, 0.22)]
  strongest <- function(what, given) if (is.null(given)) paste0(what, ", those with the largest curves") else what
  note <- paste0(
    "a line for each of ", length(steps), " steps, its interval in the table",
    if (nrow(without) > 0) "; black: bands without steps",
    some_of(length(chosen), length(every), strongest("bands", bands)),
    some_of(length(shown_classes), length(occurring), strongest("classes", classes))
  )
  ggplot2::ggplot(table[!is.na(table$when), ], ggplot2::aes(.data$level, .data$effect, group = .data$line)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (nrow(without) > 0) ggplot2::geom_line(data = without, colour = ink("text"), linewidth = 0.4)) +
    ggplot2::geom_line(ggplot2::aes(colour = .data$when), linewidth = 0.4) +
    ggplot2::scale_colour_gradientn(
      colours = unname(palette_colours("band_ramp")), limits = range(steps), breaks = marked,
      labels = as.character(object$times)[match(marked, places)], guide = colour_bar(), name = step_title(object)
    ) +
    level_axis(0.02) +
    ggplot2::facet_grid(
      rows = ggplot2::vars(.data$row), cols = ggplot2::vars(.data$panel), scales = "free_x",
      labeller = ggplot2::labeller(.rows = ggplot2::as_labeller(beside), .cols = ggplot2::as_labeller(titles))
    ) +
    theme_bandlens(base_size) +
    level_look(base_size, legend = TRUE) +
    ggplot2::theme(
      legend.key.width = ggplot2::unit(0.1 * width, "mm"), # a colour bar is five keys wide
      legend.title = ggplot2::element_text(size = ggplot2::rel(1), hjust = 0.5)
    ) +
    ggplot2::labs(
      title = "Response to the level of a band at each step",
      subtitle = wrap_lines(response_subtitle(object, table, note), width, base_size),
      x = display_name("axis", "level"),
      y = paste0("Effect on the output (", object$output, ")")
    )
}

# How much the curves of all steps span on average, by the names in a column.
step_curve_spans <- function(table, column, names) {
  spans <- stats::aggregate(
    table$effect, list(of = as.character(table[[column]]), class = table$class, output = table$output,
      cell = table$cell
    ), function(effect) diff(range(effect))
  )
  vapply(names, function(name) if (any(spans$of == name)) mean(spans$x[spans$of == name]) else 0, 0)
}
