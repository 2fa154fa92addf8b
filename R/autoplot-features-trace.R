# Activation over the steps: whether the images excite their features more and more, and have come to an end.
#
# Each line is relative to its own largest value, so that features of any strength share an axis.

draw_feature_trace <- function(object, width, base_size) {
  alive <- which(!object$dead)
  steps <- ncol(object$trace)
  if (steps < 2 || length(alive) == 0) {
    cause("result", "There is no trace to draw.", expected = "at least two steps, and a feature that is excited",
      given = paste0(count(steps, "step"), ", ", count(length(alive), "feature"), " excited")
    )
  }
  trace <- object$trace[alive, , drop = FALSE]
  largest <- apply(abs(trace), 1, max, na.rm = TRUE)
  part <- trace / ifelse(largest > 0, largest, 1)
  table <- tibble::tibble(
    image = rep(alive, each = steps), step = rep(seq_len(steps) - 1, length(alive)), value = as.vector(t(part))
  )
  table <- table[!is.na(table$value), ]
  middle <- tibble::tibble(step = seq_len(steps) - 1, value = apply(part, 2, stats::median, na.rm = TRUE))
  lines <- if (length(alive) == 1) "a line per image" else "a line per image, their median in front"
  dead <- sum(object$dead)
  note <- paste0(
    "activation: ", object$activation, "; ", lines, if (dead > 0) paste0("; ", dead, " dead left out")
  )
  ggplot2::ggplot(table, ggplot2::aes(.data$step, .data$value)) +
    ggplot2::geom_line(ggplot2::aes(group = .data$image), colour = ink("missing"), linewidth = 0.3) +
    ggplot2::geom_line(data = middle[!is.na(middle$value), ], colour = palette_colours("class")[[1]], linewidth = 0.6) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(0.01)) +
    ggplot2::scale_y_continuous(
      labels = function(breaks) paste(100 * breaks, "%"), expand = ggplot2::expansion(0.02)
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = paste0("Activation of layer '", object$layer, "' over the steps"),
      subtitle = wrap_lines(paste0(feature_source(object), "\n", note), width, base_size),
      x = "Step", y = "Activation (of each image's largest)"
    )
}
