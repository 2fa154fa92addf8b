# Agreement between results: class by class for a few of them, as a matrix for many.

coloured_pairs <- 6 # pairs of results that can be told apart by colour
lowest_agreement <- c(kendall_tau = -1, spearman_rho = -1, top_overlap = 0)

# Estimates with 95 % intervals: a panel per measure, a row per class, a colour per pair of results. With more than four
# results, a matrix of one measure over all classes, result by result.
draw_comparison <- function(object, width = 175, base_size = 8, measure = "kendall_tau") {
  measure <- choose(measure, names(lowest_agreement), "measure")
  table <- tidy(object)
  results <- vapply(levels(table$first), display_name, "", what = "method")
  measures <- c(
    kendall_tau = "Kendall's tau", spearman_rho = "Spearman's rho",
    top_overlap = sprintf("Top-%d overlap", object$facts$top)
  )
  if (length(results) * (length(results) - 1) / 2 > coloured_pairs) {
    return(draw_agreement_matrix(object, table, results, measure, measures[[measure]], width, base_size))
  }
  # rows over all classes of each image's own output belong to no panel of one
  explained <- table[!is.na(table$output), ]
  outputs <- if (!own_output(explained)) present(explained$output)
  if (length(outputs) > 1) table <- explained else outputs <- NULL
  draw_agreement(object, table, results, measures, outputs, width, base_size)
}

draw_agreement <- function(object, table, results, measures, outputs, width, base_size) {
  pairs <- utils::combn(results, 2, paste, collapse = " and ")
  pair <- factor(paste(results[as.integer(table$first)], "and", results[as.integer(table$second)]), pairs)
  classes <- present(table$class)
  shown <- classes
  if (length(levels(table$class)) > 1) {
    shown[classes == utils::tail(levels(table$class), 1)] <- "all classes" # the level over all of them is the last
  }
  room <- characters(width, base_size)
  titles <- wrap(shown, floor(min(0.35 * room, 30)))
  # rows count from below, and so do pairs within them
  table$row <- length(classes) + 1 - match(table$class, classes) +
    0.7 * ((length(pairs) + 1) / 2 - as.integer(pair)) / length(pairs)
  table$pair <- pair
  known <- table[!is.na(table$conf_low), ]
  drawn <- paste(sort(unique(object$facts$resampled)), collapse = " or ")
  note <- paste0(
    object$facts$bands, " bands; ",
    if (nrow(known) > 0) paste("lines: 95 % bootstrap interval over", drawn) else "no interval"
  )
  note <- wrap(note, floor(room))
  room <- room - longest(titles) - 4

  # the legend is centred below the panels
  legend <- wrap(pairs, floor(room) - 5)
  side_by_side <- max(1, min(length(legend), floor(room / (longest(legend) + 5))))
  # what is beside panels of outputs takes room, too
  strip <- floor(small_print * (room - if (is.null(outputs)) 0 else 6) / 3)
  strips <- wrap(measures, strip)
  smaller <- max(min(1, strip / longest(strips)), 0.75)
  strips <- ggplot2::as_labeller(stats::setNames(strips, names(measures)))
  # as far as a measure can go, so that panels of different comparisons look alike
  negative <- any(table$estimate < 0 | table$conf_low < 0, na.rm = TRUE)
  ends <- data.frame(
    measure = factor(rep(names(lowest_agreement), 2), levels(table$measure), ordered = TRUE),
    estimate = c(if (negative) lowest_agreement else rep(0, 3), rep(1, 3)), row = 1
  )
  if (!is.null(outputs)) {
    ends$output <- factor(outputs[[1]], levels(table$output), ordered = TRUE)
  }
  plot <- ggplot2::ggplot(table, ggplot2::aes(.data$estimate, .data$row, colour = .data$pair)) +
    ggplot2::geom_blank(ggplot2::aes(.data$estimate, .data$row), data = ends, inherit.aes = FALSE) +
    ggplot2::geom_vline(xintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (nrow(known) > 0) {
      ggplot2::geom_linerange(
        ggplot2::aes(xmin = .data$conf_low, xmax = .data$conf_high),
        data = known, linewidth = 0.45, orientation = "y", show.legend = FALSE
      )
    }) +
    ggplot2::geom_point(size = 1.1, na.rm = TRUE) +
    ggplot2::scale_x_continuous(breaks = c(-1, -0.5, 0, 0.5, 1), labels = c("-1", "", "0", "", "1")) +
    ggplot2::scale_y_continuous(
      breaks = rev(seq_along(classes)), labels = titles, limits = c(0.4, length(classes) + 0.6), expand = c(0, 0),
      minor_breaks = NULL
    ) +
    ggplot2::scale_colour_manual(
      values = stats::setNames(palette_colours("band")[seq_along(pairs)], pairs), limits = pairs, labels = legend,
      guide = ggplot2::guide_legend(ncol = side_by_side)
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.key.height = ggplot2::unit(1.05 * max(lengths(strsplit(legend, "\n", fixed = TRUE))) * base_size, "pt"),
      legend.key.width = ggplot2::unit(1.5 * base_size, "pt"),
      legend.title = ggplot2::element_blank(),
      panel.grid.major = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3),
      panel.spacing.x = ggplot2::unit(1.5 * base_size, "pt"),
      strip.clip = "off", # "Spearman's" may be wider than a panel in one column of a journal
      strip.text.x = ggplot2::element_text(size = ggplot2::rel(smaller))
    ) +
    ggplot2::labs(title = "Agreement on the importance of bands", subtitle = note, x = NULL, y = NULL)
  if (is.null(outputs)) {
    return(plot + ggplot2::facet_wrap("measure", nrow = 1, scales = "free_x", labeller = strips))
  }
  rows <- ggplot2::as_labeller(stats::setNames(wrap(paste("output", outputs), 14), outputs))
  plot + ggplot2::facet_grid(
    rows = ggplot2::vars(.data$output), cols = ggplot2::vars(.data$measure), scales = "free_x",
    labeller = ggplot2::labeller(.rows = rows, .cols = strips)
  )
}

