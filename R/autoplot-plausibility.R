# How well images whose bands were filled in are told from real ones, for each way to fill them.

# AUCs with intervals, a row per way and a panel per unit; the line is that of guessing.
draw_plausibility <- function(object, width = 175, base_size = 8) {
  table <- tidy(object)
  facts <- object$facts
  ways <- present(table$absent)
  columns <- if (width >= 120) length(unique(table$unit)) else 1
  titles <- c(pixel = "by spectra of pixels", image = "by means and spread of bands")
  note <- paste0(
    "AUC of a classifier of filled against real images, n = ", facts$n, " images, ", facts$folds,
    " folds; line: guessing; bars: 95 % interval"
  )
  ggplot2::ggplot(table, ggplot2::aes(.data$auc, .data$absent)) +
    ggplot2::geom_vline(xintercept = 0.5, colour = ink("missing"), linewidth = 0.5) +
    ggplot2::geom_segment(
      ggplot2::aes(x = .data$conf_low, xend = .data$conf_high, yend = .data$absent),
      linewidth = 0.5, colour = palette_colours("band")[[1]]
    ) +
    ggplot2::geom_point(size = 1.3, colour = palette_colours("band")[[1]]) +
    ggplot2::facet_wrap("unit", ncol = columns, labeller = ggplot2::as_labeller(titles)) +
    ggplot2::scale_x_continuous(breaks = c(0.5, 0.75, 1)) +
    ggplot2::scale_y_discrete(limits = rev(ways)) +
    ggplot2::coord_cartesian(xlim = c(min(0.45, table$conf_low), 1)) +
    theme_bandlens(base_size) +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)) +
    ggplot2::labs(
      title = "Are filled images told from real ones?", subtitle = wrap(note, floor(characters(width, base_size))),
      x = "AUC", y = "Absent bands"
    )
}
