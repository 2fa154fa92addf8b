# What is left of an output while bands are removed, a panel per class: in order of importance, random and reverse.

removal_titles <- c(
  probability = "Probability of the class", logit = "Logit of the class", output = "Output of the class",
  accuracy = "Accuracy", fidelity = "Minus the distance\nfrom the whole image's output",
  iou = "Intersection over union"
)
# of a model that gives outputs for every pixel
zone_titles <- c(accuracy = "Part of the zone taken for the class")
zone_names <- c(
  label = "labelled pixels", predicted = "pixels predicted as the class", image = "all pixels", mask = "those given"
)
removal_orders <- c(
  importance = "most important first", random = "random orders (mean)", reverse = "least important first"
)
removal_dashes <- c(importance = "solid", random = "dashed", reverse = "dotted")
removal_means <- c(
  background = "those of background images", background_mean = "the mean background image", zero = "0"
)
named_steps <- 6 # up to here each removed band is named

# Curves of one measure with 95 % intervals, by class; the area between two of them in each title.
draw_deletion <- function(object, width = 175, base_size = 8, measure = NULL) {
  known <- levels(tidy(object)$measure)
  measure <- if (is.null(measure)) known[[1]] else choose(measure, known, "measure")
  table <- tidy(object)
  area <- tidy(object, "area")
  table <- table[table$measure == measure, ]
  area <- area[area$measure == measure, ]
  if (measure %in% c("probability", "accuracy", "iou")) { # Student intervals know no bounds
    table$conf_low <- pmax(table$conf_low, 0)
    table$conf_high <- pmin(table$conf_high, 1)
  }
  facts <- object$facts
  room <- characters(width, base_size) - (if (measure == "fidelity") 12 else 8) # of its axis
  classes <- present(table$class)
  columns <- max(1, min(floor(room / 22), ceiling(sqrt(length(classes)))))
  removed <- sort(unique(table$removed))
  paints <- stats::setNames(
    c(palette_colours("band")[[1]], ink("subtle"), palette_colours("band")[[5]]), names(removal_orders)
  )
  bounds <- table[!is.na(table$conf_low), ]
  plot <- ggplot2::ggplot(
    table,
    ggplot2::aes(.data$removed, .data$estimate, colour = .data$order, fill = .data$order, linetype = .data$order)
  ) +
    (if (nrow(bounds) > 0) {
      ggplot2::geom_ribbon(
        ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high),
        data = bounds, alpha = 0.2, colour = NA, show.legend = FALSE
      )
    }) +
    ggplot2::geom_line(linewidth = 0.5) +
    ggplot2::facet_wrap(
      "class",
      ncol = columns, labeller = ggplot2::as_labeller(area_titles(area, floor(small_print * room / columns)))
    ) +
    ggplot2::scale_colour_manual(values = paints, limits = names(removal_orders), labels = removal_orders) +
    ggplot2::scale_fill_manual(values = paints, limits = names(removal_orders), guide = "none") +
    ggplot2::scale_linetype_manual(values = removal_dashes, limits = names(removal_orders), labels = removal_orders) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.direction = if (width < 120) "vertical" else "horizontal",
      legend.key.width = ggplot2::unit(3 * base_size, "pt"),
      legend.title = ggplot2::element_blank(),
      panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3),
      strip.clip = "off"
    ) +
    ggplot2::labs(
      title = if (length(removed) > max(removed)) "Removing bands one after the other" else "Removing bands in steps",
      subtitle = wrap(deletion_note(facts), floor(characters(width, base_size))),
      x = "Bands removed",
      y = (if (is.null(facts$zone)) removal_titles else replace(removal_titles, "accuracy", zone_titles))[[measure]]
    )
  plot + removed_bands(table, removed, room / columns, paints[["importance"]], base_size)
}

# Names of the bands at the curve in the order of importance, where they fit.
removed_bands <- function(table, removed, room, paint, base_size) {
  if (length(removed) > named_steps + 1) {
    return(NULL)
  }
  axis <- ggplot2::scale_x_continuous(breaks = removed, expand = ggplot2::expansion(mult = c(0.08, 0.14)))
  named <- table[table$order == "importance" & !is.na(table$band), ]
  named$text <- as.character(bands_in_words(named))
  if (nrow(named) == 0 || max(nchar(named$text)) * length(removed) >= 1.2 * room) {
    return(axis)
  }
  extent <- diff(range(table$estimate, table$conf_low, table$conf_high, na.rm = TRUE))
  list(
    axis,
    ggplot2::geom_point(data = named, size = 0.8, show.legend = FALSE),
    ggplot2::geom_text(
      ggplot2::aes(label = .data$text),
      data = named, vjust = 1, nudge_y = -0.04 * extent, size = 0.8 * base_size / ggplot2::.pt, colour = paint,
      show.legend = FALSE
    ),
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.14, 0.05)))
  )
}

# Class, number of its images, and the area with its interval.
area_titles <- function(area, width) {
  numbers <- c("area", "conf_low", "conf_high")
  area[numbers] <- round(area[numbers], 2) + 0 # no "-0.00"
  names <- wrap(sprintf("%s (n\u00a0=\u00a0%d)", area$class, area$n), width)
  interval <- sprintf(" (%.2f\u00a0to\u00a0%.2f)", area$conf_low, area$conf_high)
  interval[is.na(area$conf_low)] <- ""
  # digits are narrow: some more fit
  areas <- wrap(sprintf("area\u00a0%.2f%s", area$area, interval), floor(1.15 * width))
  stats::setNames(gsub("\u00a0", " ", paste(names, areas, sep = "\n")), area$class)
}

deletion_note <- function(facts) {
  paste0(
    display_name("method", facts$method), "; n = ", facts$n, " images; removed bands replaced by ",
    paste(c(removal_means[[facts$replacement]], absent_as(facts[["absent"]])), collapse = ", "), "; ",
    if (facts$every_order) "all orders there are" else paste(facts$orders, "random orders"),
    "; shaded: 95 % interval; area: between random orders and most important first",
    if (!is.null(facts$zone)) paste0("; zones: ", zone_names[[facts$zone]])
  )
}
