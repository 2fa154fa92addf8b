# The palette and the names of methods, read from the files that the Python side reads: one palette for both languages.

plots_file <- function(name) core_file("plots", name)

# A table that is kept in a folder of the Python core.
core_file <- function(folder, name) {
  utils::read.csv(
    system.file("python", "bandlens", folder, name, package = "bandlens"),
    colClasses = "character", na.strings = character(), encoding = "UTF-8"
  )
}

# Colours of one palette, in order, with the names that some have.
palette_colours <- function(palette) {
  table <- plots_file("palette.csv")
  table <- table[table$palette == palette, ]
  stats::setNames(table$colour, table$name)
}

# Colour of text, lines and background: "text", "subtle", "paper", "grid" or "missing".
ink <- function(name) palette_colours("ink")[[name]]

# Colours at positions from 0 to 1 along a palette, linear in sRGB between its entries.
ramp <- function(palette, positions) {
  anchors <- grDevices::col2rgb(palette_colours(palette))
  at <- positions * (ncol(anchors) - 1)
  mixed <- vapply(1:3, function(channel) {
    stats::approx(seq_len(ncol(anchors)) - 1, anchors[channel, ], at)$y
  }, numeric(length(at)))
  # The tiny offset makes halves round up here and in Python alike.
  mixed <- matrix(floor(mixed + 0.5 + 1e-6), ncol = 3)
  sprintf("#%02X%02X%02X", mixed[, 1], mixed[, 2], mixed[, 3])
}

# One colour per band, in the order of the bands. A band called blue, green or red gets that colour. Too many bands for
# the qualitative colours get an ordered ramp, by wavelength where all are known, else by position.
band_colours <- function(bands, wavelengths = NA) {
  free <- palette_colours("band")
  if (length(bands) > length(free)) {
    place <- if (anyNA(wavelengths)) seq_along(bands) else rank(wavelengths, ties.method = "first")
    return(stats::setNames(ramp("band_ramp", (place - 1) / (length(bands) - 1)), bands))
  }
  chosen <- stats::setNames(rep(NA_character_, length(bands)), bands)
  for (band in bands) {
    own <- which(nzchar(names(free)) & names(free) == tolower(band))
    if (length(own) > 0) {
      chosen[[band]] <- free[[own[[1]]]]
      free <- free[-own[[1]]]
    }
  }
  if (!all(is.na(chosen))) { # then no other band gets the colour of another's name while there are colours without one
    free <- free[order(nzchar(names(free)))]
  }
  chosen[is.na(chosen)] <- free[seq_len(sum(is.na(chosen)))]
  chosen
}

# For each fill the text colour, dark or light, that contrasts most with it.
text_on <- function(fills) {
  dark <- contrast(fills, ink("text")) >= contrast(fills, ink("paper"))
  ifelse(dark, ink("text"), ink("paper"))
}

# WCAG 2 contrast ratio of colours, from 1 to 21.
contrast <- function(one, other) {
  one <- luminance(one)
  other <- luminance(other)
  (pmax(one, other) + 0.05) / (pmin(one, other) + 0.05)
}

luminance <- function(colours) {
  value <- grDevices::col2rgb(colours) / 255
  linear <- ifelse(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055)^2.4)
  as.vector(c(0.2126, 0.7152, 0.0722) %*% linear)
}
