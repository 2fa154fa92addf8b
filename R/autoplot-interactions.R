# What bands do together: bands x bands tiles, and bands on a circle with a line for each pair.
#
# Tiles show numbers, with the main effects on the diagonal; a circle shows which few pairs there are to talk about.

interaction_panels <- 9 # of classes, shown unless they are asked for
network_lines <- 20 # of a circle
network_widths <- c(0.15, 2.2) # of lines
names_beside <- 0.1 # cosine from which on a name stands beside its band, not above or below it
names_around <- 1.12 # where names stand, in radii
network_high <- 1.3 # half of a panel's height, in radii
square_tile <- 2.2 # characters that a tile is wide if it is no higher than wide
interaction_signs <- c("positive", "negative", "not sure")
signed_ends <- c(0.9, 0.1) # of positive and negative, along the palette of signed values
interaction_meaning <- "positive: together more than both add up to"

#' Draw interactions of bands
#'
#' `autoplot()` draws a [band_interactions()] as a complete ggplot, to which layers, scales and themes can be added;
#' `plot()` draws it. There is a panel per class; where every output is explained, the one of the class itself.
#'
#' @param object,x A [band_interactions()] with pairs of bands.
#' @param type `"heatmap"`: mean interactions as band x band tiles on a scale that is symmetric about zero, with the
#'   main effects on the diagonal. `"network"`: bands on a circle, with a line for each pair, as thick as the mean size
#'   of their interaction, and coloured by the sign of its mean where the 95 % interval does not hold 0.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param main Whether the diagonal of `"heatmap"` shows the main effects, in the same colours; without them, colours
#'   run to the largest interaction.
#' @param values Whether to print the numbers in the tiles; `NULL` prints them where there is room and every band is
#'   named.
#' @param top How many lines of `"network"` to draw in each panel, those of the largest interactions. `NULL` draws 20.
#' @param classes Which classes to show, at most nine. `NULL` takes all, or the nine whose bands interact most.
#' @inheritParams autoplot.band_importance
#' @returns A [ggplot2::ggplot()]. The subtitle says what is not shown.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 100)
#' model <- landsat_model()
#' together <- band_interactions(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = landsat$train$x, n_background = 10
#' )
#' autoplot(together)
#' autoplot(together, "network")
#' @export
autoplot.band_interactions <- function(object,
                                       type = c("heatmap", "network"),
                                       ...,
                                       main = TRUE,
                                       values = NULL,
                                       top = NULL,
                                       classes = NULL,
                                       width = 175,
                                       base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    type <- choose(type, c("heatmap", "network"), "type")
    check_size(width, "width")
    check_size(base_size, "base_size")
    main <- as_flag(main, "main")
    values <- if (!is.null(values)) as_flag(values, "values")
    if (type == "network" && !is.null(values)) {
      cause("option", "The picture \"network\" prints no values.", expected = "values = NULL", given = shown(values))
    }
    if (type == "heatmap" && !is.null(top)) {
      cause("option", "The picture \"heatmap\" shows all pairs.", expected = "top = NULL", given = shown(top))
    }
    chosen <- interaction_pairs(object, classes)
    if (type == "heatmap") {
      draw_interactions(object, chosen, main, values, width, base_size)
    } else {
      draw_network(object, chosen, as_count(top, "top", null = TRUE), width, base_size)
    }
  })
}

#' @rdname autoplot.band_interactions
#' @export
plot.band_interactions <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

# Interactions of the pairs of some classes, with the panel of each row, and a note of what is left out.
interaction_pairs <- function(object, classes) {
  if (object$order < 2) {
    cause("result", "There are no interactions to draw.",
      expected = "a result of order 2 or 3", given = "order 1, main effects alone", fix = "compute it with `order = 2`"
    )
  }
  table <- tidy(object, order = 2)
  # with several outputs, a class is shown by its own where that is there
  own <- as.character(table$class) == as.character(table$output)
  others <- several_outputs(table) && any(own)
  if (others) {
    table <- table[own, ]
  }
  every <- present(table$class)
  strength <- vapply(every, function(class) max(table$importance[table$class == class]), 0)
  shown_classes <- coloured_classes(every, strength, classes, interaction_panels)
  table <- table[table$class %in% shown_classes, ]
  panel <- as.character(table$class)
  if (several_outputs(table)) {
    panel <- paste0(panel, ": ", table$output)
  }
  table$panel <- factor(panel, unique(panel))
  which <- if (is.null(classes)) "classes, those whose bands interact most" else "classes"
  list(
    table = table,
    note = paste0(some_of(length(shown_classes), length(every), which), if (others) "; the output of each class")
  )
}

