# How strongly each kernel weighs each band: kernels in rows, bands in columns, the share of each band as a colour.

draw_kernel_profile <- function(object, width, base_size) {
  table <- tidy(object, "band")
  names <- as.character(object$kernel)
  table$kernel <- factor(table$kernel, rev(names))
  room <- characters(width, base_size) - 8
  named <- names[seq(1, length(names), by = ceiling(length(names) / 32))]
  ends <- c(0, max(table$share, 0, na.rm = TRUE))
  note <- paste0(object$kind, "; share of each band in the kernel's sum of norms over pixels")
  ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$kernel)) +
    ggplot2::geom_tile(
      ggplot2::aes(fill = .data$share),
      colour = if (room / length(object$bands) > 2) ink("paper") else NA, linewidth = 0.3
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("share")), limits = ends, labels = function(breaks) paste(100 * breaks, "%"),
      na.value = ink("missing"), guide = colour_bar()
    ) +
    ggplot2::scale_y_discrete(limits = rev(names), breaks = named, expand = c(0, 0)) +
    theme_bandlens(base_size) +
    band_axis(object, room) +
    ggplot2::labs(
      title = paste0("Bands that kernels of layer '", object$layer, "' weigh"),
      subtitle = wrap_lines(note, width, base_size), y = "Kernel", fill = "Share"
    )
}
