# How outputs answer to the level of a band: a curve per class in a panel per band, above the levels of the images.
#
# The y axis is one for all panels, so that weak bands look weak. Of curves of single images, each panel shows one class
# and one band.

level_bars <- 30 # of the histogram of levels
bars_high <- 0.16 # of the panel's height
bounds_beyond <- 0.5 # of the height of the curves, as far as intervals are drawn
most_output_rows <- 4
most_curves <- 100 # of single images per panel
most_own <- 4 # bands and classes with curves of single images

#' Draw response curves
#'
#' `autoplot()` draws the curves of [band_response()] as a complete ggplot, to which layers, scales and themes can be
#' added; `plot()` draws it. Accumulated local effects have a panel per band, with a curve and its 95 % interval for
#' each class above a histogram of the images' levels, all on one y axis. Curves of single images have a panel per class
#' and band, with their mean. Accumulated local effects at several steps in time have a panel per class and band, and a
#' line for each step, whose colour is when it is.
#'
#' @param object,x A [band_response()].
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param top How many bands to show, those whose curves span most on average over classes. `NULL` shows all up to nine,
#'   else six (of single images and of steps: four).
#' @param bands Which bands to show instead, by name or position.
#' @param classes Which classes to draw in colour, at most eight, the others in grey; of single images and of steps,
#'   which classes to show. `NULL` takes all, or the eight (four) whose curves span most.
#' @inheritParams autoplot.band_importance
#' @returns A [ggplot2::ggplot()]. The subtitle says what is not shown.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model()
#' response <- band_response(model, landsat$test$x, landsat$test$y, kind = "ice", only = "nir1", steps = 10)
#' autoplot(response)
#' @export
autoplot.band_response <- function(object, ..., top = NULL, bands = NULL, classes = NULL, width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    if (has_step_curves(object)) {
      return(draw_step_response(object, top, bands, classes, width, base_size))
    }
    draw <- if (object$kind == "ale") draw_response else draw_own_response
    draw(cells_in_words(object), top, bands, classes, width, base_size)
  })
}

#' @rdname autoplot.band_response
#' @export
plot.band_response <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

