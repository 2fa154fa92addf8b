# Band scores of single images, a panel per class: does a band matter for all images of a class, or for a few?
#
# Points spread in proportion to the density of scores, as in a violin. Their places follow a fixed sequence, not
# chance, so that the picture is the same each time, and in Python. Colour shows how bright an image is in the band: its
# rank among all images, so that bands on different scales and single bright images do no harm.

most_rows <- 15 # bands that are all shown
many_rows <- 10 # shown where there are more
few_images <- 30 # of the largest class: then there is room for larger points
most_points <- 1000 # per panel; more hide each other and make heavy files
half_width <- 0.42 # of the points of a band to either side, in bands
golden <- (sqrt(5) - 1) / 2

draw_distribution <- function(object, top, free, width, base_size) {
  if (!is.null(object$drops)) {
    cause(
      "result", "The picture \"distribution\" needs band scores of single images.",
      expected = "a method that scores each image",
      given = paste0("method \"", object$method, "\" with a metric that is computed for a class at once"),
      fix = "draw the type \"heatmap\" or \"bars\""
    )
  }
  table <- tidy(object)
  chosen <- chosen_bands(object, table, top)
  rows <- length(chosen)
  classes <- present(table$class)
  outputs <- if (several_outputs(table)) present(table$output)
  points <- image_points(object, chosen)
  bright <- !anyNA(points$brightness)

  room <- characters(width, base_size) - 4
  by_nm <- length(object$bands) > named_bands && !anyNA(object$wavelengths)
  names <- (if (by_nm) sprintf("%.0f", object$wavelengths) else object$bands)[chosen]
  names <- wrap(names, floor(min(0.3 * room, 20)))
  room <- room - longest(names)
  columns <- if (is.null(outputs)) {
    max(1, min(floor(room / (if (free) 26 else 18)), ceiling(sqrt(length(classes)))))
  } else {
    length(outputs)
  }
  strip <- strip_width(room, columns)
  titles <- ggplot2::as_labeller(class_titles(table, classes, if (is.null(outputs)) strip else 14))

  note <- distribution_note(object, points, rows, free)
  # a line would hide the point of a single image
  means <- table[as.integer(table$band) %in% chosen & table$n > 1, ]
  means$mean <- if (object$signed) means$effect else means$importance
  means$row <- rows + 1 - match(as.integer(means$band), chosen)

  plot <- ggplot2::ggplot(points, ggplot2::aes(.data$score, .data$row)) +
    ggplot2::geom_vline(xintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::scale_y_continuous(
      breaks = rev(seq_len(rows)), labels = names, limits = c(0.5, rows + 0.5), expand = c(0, 0), minor_breaks = NULL
    ) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = "Band scores of the images, by class",
      subtitle = wrap_lines(plot_subtitle(object, table, note), width, base_size),
      x = paste0("Band score (", score_unit(object), ")"),
      y = if (by_nm) "Wavelength (nm)" else "Band"
    )
  plot <- plot + score_points(classes, bright, if (max(table$n) > few_images) 0.45 else 1)
  if (nrow(means) > 0) {
    plot <- plot + ggplot2::geom_segment(
      ggplot2::aes(x = .data$mean, xend = .data$mean, y = .data$row - 0.36, yend = .data$row + 0.36),
      data = means, linewidth = 0.5, colour = ink("text")
    )
  }
  if (free) {
    plot <- plot + ggplot2::scale_x_continuous(n.breaks = 4) +
      # the numbers of a panel and those of the next one need some room
      ggplot2::theme(panel.spacing.x = ggplot2::unit(2.5 * base_size, "pt"))
  }
  plot + distribution_panels(object, outputs, titles, columns, strip, free)
}

distribution_note <- function(object, points, rows, free) {
  drawn_fewer <- nrow(points) < length(object$image_output) * rows
  paste(c(
    "black line: mean",
    if (drawn_fewer) {
      sprintf("points: at most %d images per class, drawn with seed %d", images_drawn(rows), as.integer(object$seed))
    },
    if (rows < length(object$bands)) {
      sprintf("%d of %d bands, those with the largest mean share", rows, length(object$bands))
    },
    if (free) own_scales
  ), collapse = "; ")
}

