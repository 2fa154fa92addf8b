# Parts of the spectrum behind lines along it: every other one shaded, with its name on top where that has room.

shade_opaque <- 0.45
shade_line <- 0.05 # of a panel's height, that a line of names takes

# Layers behind and in front of the lines, and the part of the panel's height that is kept for names; none where bands
# don't stand at their wavelengths, or in a single part. `room`: characters that fit across a panel.
shades <- function(wavelengths, room, base_size) {
  parts <- if (in_nm(wavelengths)) shown_ranges(wavelengths)
  if (NROW(parts) < 2) {
    return(list(behind = NULL, front = NULL, kept = 0))
  }
  parts$middle <- (parts$low + parts$high) / 2
  parts$text <- fitting_names(parts, diff(range(wavelengths)) / max(room, 1))
  named <- parts[nzchar(parts$text), ]
  list(
    behind = list(ggplot2::geom_rect(
      ggplot2::aes(xmin = .data$low, xmax = .data$high, ymin = -Inf, ymax = Inf),
      data = parts[parts$shaded, ], inherit.aes = FALSE, fill = ink("grid"), alpha = shade_opaque, colour = NA
    )),
    front = if (nrow(named) > 0) {
      list(ggplot2::geom_text(
        ggplot2::aes(.data$middle, Inf, label = .data$text),
        data = named, inherit.aes = FALSE, vjust = 1.2, size = small_print * base_size / ggplot2::.pt,
        colour = ink("subtle"), lineheight = 0.9
      ))
    },
    kept = shade_line * max(lengths(strsplit(named$text, "\n")), 0)
  )
}

# Parts of the spectrum in which there are bands, within what the bands reach.
shown_ranges <- function(wavelengths) {
  table <- core_file("data", "ranges.csv")
  table <- table[nzchar(table$shown), ]
  shown <- unique(table$shown)
  parts <- data.frame(
    name = shown,
    low = vapply(shown, function(name) min(as.numeric(table$low[table$shown == name])), 0),
    high = vapply(shown, function(name) max(as.numeric(table$high[table$shown == name])), 0),
    shaded = seq_along(shown) %% 2 == 1
  )
  there <- vapply(seq_len(nrow(parts)), function(at) {
    any(wavelengths >= parts$low[[at]] & wavelengths < parts$high[[at]])
  }, NA)
  parts <- parts[there, ]
  parts$low <- pmax(parts$low, min(wavelengths))
  parts$high <- pmin(parts$high, max(wavelengths))
  parts
}

# Names that stand beside each other, in lines of a word each; empty where there is no room.
fitting_names <- function(parts, per_character) {
  text <- gsub(" ", "\n", parts$name, fixed = TRUE)
  end <- min(parts$low) - per_character
  last <- max(parts$high) + per_character
  for (at in seq_along(text)) {
    half <- (longest(text[[at]]) + 1) / 2 * per_character
    fits <- parts$middle[[at]] - half >= end && parts$middle[[at]] + half <= last
    if (fits) end <- parts$middle[[at]] + half else text[[at]] <- ""
  }
  text
}