draw_response <- function(object, top, bands, classes, width, base_size) {
  table <- curve_table(object)
  chosen <- panel_bands(object$bands, curve_spans(table, "band", object$bands), bands, top)
  table <- curves_of(table, object, chosen)
  every <- present(table$class)
  front_classes <- coloured_classes(every, curve_spans(table, "class", every), classes)
  all_outputs <- if (several_outputs(table)) present(table$output)
  outputs <- coloured_classes(all_outputs, curve_spans(table, "output", all_outputs), NULL, most_output_rows)
  if (length(outputs) > 0) {
    table <- table[table$output %in% outputs, ]
  }
  table$line <- paste(table$class, table$output, sep = "\n")
  within <- intervals_within(table[table$class %in% front_classes, ])
  front <- within$table
  behind <- table[!table$class %in% front_classes, ]
  levels <- level_histogram(object, chosen, within$low, within$high)

  room <- characters(width, base_size) - 9
  columns <- max(1, min(floor(room / 20), ceiling(sqrt(length(chosen)))))
  titles <- band_titles(object, chosen, strip_width(room, if (length(outputs) > 0) length(chosen) else columns))
  strongest <- function(what, given) if (is.null(given)) paste0(what, ", those with the largest curves") else what
  note <- paste0(
    "shaded: 95 % confidence interval", if (within$cut) ", cut at the edges", "; grey bars: levels of the images",
    some_of(length(chosen), length(object$bands), strongest("bands", bands)),
    some_of(length(front_classes), length(every), strongest("classes in colour", classes)),
    some_of(length(outputs), length(all_outputs), "outputs, those with the largest curves")
  )
  known <- front[!is.na(front$std_error), ]
  plot <- ggplot2::ggplot(front, ggplot2::aes(.data$level, .data$effect, group = .data$line)) +
    ggplot2::geom_rect(
      ggplot2::aes(xmin = .data$left, xmax = .data$right, ymin = .data$bottom, ymax = .data$top),
      data = levels$bars, inherit.aes = FALSE, fill = ink("grid")
    ) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (nrow(behind) > 0) ggplot2::geom_line(data = behind, colour = ink("missing"), linewidth = 0.25)) +
    (if (nrow(known) > 0) {
      ggplot2::geom_ribbon(
        ggplot2::aes(ymin = .data$conf_low, ymax = .data$conf_high, fill = .data$class),
        data = known, alpha = 0.2, colour = NA, show.legend = FALSE
      )
    }) +
    ggplot2::geom_line(ggplot2::aes(colour = .data$class), linewidth = 0.45) +
    class_scale(front_classes, room) +
    ggplot2::scale_fill_manual(values = class_colours(front_classes), limits = front_classes, guide = "none") +
    level_axis(0.02) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0, 0.02))) +
    ggplot2::coord_cartesian(ylim = c(levels$floor, max(within$high, behind$effect))) +
    theme_bandlens(base_size) +
    level_look(base_size, legend = length(every) > 1) +
    ggplot2::labs(
      title = "Response to the level of a band, by class",
      subtitle = wrap_lines(response_subtitle(object, table, note), width, base_size),
      x = display_name("axis", "level"),
      y = paste0("Effect on the output (", object$output, ")")
    )
  if (length(outputs) == 0) {
    return(plot + ggplot2::facet_wrap(
      "band",
      ncol = columns, scales = "free_x", labeller = ggplot2::as_labeller(titles)
    ))
  }
  beside <- ggplot2::as_labeller(stats::setNames(wrap(paste(object$output, "of", outputs), 16), outputs))
  plot + ggplot2::facet_grid(
    rows = ggplot2::vars(.data$output), cols = ggplot2::vars(.data$band), scales = "free_x",
    labeller = ggplot2::labeller(.rows = beside, .cols = ggplot2::as_labeller(titles))
  )
}

draw_own_response <- function(object, top, bands, classes, width, base_size) {
  means <- curve_table(object)
  spans <- curve_spans(means, "band", object$bands)
  chosen <- panel_bands(object$bands, spans, bands, top, most_own, most_own)
  means <- curves_of(means, object, chosen)
  every <- present(means$class)
  most <- if (is.null(classes)) most_own else length(palette_colours("class"))
  shown_classes <- coloured_classes(every, curve_spans(means, "class", every), classes, most)
  table <- own_curve_table(object)
  table <- table[as.integer(table$band) %in% chosen & table$class %in% shown_classes, ]
  # with several outputs, a class is shown by its own where that is there
  own <- as.character(table$class) == as.character(table$output)
  if (several_outputs(table) && any(own)) {
    table <- table[own, ]
  }
  by_class <- split(seq_along(object$image_class), object$image_class, drop = TRUE)
  keep <- unlist(lapply(by_class, drawn_images, n = most_curves, seed = 0))
  drawn <- table[table$image %in% keep, ]
  drawn$line <- paste(drawn$image, drawn$output, sep = "\n")
  mean <- stats::aggregate(value ~ class + output + band + level, table, mean)

  room <- characters(width, base_size) - 9
  titles <- band_titles(object, chosen, strip_width(room, length(chosen)))
  beside <- class_titles(means, shown_classes, 14)
  strongest <- function(what, given) if (is.null(given)) paste0(what, ", those with the largest curves") else what
  note <- paste0(
    "lines: images; black: their mean, the partial dependence",
    if (max(lengths(by_class)[shown_classes]) > most_curves) {
      sprintf("; at most %d images of a class are drawn", as.integer(most_curves))
    },
    some_of(length(chosen), length(object$bands), strongest("bands", bands)),
    some_of(length(shown_classes), length(every), strongest("classes", classes))
  )
  ggplot2::ggplot(drawn, ggplot2::aes(.data$level, .data$value)) +
    ggplot2::geom_line(
      ggplot2::aes(colour = .data$class, group = .data$line),
      linewidth = 0.2, alpha = 0.45, show.legend = FALSE
    ) +
    ggplot2::geom_line(ggplot2::aes(group = .data$output), data = mean, colour = ink("text"), linewidth = 0.6) +
    ggplot2::scale_colour_manual(values = class_colours(shown_classes), limits = shown_classes) +
    level_axis(0.02) +
    ggplot2::facet_grid(
      rows = ggplot2::vars(.data$class), cols = ggplot2::vars(.data$band), scales = "free",
      labeller = ggplot2::labeller(.rows = ggplot2::as_labeller(beside), .cols = ggplot2::as_labeller(titles))
    ) +
    theme_bandlens(base_size) +
    level_look(base_size, legend = FALSE) +
    ggplot2::labs(
      title = "Response of single images to the level of a band",
      subtitle = wrap_lines(response_subtitle(object, table, note), width, base_size),
      x = display_name("axis", "level"),
      y = paste0("Output of the image (", object$output, ")")
    )
}

