# Attributions of one image, a panel per band: where in the image each band raises the output, and where it lowers it.
#
# All panels share one scale that is symmetric about zero, so that bands can be compared. Where the images are given, a
# composite of three bands stands in front, to see what lies where. Images without two axes of pixels are drawn in
# autoplot-curves.R.

most_maps <- 25 # bands that are shown where there are more than are named
end_quantile <- 0.999 # where the scale ends if single values are far beyond
far_beyond <- 2 # times that quantile
most_tiles <- 12 # pixels along a side that are drawn as tiles with borders; more are an image

#' Draw the attributions of an image
#'
#' `autoplot()` draws the attributions of one image, a panel per band, on one scale that is symmetric about zero, as a
#' complete ggplot; `plot()` draws what `autoplot()` returns. Several images are drawn an image in a row, a band in a
#' column.
#'
#' @param object A [band_maps()].
#' @param image Position of the image in these maps, from 1, or of up to 12 images. An image that counts for several
#'   classes has maps for each: then it is the position of such maps.
#' @param output Which of the outputs that are explained for this image: its position among them, from 1, or its name.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param x For `plot()`, a [band_maps()]. For `autoplot()`, the images of these maps, all of them: a composite of three
#'   bands stands beside the attributions (the spectrum itself beside those of a spectrum). Each band is stretched from
#'   its 2 % to its 98 % quantile over all these images.
#' @param rgb Three bands of the composite, by name or position, for red, green and blue. `NULL` takes the bands of such
#'   light: by wavelength (those nearest to 660, 560 and 480 nm, where these are red, green and blue), else by name
#'   (red, green, blue; R, G, B; B4, B3, B2 of Sentinel-2 and Landsat 8; in capitals or not). Where they are not all
#'   there, it takes false colours, and the subtitle says of which bands.
#' @param scales `"free"` gives each of several images a scale of its own, so that weak ones can be seen.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' Of more than 26 bands, the 25 with the largest sum of |attribution| are shown, in the order of the bands; of several
#' images, as many bands as have room. Where
#' single values lie far beyond all others, the scale ends at the 99.9 % quantile. The subtitle says so. Spectra, and
#' images with one axis of pixels, are drawn as lines; more than two axes of pixels can't be drawn.
#'
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' images <- landsat$test$x[1:2, , , ]
#' maps <- band_maps(
#'   model, images, landsat$test$y[1:2],
#'   background = landsat$train$x, wavelengths = landsat$wavelengths
#' )
#' autoplot(maps)
#' autoplot(maps, image = 2, x = images, rgb = c("nir1", "red", "green"))
#' autoplot(maps, image = 1:2, x = images)
#' @export
autoplot.band_maps <- function(object, image = 1, output = 1, ..., x = NULL, rgb = NULL, scales = c("fixed", "free"),
                               width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    free <- choose(scales, c("fixed", "free"), "scales") == "free"
    if (length(image) > 1) {
      places <- as_map_places(image, object)
      explained <- vapply(places, function(place) as_explained(output, object, place), 1L)
      pictures <- if (!is.null(x)) map_images(object, x)
      return(draw_map_rows(object, places, explained, pictures, rgb, free, width, base_size))
    }
    if (free) {
      cause("option", "A single image has one scale.", expected = "scales = \"fixed\", or several images",
        given = shown(scales)
      )
    }
    image <- as_map_position(image, dim(object$values)[[1]], "image")
    explained <- as_explained(output, object, image)
    values <- bands_first(object$values, object$band_axis, c(image, explained))
    n_axes <- length(dim(values)) - 1
    if (n_axes > 2) {
      cause(
        "result", "The maps can't be drawn: their images have more than two axes of pixels.",
        expected = "images with two axes of pixels, or spectra",
        given = paste("pixels", paste(dim(values)[-1], collapse = " x ")),
        fix = "take `as.array()` or `tidy()`, and draw slices"
      )
    }
    if (!is.null(rgb) && (is.null(x) || n_axes < 2)) {
      cause(
        "option", "There is nothing to make a composite of.",
        expected = "the images `x`, with two axes of pixels",
        given = if (is.null(x)) "`rgb` without `x`" else paste("images with", n_axes, "axes of pixels")
      )
    }
    pictures <- if (!is.null(x)) map_images(object, x)
    switch(n_axes + 1,
      draw_map_spectrum(object, values, map_facts(object, image, explained), pictures, image, width, base_size),
      draw_map_positions(object, values, map_facts(object, image, explained), pictures, width, base_size),
      draw_maps(object, values, map_facts(object, image, explained), pictures, image, rgb, width, base_size)
    )
  })
}

#' @rdname autoplot.band_maps
#' @export
plot.band_maps <- function(x, image = 1, output = 1, ...) {
  drawn <- autoplot(x, image, output, ...)
  print(drawn)
  invisible(drawn)
}

