# Attributions of several images, an image in a row and a band in a column, beside their composites.
#
# One scale for all shows which images have the larger attributions; a scale for each shows where they are in weak ones.

most_map_rows <- 12
map_room <- 7 # characters that a band needs at least

# `places`: positions of the images; `explained`: of the output of each; `pictures`: all images, or NULL.
draw_map_rows <- function(object, places, explained, pictures, rgb, free, width, base_size) {
  values <- map_row_values(object, places, explained)
  if (!is.null(rgb) && is.null(pictures)) {
    cause("option", "There is nothing to make composites of.", expected = "the images `x`", given = "`rgb` without `x`")
  }
  rows <- map_row_names(object, places, explained)
  shown <- map_columns_shown(object, values, rows$names, !is.null(pictures), characters(width, base_size))
  ends <- if (free) lapply(values, scale_end) else list(scale_end(unlist(values)))
  if (free) {
    values <- Map(function(one, end) one / end$limit, values, ends)
  }
  limit <- if (free) 1 else ends[[1]]$limit
  chosen <- if (is.null(rgb)) composite_bands(object$bands, object$wavelengths) else as_rgb(rgb, object$bands)
  beyond <- any(vapply(ends, `[[`, NA, "beyond"))
  facts <- c(
    map_row_facts(object, shown, free), if (beyond) far_note(if (!free) limit),
    if (!is.null(pictures)) composites_note(object, chosen)
  )
  tiles <- map_row_tiles(values, shown)
  draw_mosaic(
    tiles, rows$names, wrap(map_names(object, shown), map_room), limit, width, base_size,
    front = if (!is.null(pictures)) map_row_composites(pictures, places, chosen),
    raster = max(dim(tiles)[2:3]) > most_tiles
  ) +
    ggplot2::labs(
      title = "Attribution by image and band", subtitle = map_subtitle(c(rows$source, facts), width, base_size),
      fill = paste0("Attribution (", if (free) "part of the largest of its image" else score_unit(object), ")")
    )
}

# Attributions of each image, bands x rows x cols.
map_row_values <- function(object, places, explained) {
  values <- lapply(seq_along(places), function(at) {
    bands_first(object$values, object$band_axis, c(places[[at]], explained[[at]]))
  })
  n_axes <- length(dim(values[[1]])) - 1
  if (n_axes != 2) {
    cause("option", "Several images are drawn together where they have two axes of pixels.", expected = "one image",
      given = paste(length(places), "images with", n_axes, "axes of pixels")
    )
  }
  values
}

# The same as images x rows x cols x bands that are shown.
map_row_tiles <- function(values, shown) {
  size <- c(dim(values[[1]])[-1], length(shown))
  tiles <- vapply(values, function(one) aperm(one[shown, , , drop = FALSE], c(2, 3, 1)), array(0, size))
  aperm(array(tiles, c(size, length(values))), c(4, 1, 2, 3))
}

# Colours of pixels, images x rows x cols.
map_row_composites <- function(pictures, places, chosen) {
  size <- dim(pictures)[3:4]
  colours <- vapply(places, function(place) composite(pictures, place, chosen), array("", size))
  aperm(array(colours, c(size, length(places))), c(3, 1, 2))
}

map_row_facts <- function(object, shown, free) {
  c(
    "rows: images with their classes, as predicted where that differs",
    if (score_unit(object) == object$output) paste("positive values raise the", object$output),
    if (length(shown) < length(object$bands)) maps_left_out(object, shown),
    if (free) "colours can't be compared between images: each has its own scale, up to its largest"
  )
}

composites_note <- function(object, chosen) {
  false <- false_colours(object, chosen)
  if (is.null(false)) paste("first:", composite_name(object, chosen)) else false
}

# What rows are called, and the first line of the subtitle: the method and what is explained.
map_row_names <- function(object, places, explained) {
  outputs <- object$outputs[object$image_output[cbind(places, explained)]]
  own <- as.character(object$image_class[places])
  predicted <- as.character(object$prediction[places])
  bracketed <- length(unique(outputs)) > 1 && !identical(outputs, own)
  what <- if (length(unique(outputs)) == 1) {
    paste(object$output, "of", outputs[[1]])
  } else if (bracketed) {
    paste(object$output, "of outputs named in brackets")
  } else {
    paste("class", object$output)
  }
  numbers <- image_numbers(object)[places]
  names <- if (length(object$classes) == 1) paste("image", numbers) else paste0(numbers, ": ", own)
  list(
    names = paste0(
      names, ifelse(predicted == own, "", paste0(", as ", predicted)), if (bracketed) paste0(" [", outputs, "]")
    ),
    source = paste0(display_name("method", object$method), ", ", what, own_input(object))
  )
}

# Positions of the bands that have room, in their order.
map_columns_shown <- function(object, values, rows, beside, room) {
  needed <- max(map_room, longest(wrap(map_names(object, seq_along(object$bands)), map_room)) + 1)
  most <- max(1, floor((room - mosaic_left(rows, room)) / needed) - beside)
  amount <- rowSums(vapply(values, function(one) apply(abs(one), 1, sum), numeric(length(object$bands))))
  sort(utils::head(order(-amount), most))
}
