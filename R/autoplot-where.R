# Maps of where an output comes from, over a composite of the image: images in rows, outputs or bands in columns.
#
# All maps share one scale, which a colour bar shows. Over a composite, which is grey there so that colours are the
# map's alone, a map is the more opaque the larger it is; it is interpolated between its places, for the picture only.

where_images <- 12 # most images of a picture
where_first <- 4 # images that are drawn where none are named
where_columns <- 7 # maps of an image that stand in a row of several images
where_pair <- 2 # panels of an image with which several images stand in a row
where_side <- 96 # pixels along a side of a panel; more would not be seen
where_tint <- c(0.1, 0.8) # opacity of a map over its image, from 0 to the largest value
where_steps <- 256 # colours of a map

#' Draw class activation maps
#'
#' `autoplot()` draws maps over composites of the images, images in rows and the explained outputs (with `by`, the bands
#' of the first of them) in columns, all on one scale, as a complete ggplot; `plot()` draws what `autoplot()` returns.
#'
#' @param object An `activation_maps`, of [class_activation_maps()] or [occlusion_maps()].
#' @param image Positions of images in these maps, from 1, up to 12. `NULL` takes the first four, of maps by band the
#'   first.
#' @param ... For `plot()`, passed on to `autoplot()`; else not used.
#' @param x For `plot()`, an `activation_maps`. For `autoplot()`, the images of these maps, all of them (of several
#'   inputs, a list of them, of which the first with rows and columns is shown): maps are drawn over a composite of
#'   three bands, more opaque where they are larger. Without it, maps are drawn as they are.
#' @inheritParams autoplot.band_maps
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' Over a composite, maps are interpolated linearly between their places, for the picture only. Where single values lie
#' far beyond all others, the scale ends at the 99.9 % quantile. Of many bands or outputs, those with the largest sum of
#' |values| are shown. The subtitle says so.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' images <- landsat$test$x[1:4, , , ]
#' maps <- class_activation_maps(model, images, landsat$test$y[1:4], target = "all")
#' autoplot(maps, image = 1:2, x = images)
#' @export
autoplot.activation_maps <- function(object, image = NULL, ..., x = NULL, rgb = NULL, width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    if (!is.null(rgb) && is.null(x)) {
      cause("option", "There is nothing to make a composite of.", expected = "the images `x`",
        given = "`rgb` without `x`"
      )
    }
    places <- where_places(object, image)
    pictures <- if (!is.null(x)) where_pictures(object, x)
    draw_where(object, places, where_shown(object, places), pictures, rgb, width, base_size)
  })
}

#' @rdname autoplot.activation_maps
#' @export
plot.activation_maps <- function(x, image = NULL, ...) {
  drawn <- autoplot(x, image, ...)
  print(drawn)
  invisible(drawn)
}

where_places <- function(object, image) {
  n <- dim(object$values)[[1]]
  if (is.null(image)) {
    return(seq_len(min(n, if (is.null(object$by)) where_first else 1)))
  }
  if (!length(image) %in% seq_len(where_images)) {
    cause("option", "These are not the images for one picture.", expected = paste("1 to", where_images, "images"),
      given = as.character(length(image))
    )
  }
  vapply(image, as_map_position, 1L, n, "image")
}

# Values (images x columns x rows x cols) of the outputs or bands that have room, which these are, and what to say.
where_shown <- function(object, places) {
  banded <- !is.null(object$by)
  size <- dim(object$values)
  values <- if (banded) object$values[places, 1, , , , drop = FALSE] else object$values[places, , , , drop = FALSE]
  values <- array(values, c(length(places), size[[if (banded) 3 else 2]], utils::tail(size, 2)))
  all <- dim(values)[[2]]
  most <- if (length(places) == 1) most_maps else where_columns
  columns <- seq_len(all)
  facts <- character()
  if (all > most) {
    columns <- sort(order(-apply(abs(values), 2, sum))[seq_len(most)])
    what <- if (banded) "bands" else "outputs"
    facts <- paste(most, "of", all, paste0(what, ", those with the largest sum of |values|"))
    values <- values[, columns, , , drop = FALSE]
  }
  end <- scale_end(values)
  if (end$beyond) {
    beyond <- sprintf("%.2g, %.4g %% of values", end$limit, 100 * (1 - end_quantile))
    facts <- c(facts, paste("the strongest colour stands for all beyond", beyond))
  }
  empty <- sum(apply(values == 0, 1:2, all_true))
  if (empty > 0) {
    facts <- c(facts, paste(empty, "of", prod(dim(values)[1:2]), "maps are 0 everywhere"))
  }
  list(values = values, columns = columns, limit = end$limit, signed = any(values < 0), facts = facts)
}

