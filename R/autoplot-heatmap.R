# Share of importance as class x band tiles: which bands matter for which class, at a glance.

draw_heatmap <- function(object, values, width, base_size) {
  table <- tidy(object)
  table$value <- 100 * table$share
  table$text <- sprintf("%.0f", table$value)
  highest <- max(table$value, 0, na.rm = TRUE)
  draw_tiles(
    object, table,
    palette = "share", limits = c(0, if (highest > 0) highest else 100),
    values = values, width = width, base_size = base_size
  ) +
    ggplot2::labs(
      title = "Share of importance by class and band",
      subtitle = plot_subtitle(object, table, "each row adds up to 100 %"),
      fill = "Share (%)"
    )
}
