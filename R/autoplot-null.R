# What a method said of a band of noise and of two equal bands, next to what it should have said.

# Importances as dots in rings that stand where they should be, a row per class and a panel per role.
draw_null <- function(object, width = 175, base_size = 8) {
  table <- tidy(object)
  facts <- object$facts
  room <- characters(width, base_size)
  table$row <- as.character(table$class)
  if (several_outputs(table)) {
    table$row <- paste(table$row, "->", table$output)
  }
  rows <- unique(table$row)
  columns <- if (width >= 120) 4 else 2
  roles <- c(
    noise = "noise, ignored by the model", original = paste0(facts$duplicate, ", next to its copy"),
    copy = paste("copy of", facts$duplicate), both = paste(facts$duplicate, "and copy together")
  )
  titles <- stats::setNames(wrap(roles, floor(0.7 * room / columns)), names(roles))
  table$result <- ifelse(is.na(table$outcome), "nothing expected", as.character(table$outcome))
  kinds <- c(
    passed = palette_colours("band")[[1]], failed = palette_colours("band")[[3]], "nothing expected" = ink("subtle")
  )
  note <- paste0(
    display_name("method", facts$method), ", ", display_name("statistic", facts$statistic), "; n = ", facts$n,
    " images; rings: what the method implies", if ("time" %in% names(table)) "; a dot for each step"
  )
  ggplot2::ggplot(table, ggplot2::aes(.data$importance, .data$row)) +
    ggplot2::geom_vline(xintercept = 0, colour = ink("missing"), linewidth = 0.3) +
    ggplot2::geom_point(
      ggplot2::aes(x = .data$expected),
      data = table[!is.na(table$expected), ], shape = 1, colour = ink("text"), size = 2.2, stroke = 0.3
    ) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$result), size = 1) +
    ggplot2::facet_wrap("role", ncol = columns, labeller = ggplot2::as_labeller(titles)) +
    ggplot2::scale_colour_manual(values = kinds, limits = intersect(names(kinds), table$result)) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(mult = 0.08), n.breaks = 3) + # panels may be narrow
    ggplot2::scale_y_discrete(limits = rev(rows), labels = rev(wrap(rows, floor(0.3 * room)))) +
    theme_bandlens(base_size) +
    ggplot2::theme(
      legend.key.width = ggplot2::unit(2 * base_size, "pt"),
      legend.title = ggplot2::element_blank(),
      panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)
    ) +
    ggplot2::labs(
      title = "A band that is ignored, and two equal bands",
      subtitle = wrap(note, floor(room)),
      x = paste0("Importance (", score_unit(facts), ")"), y = NULL
    )
}
