# Mean signed band score as class x band tiles: which bands raise the explained output, and which lower it.

draw_effect <- function(object, values, free, width, base_size) {
  if (!object$signed) {
    cause(
      "result", "The picture \"effect\" needs band scores with a sign.",
      expected = "a result whose statistic keeps the sign, such as \"band_sum\"",
      given = paste0("method \"", object$method, "\" with statistic \"", object$statistic, "\""),
      fix = "draw the type \"heatmap\" or \"bars\""
    )
  }
  table <- tidy(object)
  table$value <- table$effect
  largest <- max(abs(table$value), 0, na.rm = TRUE)
  if (largest == 0) largest <- 1
  ends <- rep(largest, nrow(table))
  if (free) {
    table$value <- of_largest(table, "effect")
    ends <- ifelse(table$value != 0, table$effect / table$value, 1)
    largest <- 1
  }
  ends[is.na(ends)] <- 1 # of a class without effects nothing is printed
  digits <- pmax(0, 1 - floor(log10(ends))) # two significant ones in the largest
  table$text <- sprintf("%.*f", as.integer(digits), round(table$effect, digits) + 0)
  draw_tiles(
    object, table,
    palette = "signed", limits = c(-largest, largest), values = values, width = width, base_size = base_size
  ) +
    ggplot2::labs(
      title = if (is.null(object$times)) "Effect of each band by class" else "Effect over time",
      subtitle = wrap_lines(
        plot_subtitle(object, table, paste0(
          "positive values raise the ", object$output, stepless(object),
          if (free) paste0("; ", own_colours(alone(object)))
        )),
        width, base_size
      ),
      fill = paste0(
        "Mean band score (", if (free) paste("part of the largest in its", alone(object)) else score_unit(object), ")"
      )
    )
}
