# Composites: which three bands are shown as red, green and blue, and the colours of an image's pixels.
#
# The user's choice, else the bands that hold red, green and blue light: by their wavelengths, else by their names (also
# those of Sentinel-2, and of Landsat 8 and 9). Where these are not all there, colours are false, and the picture says
# so. Python has the same rule; both read what light and names are from composites.csv.

primaries <- c("red", "green", "blue")
stretch <- c(0.02, 0.98) # quantiles that are the darkest and the brightest of a composite

# Positions of the bands of red, green and blue light; NULL where one of them is not known.
true_colours <- function(bands, wavelengths) {
  rules <- plots_file("composites.csv")
  if (any(is.finite(wavelengths))) {
    light <- function(rule) as.numeric(rules[rules$rule == rule, primaries])
    nearest <- vapply(light("nearest"), function(middle) which.min(abs(wavelengths - middle)), 1L)
    found <- wavelengths[nearest]
    if (all(light("from") <= found & found <= light("to"))) {
      return(nearest)
    }
  }
  named <- as.matrix(rules[rules$rule == "name", primaries])
  for (scheme in seq_len(nrow(named))) {
    places <- match(named[scheme, ], tolower(bands))
    if (!anyNA(places)) {
      return(places)
    }
  }
  NULL
}

# Positions of the bands that are shown as red, green and blue, unless the user chooses them. False colours are the
# first three bands, those with known wavelengths in falling order, as near infrared, red and green usually are. Of many
# bands, neighbours would look alike: then they are from all parts of the spectrum.
composite_bands <- function(bands, wavelengths) {
  n_bands <- length(bands)
  if (n_bands < 3) {
    return(c(1, 1, 1))
  }
  light <- true_colours(bands, wavelengths)
  if (!is.null(light)) {
    return(light)
  }
  known <- which(is.finite(wavelengths))
  if (n_bands > named_bands) {
    order <- if (length(known) == n_bands) order(wavelengths) else seq_len(n_bands)
    return(order[(n_bands * c(5, 3, 1)) %/% 6 + 1])
  }
  if (length(known) < 3) {
    return(1:3)
  }
  first <- known[1:3]
  first[order(-wavelengths[first])]
}

# What a picture says where red, green and blue are not all there, so that other bands stand for them.
false_colours <- function(object, chosen) {
  if (length(object$bands) >= 3 && is.null(true_colours(object$bands, object$wavelengths)) &&
    all(chosen == composite_bands(object$bands, object$wavelengths))) {
    paste(
      "false colours, as bands of red, green and blue are not all known:",
      paste(map_names(object, chosen), collapse = ", ")
    )
  }
}

# Colours of the pixels of an image, stretched over all images so that they can be compared.
composite <- function(pictures, image, chosen) {
  channels <- lapply(chosen, function(band) {
    all <- pictures[, band, , ]
    ends <- stats::quantile(all, stretch, names = FALSE)
    part <- array(pictures[image, band, , ], dim(pictures)[3:4])
    if (ends[[2]] == ends[[1]]) {
      return(array(128, dim(part)))
    }
    # The tiny offset makes halves round up here and in Python alike.
    floor(255 * pmin(pmax((part - ends[[1]]) / (ends[[2]] - ends[[1]]), 0), 1) + 0.5 + 1e-6)
  })
  colours <- do.call(sprintf, c("#%02X%02X%02X", lapply(channels, as.integer)))
  array(colours, dim(pictures)[3:4])
}

# What the panel of a composite is called.
composite_name <- function(object, chosen) {
  names <- map_names(object, chosen)
  if (length(unique(chosen)) == 1) {
    return(paste("image:", names[[1]]))
  }
  short <- paste(sub(" nm$", "", names), collapse = ", ")
  if (identical(tolower(names), primaries)) "RGB" else paste0("RGB: ", short)
}

as_rgb <- function(given, bands) {
  positions <- if (is.character(given)) match(given, bands) else given
  if (length(positions) != 3 || !is_whole(positions) || any(positions < 1 | positions > length(bands))) {
    cause("bands", "`rgb` does not name three bands.",
      expected = paste("three of", some(paste0("\"", bands, "\"")), "or positions counted from 1"),
      given = shown(given), fix = nearest(setdiff(given, bands), bands)
    )
  }
  positions
}