# Curves of some bands, of which at least one must have one.
curves_of <- function(table, object, chosen) {
  found <- table[as.integer(table$band) %in% chosen, ]
  if (nrow(found) == 0) {
    cause("result", "There is no curve of these bands.",
      expected = "bands whose level varies within a class; `missing` lists the others",
      given = some(object$bands[chosen])
    )
  }
  found
}

# How much curves span on average, by the names in a column.
curve_spans <- function(table, column, names) {
  if (length(names) == 0) {
    return(numeric())
  }
  curve <- interaction(table$class, table$output, table$band, drop = TRUE)
  spans <- vapply(split(table$effect, curve), function(effect) diff(range(effect)), 0)
  of <- vapply(split(as.character(table[[column]]), curve), `[[`, "", 1)
  vapply(names, function(name) if (any(of == name)) mean(spans[of == name]) else 0, 0)
}

# Intervals cut where they would make the curves flat, the ends of both, and whether any was cut.
intervals_within <- function(table) {
  ends <- range(table$effect)
  more <- bounds_beyond * if (diff(ends) > 0) diff(ends) else 1
  bounds <- c("conf_low", "conf_high")
  inside <- lapply(table[bounds], function(bound) pmin(pmax(bound, ends[[1]] - more), ends[[2]] + more))
  cut <- any(unlist(inside) != unlist(table[bounds]), na.rm = TRUE)
  table[bounds] <- inside
  all <- range(ends, unlist(inside), na.rm = TRUE)
  list(table = table, low = all[[1]], high = all[[2]], cut = cut)
}

# Bars of how many images have which levels, below the curves, and where they stand.
level_histogram <- function(object, chosen, low, high) {
  unit <- bars_high * if (high > low) high - low else 1
  floor <- low - 1.15 * unit
  bars <- lapply(chosen, function(at) {
    levels <- object$band_levels[, at]
    # of levels that are all the same, one bar
    ends <- if (diff(range(levels)) > 0) range(levels) else levels[[1]] + c(-0.5, 0.5)
    edges <- seq(ends[[1]], ends[[2]], length.out = level_bars + 1)
    counts <- tabulate(findInterval(levels, edges, rightmost.closed = TRUE, all.inside = TRUE), level_bars)
    tibble::tibble(
      band = from_codes(rep(at - 1L, level_bars), object$bands), left = edges[-length(edges)], right = edges[-1],
      bottom = floor, top = floor + unit * counts / max(counts)
    )
  })
  list(bars = do.call(rbind, bars), floor = floor)
}

response_subtitle <- function(object, table, note) {
  two_lines(display_name("response", object$kind), object, table, note)
}
