# Importance along the spectrum, a line per class with its 95 % interval: where in the spectrum a model looks.
#
# Lines of up to eight classes share a panel. More could not be told apart: then each class has a panel of its own, with
# the other classes as grey lines behind it. Where several outputs are explained, they have the panels.
# Where wavelengths are known, parts of the spectrum are shaded and named.

hole <- 4 # times the usual step between bands: bands were taken out there, and the line stops

draw_spectrum <- function(object, free, width, base_size) {
  table <- spectrum_table(object)
  measured <- in_nm(object$wavelengths)
  classes <- present(table$class)
  together <- length(classes) <= length(palette_colours("class"))
  by <- if (several_outputs(table)) "output" else if (!together || free) "class"
  keyed <- together && !identical(by, "class")
  # on scales of their own, the other classes would not be where they seem to be
  grey <- !together && !(by == "class" && free)
  panels <- if (!is.null(by)) present(table[[by]])
  room <- characters(width, base_size) - 10
  columns <- max(1, min(floor(room / 18), ceiling(sqrt(length(panels)))))

  # with many classes, a panel of an output shows the class of that name
  own <- as.character(table$class) == as.character(table$output)
  front <- if (together || by == "class") table else table[own, ]
  # without their class, lines are in all panels
  behind <- table[setdiff(names(table), by[by == "class"])]

  parts <- shades(object$wavelengths, room / columns, base_size)

  plot <- ggplot2::ggplot(front, ggplot2::aes(.data$place, .data$importance, group = .data$line)) +
    parts$behind +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (grey) ggplot2::geom_line(data = behind, colour = ink("missing"), linewidth = 0.2)) +
    spectrum_lines(front, length(object$bands) <= named_bands) +
    parts$front +
    class_paints(classes, room, keyed) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.02, 0.06 + parts$kept))) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.key.width = ggplot2::unit(2 * base_size, "pt"),
      legend.title = ggplot2::element_blank(),
      panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)
    ) +
    spectral_axis(object, room / columns - (if (free) 5 else 0), base_size) +
    ggplot2::labs(
      title = if (measured) "Importance along the spectrum, by class" else "Importance of the bands, by class",
      subtitle = wrap_lines(plot_subtitle(object, table, spectrum_note(front, by, grey, free)), width, base_size),
      y = paste0(mean_score(object), "\n(", score_unit(object), ")")
    )
  plot + spectrum_panels(object, table, by, panels, columns, strip_width(room, columns), free)
}

# Colours of classes, with a key to them where panels don't name them.
class_paints <- function(classes, room, keyed) {
  labels <- wrap(classes, 25)
  keys <- max(1, min(length(labels), floor(room / (longest(labels) + 6))))
  paints <- class_colours(classes)
  list(
    ggplot2::scale_colour_manual(
      values = paints, limits = classes, labels = labels,
      guide = if (keyed) ggplot2::guide_legend(ncol = keys) else "none"
    ),
    ggplot2::scale_fill_manual(values = paints, limits = classes, guide = "none")
  )
}

spectrum_panels <- function(object, table, by, panels, columns, strip, free) {
  if (!is.null(by)) {
    titles <- if (by == "class") class_titles(table, panels, strip) else output_titles(object, panels, strip)
    ggplot2::facet_wrap(
      by,
      ncol = columns, scales = if (free) "free_y" else "fixed", labeller = ggplot2::as_labeller(titles)
    )
  }
}

# The class x band table with each band's place, the line it is on, and whether it is alone on it.
spectrum_table <- function(object) {
  table <- tidy(object)
  measured <- in_nm(object$wavelengths)
  run <- if (measured) runs(object$wavelengths) else rep(0, length(object$bands))
  table$place <- if (measured) table$wavelength else table$band
  table$line <- as.integer(table$class) * length(object$bands) + run[as.integer(table$band)]
  table$alone <- tabulate(run + 1)[run[as.integer(table$band)] + 1] == 1
  table
}

# Ribbons and lines; points where bands are few, where a line of many would be of a single one, and for the values of
# a single image, which have no ribbon.
spectrum_lines <- function(front, few) {
  known <- front[!is.na(front$std_error), ]
  dots <- if (few) front else front[front$alone | is.na(front$std_error), ]
  list(
    if (nrow(known) > 0) {
      ggplot2::geom_ribbon(
        ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high, fill = .data$class),
        data = known, alpha = 0.25, colour = NA, show.legend = FALSE
      )
    },
    ggplot2::geom_line(ggplot2::aes(colour = .data$class), linewidth = 0.45),
    if (nrow(dots) > 0) {
      ggplot2::geom_point(ggplot2::aes(colour = .data$class), data = dots, size = if (few) 1.1 else 0.3)
    }
  )
}

spectrum_note <- function(front, by, grey, free) {
  paste(c(
    interval_note("shaded", front),
    if (grey && by == "output") "coloured: the class of the output",
    if (grey) "grey: the other classes",
    if (free && !is.null(by)) own_scales
  ), collapse = "; ")
}

# Can bands stand at their wavelengths: are all known, and no two the same?
in_nm <- function(wavelengths) all(is.finite(wavelengths)) && !anyDuplicated(wavelengths)

# Each band's run of neighbours, counted from 0; few bands are one run, whatever their steps.
runs <- function(wavelengths) {
  run <- rep(0, length(wavelengths))
  if (length(run) > named_bands) {
    order <- order(wavelengths)
    steps <- diff(wavelengths[order])
    run[order[-1]] <- cumsum(steps > hole * stats::median(steps))
  }
  run
}

# The axis of a panel: wavelengths where they are known, else bands by name.
spectral_axis <- function(object, room, base_size) {
  if (in_nm(object$wavelengths)) nm_axis(object$wavelengths, room, base_size) else band_axis(object, room - 1, 0.3)
}

nm_axis <- function(wavelengths, room, base_size) {
  low <- min(wavelengths)
  high <- max(wavelengths)
  most <- max(2, min(most_ticks, floor(room / 5)))
  step <- round_steps[[which((high - low) / round_steps < most)[[1]]]]
  ticks <- if (ceiling(low / step) <= floor(high / step)) seq(ceiling(low / step), floor(high / step)) * step
  list(
    ggplot2::scale_x_continuous(breaks = ticks, labels = sprintf("%.0f", ticks), expand = ggplot2::expansion(0.02)),
    ggplot2::labs(x = "Wavelength (nm)"),
    # the last number of a panel and the first of the next one need some room
    ggplot2::theme(panel.spacing.x = ggplot2::unit(2 * base_size, "pt"))
  )
}