# Points in the colours of band means; where these tell nothing, of classes.
score_points <- function(classes, bright, size) {
  if (bright) {
    list(
      ggplot2::geom_point(ggplot2::aes(colour = .data$brightness), size = size, stroke = 0.2),
      ggplot2::scale_colour_gradientn(
        colours = unname(palette_colours("band_ramp")), limits = c(0, 1), breaks = c(0, 0.5, 1),
        labels = c("lowest", "median", "highest"), guide = colour_bar(), name = "Band mean of the image"
      )
    )
  } else {
    list(
      ggplot2::geom_point(ggplot2::aes(colour = .data$class), size = size, stroke = 0.2, show.legend = FALSE),
      ggplot2::scale_colour_manual(values = class_colours(classes), limits = classes)
    )
  }
}

distribution_panels <- function(object, outputs, titles, columns, strip, free) {
  scales <- if (free) "free_x" else "fixed"
  if (is.null(outputs)) {
    return(ggplot2::facet_wrap("class", ncol = columns, scales = scales, labeller = titles))
  }
  above <- ggplot2::as_labeller(output_titles(object, outputs, strip))
  if (free) {
    labels <- ggplot2::labeller(class = titles, output = above)
    return(ggplot2::facet_wrap(c("class", "output"), ncol = columns, scales = scales, labeller = labels))
  }
  ggplot2::facet_grid(
    rows = ggplot2::vars(.data$class), cols = ggplot2::vars(.data$output),
    labeller = ggplot2::labeller(.rows = titles, .cols = above)
  )
}

# Positions of the bands that are shown, in their order.
chosen_bands <- function(object, table, top) {
  n_bands <- length(object$bands)
  n <- if (is.null(top) && n_bands > most_rows) many_rows else most_of(top, n_bands)
  share <- vapply(split(table$share, table$band), mean, numeric(1), na.rm = TRUE)
  share[is.nan(share)] <- 0
  sort(order(-share)[seq_len(n)])
}

# How many images of a class are drawn.
images_drawn <- function(n_bands) max(1L, as.integer(most_points %/% n_bands))

# Scores of the drawn images with their places.
image_points <- function(object, chosen) {
  by_class <- split(seq_along(object$image_class), object$image_class, drop = TRUE)
  keep <- unlist(lapply(by_class, drawn_images, n = images_drawn(length(chosen)), seed = object$seed))
  points <- tidy(object, "image")
  points <- points[points$image %in% keep & as.integer(points$band) %in% chosen, ]
  points$brightness <- brightness(object$band_means)[cbind(points$image, as.integer(points$band))]
  offset <- stats::ave(
    points$score, points$class, points$output, points$band,
    drop = TRUE,
    FUN = function(values) if (length(values) > 0) spread_out(values) else values
  )
  points$row <- length(chosen) + 1 - match(as.integer(points$band), chosen) + half_width * offset
  points
}

# Rank of each image's band means among all images, from 0 to 1; missing where they are unknown or tell nothing.
brightness <- function(means) {
  ranks <- vapply(seq_len(ncol(means)), function(band) rank(means[, band]) - 1, numeric(nrow(means)))
  known <- !anyNA(means) && any(apply(means, 2, function(band) length(unique(band)) > 1))
  array(if (known) ranks / (nrow(means) - 1) else NA_real_, dim(means))
}

# At most `n` of the images, spread evenly over them; the same in Python, whose random numbers are others.
drawn_images <- function(images, n, seed) {
  key <- (seq_along(images) * golden + seed * sqrt(2)) %% 1
  images[sort(utils::head(order(key), n))]
}

# Places from -1 to 1 next to each value: wide where values are dense, in a fixed sequence without clumps.
spread_out <- function(values) {
  n <- length(values)
  turn <- numeric(n)
  turn[order(values)] <- 2 * ((seq_len(n) * golden) %% 1) - 1
  widths <- c(
    sqrt(mean((values - mean(values))^2)),
    diff(stats::quantile(values, c(0.25, 0.75), names = FALSE)) / 1.34
  )
  widths <- widths[widths > 0]
  if (n < 2 || length(widths) == 0) {
    return(turn)
  }
  width <- 0.9 * min(widths) * n^-0.2 # Silverman's rule
  density <- rowSums(exp(-0.5 * (outer(values, values, "-") / width)^2))
  turn * density / max(density)
}
