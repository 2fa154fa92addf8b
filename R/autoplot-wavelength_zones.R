# How bands go together along the spectrum: their correlations as tiles, with the zones outlined on the diagonal.

zone_tiles <- 0.62 # of the width, what tiles may take
zone_words <- 0.75 # of the width, what the subtitle may take: it begins above the names of the zones
zone_line <- 0.45 # how many lines a character is wide

#' @rdname wavelength_zones
#' @export
autoplot.wavelength_zones <- function(object, ..., width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    draw_zones(object, width, base_size)
  })
}

#' @rdname wavelength_zones
#' @export
plot.wavelength_zones <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

draw_zones <- function(object, width, base_size) {
  n <- length(object$bands)
  order <- object$order
  tiles <- expand.grid(x = seq_len(n), y = seq_len(n))
  tiles$value <- as.vector(object$correlation[order, order])
  zone <- as.integer(object$zone)[order]
  first <- match(seq_along(object$zones), zone)
  last <- first + tabulate(zone) - 1
  room <- zone_tiles * characters(width, base_size)
  names <- wrap(object$zones, 22)
  middle <- (first + last) / 2
  shown <- apart(middle, 1.2 * lengths(strsplit(names, "\n")) * n / (zone_line * room))
  ticks <- band_ticks(object$bands[order], object$wavelengths[order])
  upright <- longest(ticks$labels) + 1 > room / length(ticks$labels)
  if (!upright) { # round wavelengths are near each other where bands were taken out between them
    kept <- apart(ticks$positions, (nchar(ticks$labels) + 1) * n / room)
    ticks[c("positions", "labels")] <- list(ticks$positions[kept], ticks$labels[kept])
  }
  note <- sprintf(
    "outlined: %s of neighbours, %s, which share %.0f %% of the variance of their bands; %s",
    count(length(object$zones), "zone"), if (object$chosen) "chosen from the images" else "as asked for",
    100 * (1 - object$unshared_share), count(object$n_images, "image")
  )
  ggplot2::ggplot(tiles) +
    ggplot2::geom_tile(
      ggplot2::aes(.data$x, .data$y, fill = .data$value),
      colour = if (n <= named_bands) ink("paper") else NA, linewidth = 0.2
    ) +
    ggplot2::geom_rect(
      ggplot2::aes(xmin = .data$low, xmax = .data$high, ymin = .data$low, ymax = .data$high),
      data = data.frame(low = first - 0.5, high = last + 0.5), fill = NA, colour = ink("text"), linewidth = 0.4
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("signed")), limits = c(-1, 1), guide = colour_bar()
    ) +
    ggplot2::scale_x_continuous(
      breaks = ticks$positions, labels = ticks$labels, expand = ggplot2::expansion(add = 0.02 * n)
    ) +
    ggplot2::scale_y_reverse(
      breaks = middle[shown], labels = names[shown], expand = ggplot2::expansion(add = 0.02 * n)
    ) +
    ggplot2::coord_fixed() +
    theme_bandlens(base_size) +
    ggplot2::theme(
      axis.text.x = if (upright) {
        ggplot2::element_text(angle = 90, hjust = 1, vjust = 0.5)
      } else {
        ggplot2::element_text()
      }
    ) +
    ggplot2::labs(
      title = "Zones of bands that carry the same information",
      subtitle = wrap_lines(note, zone_words * width, base_size),
      x = ticks$title, y = NULL, fill = "Correlation over pixels"
    )
}

# Names that don't overlap, from the first on: those whose half ends before the next begins.
apart <- function(middle, height) {
  shown <- integer()
  for (at in seq_along(middle)) {
    before <- utils::tail(shown, 1)
    if (length(before) == 0 || middle[[at]] - middle[[before]] >= (height[[at]] + height[[before]]) / 2) {
      shown <- c(shown, at)
    }
  }
  shown
}
