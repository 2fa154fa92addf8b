# Share of importance as class x band tiles: which bands matter for which class, at a glance.

draw_heatmap <- function(object, values, free, width, base_size) {
  table <- tidy(object)
  table$value <- 100 * (if (free) of_largest(table, "share") else table$share)
  table$text <- sprintf("%.0f", 100 * table$share)
  each <- alone(object)
  highest <- max(table$value, 0, na.rm = TRUE)
  draw_tiles(
    object, table,
    palette = "share", limits = c(0, if (highest > 0) highest else 100),
    values = values, width = width, base_size = base_size
  ) +
    ggplot2::labs(
      title = if (is.null(object$times)) "Share of importance by class and band" else "Share of importance over time",
      subtitle = wrap_lines(
        plot_subtitle(object, table, if (free) {
          paste(own_colours(each), "share")
        } else {
          paste0("each ", each, " adds up to 100 %", stepless(object))
        }),
        width, base_size
      ),
      fill = if (free) paste0("Share (% of the largest in its ", each, ")") else "Share (%)"
    )
}
