# How alike tables are to the trained model's while more and more of its layers are randomised.

similarity_names <- c(
  spearman_rho = "Spearman's rho", kendall_tau = "Kendall's tau", share_overlap = "overlap of shares"
)
line_shapes <- c(21, 22, 24, 23, 25, 3, 4, 8)

# Similarity against the layers that are random, with 95 % intervals over repeats: a line per measure, for the mean over
# classes, or one per class, of one measure.
draw_randomization <- function(object, width = 175, base_size = 8, by = "measure", measure = "spearman_rho") {
  by <- choose(by, c("measure", "class"), "by")
  measure <- choose(measure, names(similarity_names), "measure")
  table <- tidy(object)
  facts <- object$facts
  lines <- similarity_lines(table, by, measure)
  table <- lines$table
  layers <- levels(table$layer)
  room <- characters(width, base_size) - 8
  every <- max(1, ceiling(length(layers) * 2 / room)) # so that names in lines fit
  # paths of layers in nested models are too long to print: their ends tell
  shown <- ifelse(seq_along(layers) %% every == 1 %% every, sub(".*/", "", layers), "")
  keys <- names(lines$names)
  paints <- stats::setNames(palette_colours("band")[seq_along(keys)], keys)
  shapes <- stats::setNames(line_shapes[seq_along(keys)], keys)
  dodge <- ggplot2::position_dodge(width = 0.25)
  known <- table[!is.na(table$conf_low) & table$step > 0, ]
  chance <- if (by == "measure") facts$chance_high

  ggplot2::ggplot(
    table, ggplot2::aes(.data$layer, .data$estimate, colour = .data[[by]], shape = .data[[by]], group = .data[[by]])
  ) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    # one by one, a step doesn't lead to the next
    (if (facts$cascade) ggplot2::geom_line(linewidth = 0.45, position = dodge)) +
    (if (nrow(known) > 0) {
      ggplot2::geom_linerange(
        ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high),
        data = known, linewidth = 0.35, position = dodge, show.legend = FALSE
      )
    }) +
    ggplot2::geom_point(ggplot2::aes(fill = .data[[by]]), size = 1.2, position = dodge) +
    (if (!is.null(chance)) {
      ggplot2::geom_hline(yintercept = chance, linetype = "dashed", colour = ink("subtle"), linewidth = 0.35)
    }) +
    ggplot2::scale_colour_manual(values = paints, limits = keys, labels = lines$names) +
    ggplot2::scale_fill_manual(values = paints, limits = keys, labels = lines$names) +
    ggplot2::scale_shape_manual(values = shapes, limits = keys, labels = lines$names) +
    ggplot2::scale_x_discrete(limits = layers, labels = shown) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      axis.text.x = ggplot2::element_text(angle = 45, hjust = 1, vjust = 1),
      legend.direction = if (width < 120) "vertical" else "horizontal",
      legend.key.width = ggplot2::unit(2 * base_size, "pt"),
      legend.title = ggplot2::element_blank(),
      panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)
    ) +
    ggplot2::labs(
      title = "Similarity to the trained model's table",
      subtitle = wrap(randomization_note(facts, by, measure, !is.null(chance)), floor(characters(width, base_size))),
      x = paste("Layers randomised,", if (facts$cascade) "from the output down to" else "alone"),
      y = "Similarity"
    )
}

# Rows that are drawn, and what each line is called.
similarity_lines <- function(table, by, measure) {
  classes <- present(table$class)
  whole <- utils::tail(classes, 1)
  if (by == "measure") {
    return(list(table = table[table$class == whole, ], names = similarity_names))
  }
  single <- if (length(classes) > 1) utils::head(classes, -1) else classes
  if (length(single) > length(line_shapes)) {
    cause("option", "There are too many classes to tell their lines apart.",
      expected = paste("at most", length(line_shapes)), given = length(single), fix = "draw `by = \"measure\"`"
    )
  }
  list(
    table = table[table$measure == measure & table$class %in% single, ],
    names = stats::setNames(wrap(single, 25), single)
  )
}

randomization_note <- function(facts, by, measure, chance) {
  paste0(
    display_name("method", facts$method), "; ", facts$images, " images; n = ", facts$repeats,
    " sets of random weights", if (facts$repeats > 1) "; bars: 95 % interval",
    if (by == "class") paste0("; ", similarity_names[[measure]], " of importances"),
    if (chance) "; dashed: 95 % of Spearman's rho by chance are below, with all layers random"
  )
}
