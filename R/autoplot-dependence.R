# Band scores of the images against the level of the band, a panel per band: from which level on does a band speak for a
# class, and does it so for all images alike?

dependence_points <- 1000 # per panel; more hide each other and make heavy files

draw_dependence <- function(object, top, bands, width, base_size) {
  if (!is.null(object$drops) || anyNA(object$band_means)) {
    cause(
      "result", "The picture \"dependence\" needs band scores and band means of single images.",
      expected = "a method that scores each image",
      given = if (is.null(object$drops)) {
        "a result without band means"
      } else {
        paste0("method \"", object$method, "\" with a metric that is computed for a class at once")
      },
      fix = "draw the type \"heatmap\" or \"bars\""
    )
  }
  table <- tidy(object)
  share <- vapply(split(table$share, table$band), mean, 0)
  chosen <- panel_bands(object$bands, share, bands, top)
  every <- present(table$class)
  importance <- table[as.integer(table$band) %in% chosen, ]
  importance <- vapply(split(importance$importance, importance$class), mean, 0)
  named <- coloured_classes(every, importance[every], NULL)

  images <- max(1, dependence_points %/% ncol(object$image_output))
  points <- tidy(object, "image")
  # an image may have several rows of scores
  row <- rep(seq_along(object$image_class), each = prod(dim(object$scores)[-1]))
  points$level <- object$band_means[cbind(row, as.integer(points$band))]
  keep <- drawn_images(unique(image_numbers(object)), images, object$seed)
  points <- points[as.integer(points$band) %in% chosen & points$image %in% keep, ]
  front <- points[points$class %in% named, ]
  behind <- points[!points$class %in% named, ]

  room <- characters(width, base_size) - 9
  columns <- max(1, min(floor(room / 20), ceiling(sqrt(length(chosen)))))
  titles <- band_titles(object, chosen, strip_width(room, columns))
  note <- paste0(
    if (images < n_images(object)) {
      sprintf("points: %d images, drawn with seed %d", as.integer(images), as.integer(object$seed))
    } else {
      "points: images"
    },
    some_of(
      length(chosen), length(object$bands),
      if (is.null(bands)) "bands, those with the largest mean share" else "bands"
    ),
    some_of(length(named), length(every), "classes in colour, those with the largest importance")
  )
  ggplot2::ggplot(front, ggplot2::aes(.data$level, .data$score)) +
    ggplot2::geom_hline(yintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    (if (nrow(behind) > 0) ggplot2::geom_point(data = behind, colour = ink("missing"), size = 0.45, stroke = 0.2)) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$class), size = 0.6, stroke = 0.2, alpha = 0.8) +
    class_scale(named, room, override.aes = list(size = 1.5, alpha = 1)) +
    level_axis(0.05) +
    ggplot2::facet_wrap("band", ncol = columns, scales = "free_x", labeller = ggplot2::as_labeller(titles)) +
    theme_bandlens(base_size) +
    level_look(base_size, legend = length(every) > 1) +
    ggplot2::labs(
      title = "Band scores against the level of the band",
      subtitle = wrap_lines(plot_subtitle(object, table, note), width, base_size),
      x = display_name("axis", "level"),
      y = paste0("Band score (", score_unit(object), ")")
    )
}
