# Which bands and classes a picture shows that has a panel per band: all of a few, else the strongest.

all_bands <- 9 # that are all shown
several_bands <- 6 # shown where there are more

# Positions of the bands that are shown, in their order: those given by name or position, the `top` strongest, or as
# many as can be read. A strength that is missing is none.
panel_bands <- function(bands, strength, given, top, most = all_bands, many = several_bands) {
  if (is.null(given)) {
    n <- if (is.null(top) && length(bands) > most) many else most_of(top, length(bands))
    strength[is.na(strength)] <- 0
    return(sort(order(-strength)[seq_len(n)]))
  }
  if (!is.null(top)) {
    cause("option", "`bands` and `top` both say which bands to show.", expected = "one of them", given = "both")
  }
  at <- if (is.numeric(given)) match(given, seq_along(bands)) else match(as.character(given), bands)
  if (length(at) == 0 || anyNA(at)) {
    cause("bands", "There are no such bands to show.",
      expected = paste0("`bands`: names among ", some(bands), ", or positions from 1 to ", length(bands)),
      given = shown(given[is.na(at)])
    )
  }
  sort(unique(at))
}

# Classes that have a colour, in their order: those given, else all, or the strongest where those are too many.
# `classes` are those that occur.
coloured_classes <- function(classes, strength, given, most = length(palette_colours("class"))) {
  if (is.null(given)) {
    strength[is.na(strength)] <- 0
    return(classes[sort(utils::head(order(-strength), most))])
  }
  given <- as.character(given)
  wrong <- setdiff(given, classes)
  if (length(wrong) > 0 || length(given) == 0 || length(unique(given)) > most) {
    cause("option", "`classes` does not say which classes to show.",
      expected = paste("at most", most, "of", some(classes)), given = shown(if (length(wrong) > 0) wrong else given)
    )
  }
  classes[classes %in% given]
}

# A note of what is not shown, empty where all is.
some_of <- function(n, every, which) if (n < every) paste0("; ", n, " of ", every, " ", which) else ""

# Names of bands, with their wavelengths where they are known, wrapped as titles of panels.
band_titles <- function(object, chosen, width) {
  waves <- object$wavelengths[chosen]
  names <- paste0(object$bands[chosen], ifelse(is.na(waves), "", sprintf(" (%.0f nm)", waves)))
  stats::setNames(wrap(names, width), object$bands[chosen])
}

# An axis of levels in narrow panels: a few breaks, in numbers that are short.
level_axis <- function(mult) {
  ggplot2::scale_x_continuous(
    expand = ggplot2::expansion(mult = mult), n.breaks = 4, labels = function(ticks) {
      ifelse(is.na(ticks), NA, sprintf("%.4g", ticks))
    }
  )
}

# The look of panels per band with a legend of classes.
level_look <- function(base_size, legend) {
  ggplot2::theme(
    legend.key.width = ggplot2::unit(2 * base_size, "pt"),
    legend.position = if (legend) "bottom" else "none",
    legend.title = ggplot2::element_blank(),
    panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3),
    panel.spacing.x = ggplot2::unit(2.5 * base_size, "pt"),
    strip.clip = "off"
  )
}

# Colours of some classes, and the legend that names them in so many columns as fit.
class_scale <- function(classes, room, ...) {
  names <- wrap(classes, 25)
  columns <- max(1, min(length(names), floor(room / (longest(names) + 6))))
  ggplot2::scale_colour_manual(
    values = class_colours(classes), limits = classes, labels = names,
    guide = ggplot2::guide_legend(ncol = columns, byrow = TRUE, ...)
  )
}