draw_interactions <- function(object, chosen, main, values, width, base_size) {
  table <- chosen$table
  tiles <- interaction_tiles(object, table, main)
  largest <- max(abs(tiles$value), 0, na.rm = TRUE)
  if (largest == 0) largest <- 1
  digits <- max(0, 1 - floor(log10(largest))) # two significant ones in the largest
  tiles$text <- ifelse(is.na(tiles$value), "", sprintf("%.*f", as.integer(digits), round(tiles$value, digits) + 0))

  n_bands <- length(object$bands)
  names <- object$bands[band_ticks(object$bands, object$wavelengths)$positions]
  beside <- wrap(names, 16)
  room <- characters(width, base_size) - longest(beside) - 2
  panels <- levels(table$panel)
  columns <- square_columns(length(panels), room, max(18, square_tile * n_bands))
  tile <- room / columns / n_bands
  diagonal <- if (main) "diagonal: main effects" else "main effects are not shown"
  ggplot2::ggplot(tiles, ggplot2::aes(.data$other, .data$band)) +
    ggplot2::geom_tile(
      ggplot2::aes(fill = .data$value),
      colour = if (tile > 2) ink("paper") else NA, linewidth = 0.3
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("signed")), limits = c(-largest, largest), na.value = ink("grid"),
      guide = colour_bar()
    ) +
    ggplot2::scale_y_discrete(limits = rev(object$bands), breaks = names, labels = beside, expand = c(0, 0)) +
    theme_bandlens(base_size) +
    band_axis(object, room / columns) +
    tile_texts(tiles[!is.na(tiles$value), ], n_bands, "signed", c(-largest, largest), values, tile, base_size) +
    ggplot2::facet_wrap(
      "panel",
      ncol = columns, labeller = ggplot2::as_labeller(panel_titles(table, panels, strip_width(room, columns)))
    ) +
    ggplot2::labs(
      title = "Interactions of bands by class",
      subtitle = interaction_subtitle(object, table, paste0("; ", diagonal, chosen$note), width, base_size),
      y = NULL,
      fill = paste0("Mean interaction", if (main) ", and main effect", " (", object$output, ")")
    )
}

# A row per tile: interactions on both sides of the diagonal, and on it the main effects, or none.
interaction_tiles <- function(object, table, main) {
  singles <- tidy(object, order = 1)
  key <- function(table) paste(table$class, table$output, sep = "\n")
  singles$panel <- table$panel[match(key(singles), key(table))]
  singles <- singles[!is.na(singles$panel), ]
  part <- function(table, band, other, value) {
    tibble::tibble(panel = table$panel, band = table[[band]], other = table[[other]], value = value)
  }
  rbind(
    part(table, "band_1", "band_2", table$interaction),
    part(table, "band_2", "band_1", table$interaction),
    part(singles, "band_1", "band_1", if (main) singles$interaction else NA_real_)
  )
}

