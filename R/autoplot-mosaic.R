# Mosaics: a row of tiles per image, one tile per band, all on one diverging scale.
#
# All of a block is one panel, so that hundreds of tiles are quick to draw. Where bands are few, blocks of rows stand
# side by side.

tile_room <- 5 # characters of small print that a tile needs where rows are many
most_in_block <- 10 # rows that need no second block

# `values`: images x rows x cols x bands, with the names of the images and of the bands.
draw_mosaic <- function(values, names, bands, limit, width, base_size) {
  size <- dim(values)
  room <- characters(width, base_size)
  names <- wrap(names, max(4, floor(min(0.25 * room, 16))))
  left <- longest(names) + 2
  blocks <- if (size[[1]] > most_in_block) max(1, floor(room / (left + tile_room * size[[4]]))) else 1
  down <- ceiling(size[[1]] / blocks)
  blocks <- ceiling(size[[1]] / down)
  x_pitch <- size[[3]] + max(0.08 * size[[3]], 0.4)
  y_pitch <- size[[2]] + max(0.08 * size[[2]], 0.4)

  at <- expand.grid(
    col = seq_len(size[[3]]), row = seq_len(size[[2]]), band = seq_len(size[[4]]), image = seq_len(size[[1]])
  )
  at$value <- pmin(pmax(as.vector(aperm(values, c(3, 2, 4, 1))), -limit), limit)
  at$x <- (at$band - 1) * x_pitch + at$col
  at$y <- -((at$image - 1) * y_pitch + at$row)
  at$block <- (at$image - 1) %/% down
  # the last block is as high as the others
  ends <- data.frame(block = seq_len(blocks) - 1, x = 1)
  ends$y <- -(((ends$block + 1) * down - 1) * y_pitch + size[[2]])
  pitch <- (room / blocks - left) / size[[4]]
  turned <- longest(bands) + 0.5 > pitch
  text <- if (turned) ggplot2::element_text(angle = 90, hjust = 1, vjust = 0.5) else ggplot2::element_text()

  ggplot2::ggplot(at, ggplot2::aes(.data$x, .data$y)) +
    ggplot2::geom_blank(data = ends) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$value), width = 1, height = 1) +
    ggplot2::facet_wrap("block", nrow = 1, scales = "free_y") +
    signed_scale(limit) +
    ggplot2::scale_x_continuous(
      breaks = (seq_len(size[[4]]) - 1) * x_pitch + (size[[3]] + 1) / 2, labels = bands, expand = c(0, 0)
    ) +
    ggplot2::scale_y_continuous(
      breaks = -((seq_len(size[[1]]) - 1) * y_pitch + (size[[2]] + 1) / 2), labels = names, expand = c(0, 0)
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      aspect.ratio = (down * y_pitch - y_pitch + size[[2]]) / (size[[4]] * x_pitch - x_pitch + size[[3]]),
      axis.text.x = text, axis.ticks = ggplot2::element_blank(), strip.text.x = ggplot2::element_blank(),
      panel.spacing.x = ggplot2::unit(base_size, "pt")
    ) +
    ggplot2::labs(x = NULL, y = NULL)
}

# Positions of the bands that are shown, in their order: all that can be named, those with the most if there are more.
shown_bands <- function(amount) {
  sort(order(-amount)[seq_len(min(length(amount), named_bands))])
}
