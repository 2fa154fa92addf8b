# Mosaics: a row of tiles per image, one tile per band, all on one diverging scale.
#
# All of a block is one panel, so that hundreds of tiles are quick to draw. Where bands are few, blocks of rows stand
# side by side.

tile_room <- 5 # characters of small print that a tile needs where rows are many
most_in_block <- 10 # rows that need no second block

# `values`: images x rows x cols x bands, with the names of the images and of the bands. `front`: colours of pixels,
# images x rows x cols, that stand before each row. `raster` is quick for large images.
draw_mosaic <- function(values, names, bands, limit, width, base_size, front = NULL, raster = FALSE) {
  beside <- !is.null(front)
  size <- dim(values) + c(0, 0, 0, beside)
  bands <- c(if (beside) "RGB", bands)
  room <- characters(width, base_size)
  left <- mosaic_left(names, room)
  names <- mosaic_names(names, room)
  blocks <- if (size[[1]] > most_in_block) max(1, floor(room / (left + tile_room * size[[4]]))) else 1
  down <- ceiling(size[[1]] / blocks)
  blocks <- ceiling(size[[1]] / down)
  x_pitch <- size[[3]] + max(0.08 * size[[3]], 0.4)
  y_pitch <- size[[2]] + max(0.08 * size[[2]], 0.4)

  if (raster) { # on a grid of whole pixels
    x_pitch <- round(x_pitch)
    y_pitch <- round(y_pitch)
  }
  placed <- function(values, first) {
    mosaic_table(values, first, down, x_pitch, y_pitch, raster)
  }
  at <- placed(pmin(pmax(values, -limit), limit), beside)
  # the last block is as high as the others
  ends <- data.frame(block = seq_len(blocks) - 1, x = 1)
  ends$y <- -(((ends$block + 1) * down - 1) * y_pitch + size[[2]])
  pitch <- (room / blocks - left) / size[[4]]
  turned <- longest(bands) + 0.5 > pitch
  text <- if (turned) ggplot2::element_text(angle = 90, hjust = 1, vjust = 0.5) else ggplot2::element_text()

  ggplot2::ggplot(at, ggplot2::aes(.data$x, .data$y)) +
    ggplot2::geom_blank(data = ends) +
    mosaic_pixels(at, if (beside) placed(array(front, c(dim(front), 1)), 0), raster) +
    ggplot2::facet_wrap("block", nrow = 1, scales = "free_y") +
    signed_scale(limit, between = ink("paper")) +
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

mosaic_names <- function(names, room) wrap(names, max(4, floor(min(0.25 * room, 16))))

# Characters that names of rows take.
mosaic_left <- function(names, room) longest(mosaic_names(names, room)) + 2

# A row per pixel with its place; bands stand behind `first` others. A raster has pixels without values between images.
mosaic_table <- function(values, first, down, x_pitch, y_pitch, raster) {
  size <- dim(values)
  high <- if (raster) y_pitch else size[[2]]
  wide <- if (raster) x_pitch else size[[3]]
  at <- expand.grid(col = seq_len(wide), row = seq_len(high), band = seq_len(size[[4]]), image = seq_len(size[[1]]))
  inside <- at$col <= size[[3]] & at$row <= size[[2]]
  at$value <- values[NA_integer_]
  at$value[inside] <- as.vector(aperm(values, c(3, 2, 4, 1)))
  at$x <- (at$band - 1 + first) * x_pitch + at$col
  at$y <- -((at$image - 1) * y_pitch + at$row)
  at$block <- (at$image - 1) %/% down
  last <- at$image %% down == 0 | at$image == size[[1]]
  at[(at$col <= size[[3]] | at$band < size[[4]]) & (at$row <= size[[2]] | !last), ]
}

mosaic_pixels <- function(at, front, raster) {
  if (!is.null(front)) {
    front$value[is.na(front$value)] <- ink("paper")
  }
  fill <- ggplot2::aes(fill = .data$value)
  if (raster) {
    list(ggplot2::geom_raster(fill, at), if (!is.null(front)) ggplot2::geom_raster(data = front, fill = front$value))
  } else {
    list(
      ggplot2::geom_tile(fill, at, width = 1, height = 1),
      if (!is.null(front)) ggplot2::geom_tile(data = front, fill = front$value, width = 1, height = 1)
    )
  }
}

# Positions of the bands that are shown, in their order: all that can be named, those with the most if there are more.
shown_bands <- function(amount) {
  sort(order(-amount)[seq_len(min(length(amount), named_bands))])
}