all_true <- function(values) all(values)

draw_where <- function(object, places, shown, pictures, rgb, width, base_size) {
  palette <- ramp(where_palette(shown$signed), seq(0, 1, length.out = where_steps))
  chosen <- if (!is.null(pictures)) where_rgb(pictures, rgb)
  facts <- c(shown$facts, chosen$fact)
  panels <- list()
  titles <- character()
  for (row in seq_along(places)) {
    place <- places[[row]]
    if (!is.null(pictures)) {
      below <- composite(pictures$values, image_numbers(object)[[place]], chosen$bands)
      panels <- c(panels, list(below))
      titles <- c(titles, where_image(object, place))
    }
    for (column in seq_along(shown$columns)) {
      own <- where_column(object, place, shown$columns[[column]])
      titles <- c(titles, if (is.null(pictures)) where_alone(object, place, own) else own)
      one <- array(shown$values[row, column, , ], dim(shown$values)[3:4])
      if (!is.null(pictures)) {
        one <- between_places(one, object$row_at, object$col_at, dim(below))
      }
      strength <- array(pmin(pmax(one / shown$limit, -1), 1), dim(one))
      coloured <- array(palette[where_step(strength, shown$signed)], dim(one))
      panels <- c(panels, list(if (is.null(pictures)) coloured else coloured_over(below, coloured, abs(strength))))
    }
  }
  check_most(length(panels), "panels", "draw fewer images, or ask for fewer outputs")
  keys <- as.character(seq_along(panels))
  images <- aperm(array(unlist(panels), c(dim(panels[[1]]), length(panels))), c(3, 1, 2))
  several <- length(places) > 1
  plot <- draw_images(
    pixel_table(keys, images, "colour"), stats::setNames(titles, keys),
    title = where_title(object), notes = c(where_source(object, places), paste(facts, collapse = "; ")),
    width = width, base_size = base_size,
    columns = if (several) {
      where_side_by_side(length(shown$columns) + !is.null(pictures), length(places), width, base_size)
    }
  )
  plot + where_bar(object, shown, keys)
}

# The bands of the composite, and what to say of them.
where_rgb <- function(pictures, rgb) {
  bands <- if (is.null(rgb)) composite_bands(pictures$bands, pictures$wavelengths) else as_rgb(rgb, pictures$bands)
  false <- false_colours(pictures, bands)
  list(bands = bands, fact = if (is.null(false)) paste("first:", composite_name(pictures, bands)) else false)
}

# Panels in a row: those of one image, or of as many images as have room where these have one map each.
where_side_by_side <- function(of_each, images, width, base_size) {
  most <- map_columns(of_each * images, characters(width, base_size))
  if (of_each <= where_pair) of_each * max(1, min(images, most %/% of_each)) else of_each
}

where_palette <- function(signed) if (signed) "signed" else "band_ramp"

# Images of the input that is shown (images x bands x rows x cols), and its bands.
where_pictures <- function(object, x) {
  inputs <- unique(as.character(object$inputs))
  own <- x
  mine <- seq_along(object$bands)
  if (length(inputs) > 0) {
    if (!is_image_list(x, inputs)) {
      cause("input", "`x` holds no images with rows and columns.",
        expected = paste("a list of the images of the inputs", some(paste0("\"", inputs, "\""))), given = shown(x)
      )
    }
    if (is.null(names(x))) {
      names(x) <- inputs
    }
    name <- Find(function(input) length(dim(x[[input]])) == 4, inputs)
    own <- x[[name]]
    mine <- which(object$inputs == name)
  }
  axis <- object$band_axes[[mine[[1]]]] + 1
  size <- dim(own)
  if (length(size) != 4 || size[[axis]] != length(mine) || size[[1]] < max(image_numbers(object))) {
    cause("input", "`x` are not the images of the maps.",
      expected = paste(max(image_numbers(object)), "images with rows, columns and", length(mine), "bands"),
      given = paste(size, collapse = " x ")
    )
  }
  values <- aperm(own, c(1, axis, setdiff(2:4, axis)))
  thin <- function(length) seq(1, length, by = ceiling(max(dim(values)[3:4]) / where_side))
  values <- values[, , thin(dim(values)[[3]]), thin(dim(values)[[4]]), drop = FALSE]
  list(values = values, bands = object$bands[mine], wavelengths = object$wavelengths[mine])
}

