# How the band scores of one image lead from the mean output of the background to the image's own.
#
# Only scores that sum to the difference of the two can be shown like this. What they miss of it has a bar of its own
# where it is not negligible.

all_steps <- 12 # bands that are all shown
many_steps <- 10 # shown where there are more
negligible <- 0.01 # of the difference or the largest score
missed_name <- "missed by the scores"

draw_waterfall <- function(object, image, output, top, width, base_size) {
  if (is.null(object$residuals) || anyNA(object$base_values)) {
    cause(
      "result", "The picture \"waterfall\" needs band scores that add up to the output.",
      expected = "an additive method, such as \"deepshap\", \"expected_gradients\" or \"shapley\"",
      given = paste0("method \"", object$method, "\" with statistic \"", object$statistic, "\""),
      fix = "draw the type \"distribution\" or \"bars\""
    )
  }
  image <- as_map_position(image, length(object$image_class), "image")
  explained <- as_explained(output, object, image)
  base <- object$base_values[[image, explained]]
  value <- object$output_values[[image, explained]]
  steps <- waterfall_steps(object, image, explained, top, value - base)
  digits <- two_digits(c(steps$step, value - base))
  steps$text <- sprintf(paste0("%+.", digits, "f"), steps$step)
  steps$end <- base + cumsum(steps$step)
  steps$start <- c(base, utils::head(steps$end, -1))
  steps$right <- pmax(steps$start, steps$end)
  steps$row <- seq_len(nrow(steps))
  steps$sign <- ifelse(steps$name == missed_name, "none", ifelse(steps$step < 0, "-", "+"))
  points <- tibble::tibble(row = c(0, nrow(steps) + 1), at = c(base, value))
  points$text <- sprintf(paste0("%.", digits, "f"), points$at)

  room <- characters(width, base_size)
  start <- display_name("start", object$method, "mean of the background")
  labels <- wrap(c(start, steps$name, "this image"), floor(0.3 * room))
  panel <- room - longest(labels) - 4
  spread <- diff(range(steps$start, steps$end))
  gap <- 0.8 * (if (spread > 0) spread else 1) / panel
  signed <- unname(palette_colours("signed"))
  small <- small_print * base_size / ggplot2::.pt
  ggplot2::ggplot(steps) +
    ggplot2::geom_vline(
      ggplot2::aes(xintercept = .data$at),
      data = points, colour = ink("missing"), linetype = "dashed", linewidth = 0.3
    ) +
    ggplot2::geom_segment(
      ggplot2::aes(x = .data$end, xend = .data$end, y = .data$row - 0.35, yend = .data$row + 1),
      colour = ink("missing"), linewidth = 0.25
    ) +
    ggplot2::geom_rect(ggplot2::aes(
      xmin = pmin(.data$start, .data$end), xmax = .data$right, ymin = .data$row - 0.35, ymax = .data$row + 0.35,
      fill = .data$sign
    )) +
    ggplot2::geom_point(ggplot2::aes(.data$at, .data$row), data = points, colour = ink("text"), size = 1.2) +
    ggplot2::geom_text(
      ggplot2::aes(.data$right, .data$row, label = .data$text),
      hjust = 0, nudge_x = gap, size = small, colour = ink("text")
    ) +
    ggplot2::geom_text(
      ggplot2::aes(.data$at, .data$row, label = .data$text),
      data = points, hjust = 0, nudge_x = 1.4 * gap, size = small, fontface = "bold", colour = ink("text")
    ) +
    ggplot2::scale_fill_manual(
      values = c("+" = signed[[length(signed) - 1]], "-" = signed[[2]], none = ink("missing")), guide = "none"
    ) +
    ggplot2::scale_y_continuous(
      breaks = seq_along(labels) - 1, labels = labels, limits = c(-0.5, length(labels) - 0.5), expand = c(0, 0),
      minor_breaks = NULL
    ) +
    ggplot2::scale_x_continuous(
      expand = ggplot2::expansion(mult = c(0.04, 1.2 * (longest(steps$text) + 1) / panel))
    ) +
    theme_bandlens(base_size) +
    ggplot2::labs(
      title = "Band scores of one image",
      subtitle = map_subtitle(map_facts(object, image, explained), width, base_size),
      x = paste0("Output (", score_unit(object), ")"),
      y = if (anyNA(object$band_means[image, ])) "Band" else "Band (level in the image)"
    )
}

# From below: what scores miss, the other bands together, the smallest score, ..., the largest.
waterfall_steps <- function(object, image, explained, top, difference) {
  scores <- object$scores[image, explained, ]
  n <- if (is.null(top) && length(scores) > all_steps) many_steps else most_of(top, length(scores))
  by_size <- order(-abs(scores))
  kept <- by_size[seq_len(n)]
  rest <- by_size[-seq_len(n)]
  levels <- object$band_means[image, kept]
  missed <- difference - sum(scores)
  large <- abs(missed) > negligible * max(abs(difference), abs(scores))
  steps <- tibble::tibble(
    name = c(
      paste0(object$bands[kept], ifelse(is.na(levels), "", sprintf(" (%.3g)", levels))),
      if (length(rest) > 0) paste(length(rest), if (length(rest) > 1) "other bands" else "other band"),
      if (large) missed_name
    ),
    step = unname(c(scores[kept], if (length(rest) > 0) sum(scores[rest]), if (large) missed))
  )
  steps[rev(seq_len(nrow(steps))), ]
}

# Decimals that show two significant digits of the largest value, or three.
two_digits <- function(values) {
  largest <- max(abs(values))
  as.integer(max(0, 2 - floor(log10(if (largest > 0) largest else 1))))
}