draw_maps <- function(object, values, facts, pictures, image, rgb, width, base_size) {
  shown <- shown_maps(values)
  end <- scale_end(values)
  facts <- c(
    facts,
    if (length(shown) < length(object$bands)) maps_left_out(object, shown),
    if (end$beyond) far_note(end$limit)
  )
  limits <- c(-1, 1) * end$limit
  # panels are numbered, since bands may be called anything
  panels <- as.character(shown)
  names <- map_names(object, shown)
  size <- dim(values)[-1]
  tiles <- map_pixels(panels, size)
  inside <- pmin(pmax(values[shown, , , drop = FALSE], limits[[1]]), limits[[2]])
  tiles$value <- as.vector(aperm(inside, c(2, 3, 1)))
  if (!is.null(pictures)) {
    chosen <- if (is.null(rgb)) composite_bands(object$bands, object$wavelengths) else as_rgb(rgb, object$bands)
    front <- map_pixels("rgb", size)
    front$colour <- as.vector(composite(pictures, image, chosen))
    names <- c(composite_name(object, chosen), names)
    facts <- c(facts, false_colours(object, chosen))
    panels <- c("rgb", panels)
    front$panel <- factor(front$panel, panels)
  }
  tiles$panel <- factor(tiles$panel, panels)

  room <- characters(width, base_size)
  columns <- map_columns(length(panels), room)
  titles <- stats::setNames(wrap(names, strip_width(room, columns) - 1), panels)
  ticks <- c(-1, 0, 1) * scale_tick(end$limit)
  tiled <- max(size) <= most_tiles
  pixel <- function(...) {
    if (tiled) ggplot2::geom_tile(..., colour = ink("paper"), linewidth = 0.2) else ggplot2::geom_raster(...)
  }
  plot <- ggplot2::ggplot(tiles, ggplot2::aes(.data$col, .data$row)) +
    pixel(ggplot2::aes(fill = .data$value))
  if (!is.null(pictures)) {
    plot <- plot + pixel(data = front, fill = front$colour)
  }
  plot +
    ggplot2::facet_wrap("panel", ncol = columns, labeller = ggplot2::as_labeller(titles)) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("signed")), limits = limits, breaks = ticks, labels = sprintf("%.4g", ticks),
      guide = colour_bar()
    ) +
    ggplot2::scale_x_continuous(expand = c(0, 0)) +
    ggplot2::scale_y_continuous(expand = c(0, 0)) +
    ggplot2::coord_fixed() +
    theme_bandlens(base_size) +
    ggplot2::theme(
      axis.text = ggplot2::element_blank(), axis.ticks = ggplot2::element_blank(), strip.clip = "off"
    ) +
    ggplot2::labs(
      title = "Attribution of each pixel, by band", subtitle = map_subtitle(facts, width, base_size),
      x = NULL, y = NULL, fill = paste0("Attribution (", score_unit(object), ")")
    )
}

# First line of the subtitle, and what follows in the second.
map_facts <- function(object, image, explained) {
  name <- object$outputs[[object$image_output[image, explained]]]
  own <- as.character(object$image_class[[image]])
  predicted <- as.character(object$prediction[[image]])
  c(
    paste0(display_name("method", object$method), ", ", object$output, " of ", name, own_input(object)),
    paste0(
      "image ", image_numbers(object)[[image]], if (length(object$classes) > 1) paste0(": ", own),
      if (length(object$classes) > 1 && predicted != own) paste(", predicted as", predicted)
    ),
    # not for gradients, which tell of changes of the band
    if (score_unit(object) == object$output) paste("positive values raise the", object$output)
  )
}

# Which input the maps are of, where there are several.
own_input <- function(object) {
  if (is.null(object$input)) "" else paste("; input", object$input)
}

# What the ends of the scale stand for; without `limit`, of scales that differ.
far_note <- function(limit = NULL) {
  beyond <- sprintf("%.4g %% of values", 100 * (1 - end_quantile))
  if (!is.null(limit)) beyond <- sprintf("\u00b1%.2g, %s", limit, beyond)
  paste("the darkest colours stand for all beyond", beyond)
}

map_subtitle <- function(facts, width, base_size) {
  wrap_lines(paste0(facts[[1]], "\n", paste(facts[-1], collapse = "; ")), width, base_size)
}

maps_left_out <- function(object, shown) {
  sprintf("%d of %d bands, those with the largest sum of |attribution|", length(shown), length(object$bands))
}

# Positions of the bands that are shown, in their order.
shown_maps <- function(values) {
  n_bands <- dim(values)[[1]]
  if (n_bands <= named_bands) {
    return(seq_len(n_bands))
  }
  sort(order(-apply(abs(values), 1, sum))[seq_len(most_maps)])
}

map_names <- function(object, shown) {
  by_nm <- length(object$bands) > named_bands && !anyNA(object$wavelengths)
  (if (by_nm) sprintf("%.0f nm", object$wavelengths) else object$bands)[shown]
}