# Every pair of results once, below the diagonal; mean over the rows where there is none over all classes.
draw_agreement_matrix <- function(object, table, results, measure, title, width, base_size) {
  whole <- table$class == utils::tail(levels(table$class), 1)
  every <- any(whole)
  table <- table[(whole | !every) & table$measure == measure, ]
  tiles <- stats::aggregate(estimate ~ first + second, table, mean, na.action = stats::na.pass)
  lowest <- lowest_agreement[[measure]]
  palette <- if (lowest < 0) "signed" else "share"
  known <- tiles[!is.na(tiles$estimate), ]
  known$text <- sprintf("%.2f", round(known$estimate, 2) + 0)
  known$ink <- text_on(ramp(palette, (known$estimate - lowest) / (1 - lowest)))

  room <- characters(width, base_size)
  columns <- utils::head(results, -1)
  rows <- rev(results[-1])
  beside <- wrap(rows, floor(min(0.35 * room, 24)))
  tile <- (room - longest(beside) - 2) / length(columns)
  wide <- tile > 5
  below <- if (wide) wrap(columns, 14) else unname(columns)
  text <- if (wide) {
    ggplot2::element_text(angle = 45, hjust = 1, vjust = 1)
  } else {
    ggplot2::element_text(angle = 90, hjust = 1, vjust = 0.5)
  }
  plot <- ggplot2::ggplot(tiles, ggplot2::aes(.data$first, .data$second)) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$estimate), colour = ink("paper"), linewidth = 0.3) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours(palette)), limits = c(lowest, 1), na.value = ink("missing"), guide = colour_bar()
    ) +
    ggplot2::scale_x_discrete(limits = names(columns), labels = below, expand = c(0, 0)) +
    ggplot2::scale_y_discrete(limits = names(rows), labels = beside, expand = c(0, 0)) +
    theme_bandlens(base_size) +
    ggplot2::theme(axis.text.x = text) +
    ggplot2::labs(
      title = "Agreement on the importance of bands",
      subtitle = paste0(object$facts$bands, " bands; ", if (every) "over all classes" else "mean over classes"),
      fill = title, x = NULL, y = NULL
    )
  if (nrow(known) == 0 || tile <= 4) {
    return(plot)
  }
  plot + ggplot2::geom_text(
    ggplot2::aes(label = .data$text, colour = .data$ink),
    data = known, size = small_print * base_size / ggplot2::.pt
  ) + ggplot2::scale_colour_identity()
}
