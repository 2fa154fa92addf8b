# Quality of explanations: tiles of metrics x methods, coloured by rank, with the values in them.

draw_quality <- function(object, width = 175, base_size = 8) {
  table <- tidy(object)
  methods <- levels(table$method)
  metrics <- levels(table$metric)
  worst <- max(length(methods), 2)
  table$place <- (worst - table$rank) / (worst - 1)
  known <- table[!is.na(table$rank), ]
  large <- abs(known$value) >= 99.5 # no powers of ten in a tile
  known$text <- formatC(known$value, digits = 2, format = "g")
  known$text[large] <- formatC(known$value[large], digits = 0, format = "f")
  known$ink <- text_on(ramp("share", known$place))
  better <- as.character(table$better[match(metrics, table$metric)])
  named <- paste0(vapply(metrics, display_name, "", what = "quality"), " (", better, " is better)")
  note <- paste0(
    "n = ", object$facts$images, " images; means over images; the darker, the better the rank among these methods"
  )
  ggplot2::ggplot(table, ggplot2::aes(.data$method, .data$metric)) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$place), colour = ink("paper"), linewidth = 0.4) +
    ggplot2::geom_text(
      ggplot2::aes(label = .data$text, colour = .data$ink),
      data = known, size = small_print * base_size / ggplot2::.pt
    ) +
    ggplot2::scale_colour_identity() +
    ggplot2::scale_fill_gradientn(
      colours = palette_colours("share"), limits = c(0, 1), na.value = ink("missing"), guide = "none"
    ) +
    ggplot2::scale_x_discrete(
      limits = methods, labels = wrap(vapply(methods, display_name, "", what = "method"), 14), expand = c(0, 0)
    ) +
    ggplot2::scale_y_discrete(limits = rev(metrics), labels = rev(named), expand = c(0, 0)) +
    theme_bandlens(base_size) +
    ggplot2::labs(
      title = "Quality of explanations", subtitle = wrap(note, floor(characters(width, base_size))), x = NULL, y = NULL
    )
}