# One row per panel and pixel; rows of pixels count downwards.
map_pixels <- function(panels, size) {
  at <- expand.grid(row = -seq_len(size[[1]]), col = seq_len(size[[2]]), panel = panels, stringsAsFactors = FALSE)
  tibble::as_tibble(at[c("panel", "row", "col")])
}

# Panels side by side: as many as can be read, in rows as even as possible.
map_columns <- function(n_panels, room) {
  rows <- ceiling(n_panels / max(1, floor(room / 14)))
  ceiling(n_panels / rows)
}

# Where the scale ends on both sides of zero, and whether single values lie beyond.
scale_end <- function(values) {
  largest <- max(abs(values))
  usual <- stats::quantile(abs(values), end_quantile, names = FALSE)
  if (usual > 0 && far_beyond * usual < largest) {
    return(list(limit = usual, beyond = TRUE))
  }
  list(limit = if (largest > 0) largest else 1, beyond = FALSE)
}

# The last number of two digits before the end of the scale, to be written next to it.
scale_tick <- function(limit) {
  unit <- 10^(floor(log10(limit)) - 1)
  # the tiny factor keeps such numbers themselves
  signif(floor(limit / unit * (1 + 1e-9)) * unit, 2)
}

# One image as bands x pixels, or with `first` empty all of them as images x bands x pixels; without axes of a single
# pixel. `band_axis` is that of `values`, whose first axes, as many as `first` has entries, pick the image.
bands_first <- function(values, band_axis, first) {
  size <- dim(values)
  inside <- setdiff(seq_along(size), seq_along(first))
  index <- c(as.list(first), rep(list(TRUE), length(inside)))
  one <- array(do.call(`[`, c(list(values), index, list(drop = FALSE))), size[inside])
  band <- band_axis - length(first)
  order <- c(band, setdiff(seq_along(inside), band))
  pixels <- size[inside][order[-1]]
  array(aperm(one, order), c(size[[band_axis]], pixels[pixels > 1]))
}

# The images, images x bands x pixels, without axes of a single pixel.
map_images <- function(object, x) {
  x <- as_images(x)
  if (inherits(x, "python.builtin.object")) {
    x <- reticulate::py_to_r(x)
  }
  given <- image_dim(x)
  if (is.null(given)) {
    cause("input_type", "The images that are drawn beside maps must be in R.",
      expected = image_array, given = shown(x), fix = "read them into an array"
    )
  }
  expected <- dim(object$values)[-2]
  if (!is.null(object$images)) {
    expected[[1]] <- max(given[[1]], object$images)
  }
  if (!identical(as.integer(given), as.integer(expected))) {
    cause(
      "input", "`x` are not the images of the maps.",
      expected = paste(count(expected[[1]], "image"), "of", paste(expected[-1], collapse = " x ")),
      given = paste(given[[1]], "of", paste(given[-1], collapse = " x "))
    )
  }
  images <- lapply(seq_len(given[[1]]), function(i) {
    one <- if (is.list(x)) array(x[[i]], c(1, given[-1])) else x
    bands_first(one, object$band_axis - 1, if (is.list(x)) 1 else i)
  })
  if (!all(is.finite(unlist(images)))) {
    cause("input", "`x` holds values that are missing or infinite.", expected = "finite numbers everywhere")
  }
  size <- dim(images[[1]])
  images <- images[if (is.null(object$images)) seq_along(images) else object$images]
  images <- aperm(array(unlist(images), c(size, length(images))), c(length(size) + 1, seq_along(size)))
  # maps may have been made in another order of bands than their images have, which names tell
  own <- unlist(own_bands(x, object$band_axis - 2L))
  if (is.null(own) || !setequal(own, object$bands)) {
    return(images)
  }
  places <- c(list(TRUE, match(object$bands, own)), rep(list(TRUE), length(size) - 1))
  do.call(`[`, c(list(images), places, list(drop = FALSE)))
}

as_map_position <- function(given, n, name) {
  if (!is_count(given) || given > n) {
    cause("option", paste0("There is no such ", name, "."), expected = paste0("`", name, "` from 1 to ", n),
      given = shown(given)
    )
  }
  as.integer(given)
}

as_map_places <- function(given, object) {
  if (length(given) > most_map_rows) {
    cause("option", "These are too many images for one picture.", expected = paste("at most", most_map_rows),
      given = as.character(length(given))
    )
  }
  vapply(given, as_map_position, 1L, n = dim(object$values)[[1]], name = "image")
}

# Position of an output among those explained for an image.
as_explained <- function(given, object, image) {
  if (!rlang::is_string(given)) {
    return(as_map_position(given, ncol(object$image_output), "output"))
  }
  names <- object$outputs[object$image_output[image, ]]
  if (!given %in% names) {
    cause("option", "This output is not explained for this image.",
      expected = paste0("\"", names, "\"", collapse = " or "), given = shown(given), fix = nearest(given, names)
    )
  }
  match(given, names)
}