is_image_list <- function(x, inputs) {
  is.list(x) && (is.null(names(x)) && length(x) == length(inputs) || all(inputs %in% names(x))) &&
    any(vapply(x, function(one) length(dim(one)) == 4, NA))
}

# A map as large as an image: linear between its places, constant beyond the outermost.
between_places <- function(values, row_at, col_at, size) {
  weights <- function(at, length) {
    middle <- (seq_len(length) - 0.5) / length
    if (length(at) == 1) {
      return(matrix(1, length, 1))
    }
    apply(diag(length(at)), 1, function(one) stats::approx(at, one, middle, rule = 2)$y)
  }
  weights(row_at, size[[1]]) %*% values %*% t(weights(col_at, size[[2]]))
}

# Which of the palette's colours each value from -1 or 0 to 1 has.
where_step <- function(strength, signed) {
  part <- if (signed) (strength + 1) / 2 else pmax(strength, 0)
  floor(part * (where_steps - 1) + 0.5 + 1e-6) + 1
}

# Colours over the brightness of others (ITU-R BT.709), the more opaque the larger they stand for.
coloured_over <- function(below, colour, size) {
  opaque <- as.vector(where_tint[[1]] + diff(where_tint) * size)
  grey <- as.vector(c(0.2126, 0.7152, 0.0722) %*% grDevices::col2rgb(as.vector(below)))
  own <- grDevices::col2rgb(as.vector(colour))
  # The tiny offset makes halves round up here and in Python alike.
  mixed <- floor(t(t(own) * opaque) + rep((1 - opaque) * grey, each = 3) + 0.5 + 1e-6)
  array(sprintf("#%02X%02X%02X", mixed[1, ], mixed[2, ], mixed[3, ]), dim(below))
}

where_image <- function(object, place) {
  number <- image_numbers(object)[[place]]
  if (length(object$classes) == 1) {
    return(paste("image", number))
  }
  own <- as.character(object$image_class[[place]])
  predicted <- as.character(object$prediction[[place]])
  paste0(number, ": ", own, if (predicted != own) paste(", as", predicted))
}

where_column <- function(object, place, column) {
  if (!is.null(object$by)) map_names(object, column) else object$outputs[[object$image_output[place, column]]]
}

# What a panel is called that stands without its image: that of the image, and its output or band.
where_alone <- function(object, place, own) {
  name <- where_image(object, place)
  one <- is.null(object$by) && ncol(object$image_output) == 1 && own == as.character(object$image_class[[place]])
  if (one) name else paste0(name, "; ", own)
}

# The method, where it looked, and what is explained.
where_source <- function(object, places) {
  layer <- if (!is.null(object$layer)) paste0(", layer '", object$layer, "'")
  source <- paste0(display_name("map", object$method), layer)
  if (is.null(object$by)) {
    return(paste0(source, "; panels: ", object$output, " of the class that is named"))
  }
  explained <- unique(object$outputs[object$image_output[places, 1]])
  of <- if (length(explained) == 1) explained else "the class"
  paste0(source, "; ", object$output, " of ", of, "; panels: bands")
}

# A scale whose bar stands below, though pixels have colours of their own.
where_bar <- function(object, shown, keys) {
  end <- scale_tick(shown$limit)
  ticks <- if (shown$signed) c(-end, 0, end) else c(0, end)
  nothing <- tibble::tibble(panel = factor(keys[[1]], keys), row = 0, col = 0, value = 0)
  name <- if (object$method == "occlusion") {
    paste("Fall of the", object$output)
  } else if (is.null(object$by)) {
    paste0("Class activation (", object$output, ")")
  } else {
    "Change of the map with the band"
  }
  list(
    ggplot2::geom_point(
      ggplot2::aes(.data$col, .data$row, colour = .data$value),
      data = nothing, alpha = 0, inherit.aes = FALSE
    ),
    ggplot2::scale_colour_gradientn(
      colours = unname(palette_colours(where_palette(shown$signed))),
      limits = c(if (shown$signed) -shown$limit else 0, shown$limit), breaks = ticks,
      labels = sprintf("%.4g", ticks), guide = colour_bar()
    ),
    ggplot2::labs(colour = name)
  )
}
