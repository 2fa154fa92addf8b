# The axis of bands, for 4 to 250 of them: every band is named while names fit; beyond that, round wavelengths where
# they are known, else every k-th band.

named_bands <- 26 # up to here every band is named
most_ticks <- 9 # beyond that
round_steps <- c(1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000)

# Scale, title and text of the x axis. `room`: characters that fit across a panel; `expand`: bands' room at both ends.
band_axis <- function(object, room, expand = 0) {
  ticks <- band_ticks(object$bands, object$wavelengths)
  pitch <- room / length(ticks$labels)
  wrapped <- wrap(ticks$labels, max(floor(pitch) - 1, 1))
  text <- if (longest(wrapped) + 1 <= pitch) {
    ticks$labels <- wrapped
    ggplot2::element_text()
  } else if (pitch >= 3) {
    ggplot2::element_text(angle = 45, hjust = 1, vjust = 1)
  } else {
    ggplot2::element_text(angle = 90, hjust = 1, vjust = 0.5)
  }
  list(
    ggplot2::scale_x_discrete(
      breaks = object$bands[ticks$positions], labels = ticks$labels, expand = ggplot2::expansion(add = expand)
    ),
    ggplot2::labs(x = ticks$title),
    ggplot2::theme(axis.text.x = text)
  )
}

# Which bands are labelled, how, and the title of the axis.
band_ticks <- function(bands, wavelengths) {
  n_bands <- length(bands)
  if (n_bands <= named_bands) {
    return(list(positions = seq_len(n_bands), labels = bands, title = "Band"))
  }
  known <- !anyNA(wavelengths)
  if (known && all(diff(wavelengths) > 0)) {
    # Round wavelengths, each at the band next to it; none where the bands leave a hole.
    step <- round_step(diff(range(wavelengths)))
    ticks <- seq(ceiling(wavelengths[[1]] / step), floor(wavelengths[[n_bands]] / step)) * step
    distance <- abs(outer(ticks, wavelengths, "-"))
    near <- apply(distance, 1, min) <= stats::median(diff(wavelengths))
    positions <- apply(distance, 1, which.min)[near]
    return(list(positions = positions, labels = sprintf("%.0f", ticks[near]), title = "Wavelength (nm)"))
  }
  step <- round_step(n_bands)
  positions <- seq(step, n_bands, by = step)
  if (known) {
    return(list(positions = positions, labels = sprintf("%.0f", wavelengths[positions]), title = "Wavelength (nm)"))
  }
  list(positions = positions, labels = bands[positions], title = "Band")
}

# Panels side by side: as square as possible, but each wide enough for its bands.
panel_columns <- function(n_panels, n_bands, room) {
  needed <- if (n_bands <= named_bands) max(18, 1.8 * n_bands) else 50
  max(1, min(floor(room / needed), ceiling(sqrt(n_panels))))
}

# Smallest round step that gives at most `most_ticks` ticks.
round_step <- function(span) round_steps[[which(span / round_steps < most_ticks)[[1]]]]
