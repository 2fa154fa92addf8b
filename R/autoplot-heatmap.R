# Share of importance as class x band tiles: which bands matter for which class, at a glance.

draw_heatmap <- function(object, values, free, width, base_size) {
  table <- tidy(object)
  table$value <- 100 * (if (free) of_largest(table, "share") else table$share)
  table$text <- sprintf("%.0f", 100 * table$share)
  highest <- max(table$value, 0, na.rm = TRUE)
  draw_tiles(
    object, table,
    palette = "share", limits = c(0, if (highest > 0) highest else 100),
    values = values, width = width, base_size = base_size
  ) +
    ggplot2::labs(
      title = "Share of importance by class and band",
      subtitle = wrap_lines(
        plot_subtitle(object, table, if (free) paste(own_colours, "share") else "each row adds up to 100 %"),
        width, base_size
      ),
      fill = if (free) "Share (% of the largest in its row)" else "Share (%)"
    )
}
