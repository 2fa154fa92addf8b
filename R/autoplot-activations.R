# Activations of a layer by one image: a map per feature.

#' Draw activations
#'
#' `autoplot()` draws the activations of a layer by one image, a map per feature, all on one scale, as a complete
#' ggplot; `plot()` draws what `autoplot()` returns.
#'
#' @param object,x A [layer_activations()].
#' @param image Position of the image among those that were given, from 1.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' The scale is sequential where no activation is negative, else symmetric about zero. Layers with one axis of positions
#' are drawn as lines, layers without positions as bars. A picture has at most 64 features with positions: choose them
#' by the `features` of [layer_activations()].
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' autoplot(layer_activations(model, landsat$test$x[1:3, , , ], "re_lu"), image = 2)
#' @export
autoplot.layer_activations <- function(object, image = 1, ..., width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    size <- dim(object$values)
    image <- as_map_position(image, size[[1]], "image")
    n_axes <- length(size) - 2
    if (n_axes > 2) {
      cause("result", "The activations can't be drawn: they have more than two axes of positions.",
        expected = "a layer with rows and columns, or fewer", given = paste("positions", positions_of(object)),
        fix = "take `as.array()` or `tidy()`, and draw slices"
      )
    }
    if (n_axes > 0) {
      check_most(length(object$names), "features", "choose some by the `features` of `layer_activations()`")
    }
    # positions x features
    values <- array(object$values, c(size[[1]], prod(size[-c(1, n_axes + 2)]), size[[n_axes + 2]]))
    values <- array(values[image, , ], dim(values)[-1])
    names <- paste("feature", object$names)
    silent <- sum(colSums(values != 0) == 0)
    note <- paste0(
      "image ", image, "; ", object$kind, ", all features on one scale",
      if (silent > 0) paste0("; ", silent, " of ", length(names), " features silent")
    )
    title <- paste0("Activations of layer '", object$layer, "'")
    switch(n_axes + 1,
      activation_bars(values, object$names, title, note, width, base_size),
      activation_lines(values, names, title, note, width, base_size),
      activation_maps(array(t(values), c(length(names), size[2:3])), names, title, note, width, base_size)
    )
  })
}

#' @rdname autoplot.layer_activations
#' @export
plot.layer_activations <- function(x, image = 1, ...) {
  drawn <- autoplot(x, image, ...)
  print(drawn)
  invisible(drawn)
}

activation_maps <- function(maps, names, title, note, width, base_size) {
  panels <- as.character(seq_along(names))
  largest <- max(abs(maps))
  if (largest == 0) {
    largest <- 1
  }
  ticks <- c(0, scale_tick(largest))
  scale <- if (any(maps < 0)) {
    signed_scale(largest)
  } else {
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("share")), limits = c(0, largest), breaks = ticks,
      labels = sprintf("%.4g", ticks), guide = colour_bar()
    )
  }
  draw_images(
    pixel_table(panels, maps, "value"), stats::setNames(names, panels),
    title = title, notes = note, width = width, base_size = base_size, scale = scale, fill = "Activation"
  )
}

activation_lines <- function(values, names, title, note, width, base_size) {
  room <- characters(width, base_size) - 8
  columns <- max(1, min(floor(room / 18), ceiling(sqrt(length(names)))))
  table <- tibble::tibble(
    panel = factor(rep(seq_along(names), each = nrow(values)), seq_along(names)),
    position = rep(seq_len(nrow(values)), length(names)), value = as.vector(values)
  )
  titles <- stats::setNames(names, seq_along(names))
  ggplot2::ggplot(table, ggplot2::aes(.data$position, .data$value)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::geom_line(colour = palette_colours("class")[[1]], linewidth = 0.4) +
    ggplot2::facet_wrap("panel", ncol = columns, labeller = ggplot2::as_labeller(titles)) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(0.02)) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = title, subtitle = wrap_lines(note, width, base_size), x = "Position", y = "Activation"
    )
}

activation_bars <- function(values, names, title, note, width, base_size) {
  room <- characters(width, base_size) - 8
  every <- max(1, ceiling(length(names) * (longest(names) + 1.5) / room))
  table <- tibble::tibble(place = seq_along(names), value = as.vector(values))
  labelled <- seq(1, length(names), by = every)
  ggplot2::ggplot(table, ggplot2::aes(.data$place, .data$value)) +
    ggplot2::geom_col(fill = palette_colours("share")[[7]], width = 0.8) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::scale_x_continuous(
      breaks = labelled, labels = names[labelled], expand = ggplot2::expansion(add = 0.6), minor_breaks = NULL
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(title = title, subtitle = wrap_lines(note, width, base_size), x = "Feature", y = "Activation")
}