draw_network <- function(object, chosen, top, width, base_size) {
  table <- chosen$table
  most <- if (is.null(top)) network_lines else top
  n_bands <- length(object$bands)
  n_pairs <- n_bands * (n_bands - 1) / 2
  lines <- table[table$rank <= most & table$importance > object$rounding, ]
  lines <- lines[order(lines$importance), ]
  sign <- ifelse(lines$conf_low > 0, 1, ifelse(lines$conf_high < 0, 2, 3))
  lines$sign <- factor(interaction_signs[ifelse(is.na(sign), 3, sign)], interaction_signs)
  # clockwise from the top
  angle <- 2 * pi * (seq_len(n_bands) - 1) / n_bands
  for (end in 1:2) {
    at <- angle[as.integer(lines[[paste0("band_", end)]])]
    lines[[paste0("x", end)]] <- sin(at)
    lines[[paste0("y", end)]] <- cos(at)
  }
  names <- wrap(object$bands, 12)
  # in every panel, also where there is no line
  panels <- levels(table$panel)
  nodes <- tibble::tibble(
    x = rep(sin(angle), length(panels)), y = rep(cos(angle), length(panels)), band = rep(names, length(panels)),
    panel = factor(rep(panels, each = n_bands), panels)
  )
  beside <- abs(nodes$x) > names_beside
  nodes$hjust <- ifelse(beside, ifelse(nodes$x > 0, 0, 1), 0.5)
  nodes$vjust <- ifelse(beside, 0.5, ifelse(nodes$y > 0, 0, 1))

  room <- characters(width, base_size)
  columns <- square_columns(length(panels), room, 20 + 2 * longest(names))
  # room for names beside the circle, in radii, whose panel is as wide as its part of the picture
  wide <- names_around / max(1 - 2 * (longest(names) + 1) / (room / columns), 0.3)
  thickest <- max(table$importance)
  note <- paste0(
    some_of(min(most, n_pairs), n_pairs, "pairs of a panel, those that interact most"), "; ",
    interval_note("sign", table), chosen$note
  )
  colours <- stats::setNames(c(ramp("signed", signed_ends), ink("missing")), interaction_signs)
  ggplot2::ggplot(lines) +
    ggplot2::geom_segment(
      ggplot2::aes(
        x = .data$x1, y = .data$y1, xend = .data$x2, yend = .data$y2, linewidth = .data$importance,
        colour = .data$sign
      ),
      lineend = "round"
    ) +
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = nodes, size = 1.2, colour = ink("text")) +
    ggplot2::geom_text(
      ggplot2::aes(
        names_around * .data$x, names_around * .data$y,
        label = .data$band, hjust = .data$hjust, vjust = .data$vjust
      ),
      data = nodes, size = small_print * base_size / ggplot2::.pt, colour = ink("text"), lineheight = 0.9
    ) +
    ggplot2::scale_linewidth_continuous(
      range = network_widths, limits = c(0, if (thickest > 0) thickest else 1),
      breaks = function(limits) Filter(function(tick) tick <= limits[[2]], pretty(limits, 3)),
      guide = titled_legend(order = 2)
    ) +
    ggplot2::scale_colour_manual(
      values = colours, limits = interaction_signs, drop = FALSE,
      guide = titled_legend(order = 1, override.aes = list(linewidth = 1.2))
    ) +
    ggplot2::scale_x_continuous(limits = c(-wide, wide), breaks = NULL, expand = c(0, 0)) +
    ggplot2::scale_y_continuous(limits = c(-network_high, network_high), breaks = NULL, expand = c(0, 0)) +
    ggplot2::coord_fixed(clip = "off") + # a name is cut nowhere, however high the picture is
    ggplot2::facet_wrap(
      "panel",
      ncol = columns, labeller = ggplot2::as_labeller(panel_titles(table, panels, strip_width(room, columns)))
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.box = "vertical", legend.key.width = ggplot2::unit(2 * base_size, "pt"),
      legend.spacing.y = ggplot2::unit(0.5 * base_size, "pt"),
      plot.title.position = "plot" # panels may be narrower than the picture, and lines of text are not
    ) +
    ggplot2::labs(
      title = "Interactions of bands by class",
      subtitle = interaction_subtitle(object, table, note, width, base_size),
      x = NULL, y = NULL,
      colour = "Sign of the mean interaction",
      linewidth = paste0("Mean |interaction| (", object$output, ")")
    )
}

interaction_subtitle <- function(object, table, note, width, base_size) {
  sources <- c(display_name("index", object$index), absent_as(object[["absent"]]))
  text <- two_lines(sources, object, table, paste0(interaction_meaning, note))
  wrap_lines(text, width, base_size)
}

# Panels with the number of their images.
panel_titles <- function(table, panels, width) {
  class_titles(list(class = as.character(table$panel), n = table$n), panels, width)
}

# Panels side by side: as square as possible, each with as many characters as it needs.
square_columns <- function(n_panels, room, needed) max(1, min(floor(room / needed), ceiling(sqrt(n_panels))))

# A legend with its title on top.
titled_legend <- function(...) {
  if (guides_by_theme()) ggplot2::guide_legend(...) else ggplot2::guide_legend(..., title.position = "top")
}
