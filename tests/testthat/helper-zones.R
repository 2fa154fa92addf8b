# Zones with made-up numbers, as the bridge gives them, for tests that need no Python.
zones_value <- function(sizes = c(2, 1, 3), known = TRUE) {
  n <- sum(sizes)
  zone <- rep(seq_along(sizes) - 1L, sizes)
  same <- outer(zone, zone, "==")
  correlation <- ifelse(same, 0.9, 0.1)
  diag(correlation) <- 1
  bands <- paste0("B", seq_len(n))
  zones <- paste("zone", seq_along(sizes))
  apart <- diff(zone) > 0
  step <- integer(n - 1)
  step[order(apart)] <- seq_len(n - 1) - 1L
  wavelengths <- if (known) seq(450, 2200, length.out = n) else rep(NaN, n)
  list(
    tables = list(
      band = list(
        band = array(seq_len(n) - 1L), wavelength = array(wavelengths), zone = array(zone), name = array(zone)
      ),
      merge = list(
        step = array(seq_len(n - 1) - 1L), n_zones = array(rev(seq_len(n - 1))), band_1 = array(order(step) - 1L),
        band_2 = array(order(step)), unshared = array(seq_len(n - 1) / n)
      )
    ),
    bands = bands, wavelengths = as.list(wavelengths), zones = zones, zone = array(zone),
    order = array(seq_len(n) - 1L),
    correlation = correlation, step = array(step), unshared = array(seq_len(n) - 1), chosen = TRUE, n_images = 60L,
    n_pixels = 960L, seed = 0L, unshared_share = 0.1,
    groups = lapply(split(bands, factor(zones[zone + 1], zones)), as.list)
  )
}

made_zones <- function(...) as_wavelength_zones(zones_value(...))
