# Mean and spread of each band in the image of each feature: what a neuron wants to see along the spectrum.
#
# The grey band is the range of the data; a band that a feature does not look at stays in its middle, without spread.

draw_feature_spectrum <- function(object, width, base_size) {
  check_most(length(object), "images", fewer_images)
  panels <- as.character(seq_along(object$names))
  table <- tidy(object, "band")
  table$panel <- rep(panels, each = length(object$bands))
  single <- prod(dim(object$values)[2:3]) == 1
  note <- paste0(if (!single) "line: mean over pixels; ribbon: one standard deviation; ", "grey: range of the data")
  draw_spectra(
    table, stats::setNames(image_names(object), panels), object,
    title = paste("Spectra that", look_for(object), "look for"), notes = c(feature_source(object), note),
    width = width, base_size = base_size
  )
}

# Lines with ribbons over bands, in panels. `table`: `panel`, `band`, `wavelength`, `mean`, `std`, `low`, `high`;
# perhaps `line`, a factor: several lines per panel.
draw_spectra <- function(table, titles, object, title, notes, width, base_size) {
  room <- characters(width, base_size) - 8
  measured <- in_nm(object$wavelengths)
  columns <- max(1, min(floor(room / 18), ceiling(sqrt(length(titles)))))
  wrapped <- stats::setNames(wrap(titles, strip_width(room, columns) - 1), names(titles))
  several <- "line" %in% names(table)
  if (!several) {
    table$line <- factor("")
  }
  run <- if (measured) runs(object$wavelengths) else rep(0, length(object$bands))
  table$group <- paste(as.integer(table$line), run[as.integer(table$band)])
  table$panel <- factor(table$panel, names(titles))
  table$place <- if (measured) table$wavelength else table$band
  lines <- levels(table$line)
  paints <- stats::setNames(palette_colours("class")[seq_along(lines)], lines)
  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$place, .data$mean, group = .data$group)) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$low, ymax = .data$high), fill = ink("grid")) +
    ggplot2::geom_ribbon(
      ggplot2::aes(ymin = .data$mean - .data$std, ymax = .data$mean + .data$std, fill = .data$line),
      alpha = 0.3, show.legend = FALSE
    ) +
    ggplot2::geom_line(ggplot2::aes(colour = .data$line), linewidth = 0.45) +
    ggplot2::facet_wrap("panel", ncol = columns, labeller = ggplot2::as_labeller(wrapped)) +
    ggplot2::scale_colour_manual(
      values = paints, limits = lines, guide = if (several) ggplot2::guide_legend() else "none"
    ) +
    ggplot2::scale_fill_manual(values = paints, limits = lines, guide = "none") +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(0.02)) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.key.width = ggplot2::unit(2 * base_size, "pt"), legend.title = ggplot2::element_blank()
    ) +
    spectral_axis(object, room / columns, base_size) +
    ggplot2::labs(
      title = title, subtitle = wrap_lines(paste(notes, collapse = "\n"), width, base_size),
      y = "Value (units of the data)"
    )
  if (length(object$bands) <= named_bands) {
    plot <- plot + ggplot2::geom_point(ggplot2::aes(colour = .data$line), size = 0.8)
  }
  plot
}
