# Maps with made-up numbers, as the bridge gives them, for tests that need no Python.
maps_value <- function(size = c(3, 3), bands = c("green", "red", "nir1", "nir2"), wavelengths = NaN, n = 3,
                       all_outputs = FALSE, method = "deepshap", band_first = FALSE) {
  classes <- c("water", "forest", "city")
  k <- if (all_outputs) 3 else 1
  shape <- if (band_first) c(length(bands), size) else c(size, length(bands))
  values <- array(0, c(n, k, shape))
  values[] <- sin(seq_along(values) * 0.7) * 0.2 + cos(seq_along(values) / 30)^3 / 5
  list(
    values = values, band_axis = if (band_first) 1L else length(shape), image_class = array(rep_len(0:2, n)),
    prediction = array(rep_len(c(0L, 0L, 2L), n)),
    image_output = if (all_outputs) matrix(0:2, n, 3, byrow = TRUE) else matrix(rep_len(0:2, n)),
    classes = classes, outputs = classes, bands = bands, wavelengths = rep_len(as.double(wavelengths), length(bands)),
    method = method, output = "logit", seed = 0L, model = "made up"
  )
}

made_maps <- function(...) as_band_maps(maps_value(...))

sentinel <- c(
  B01 = 443, B02 = 490, B03 = 560, B04 = 665, B05 = 705, B06 = 740, B07 = 783, B08 = 842, B8A = 865, B09 = 945,
  B10 = 1375, B11 = 1610, B12 = 2190
)

# Images that belong to them.
map_pixels_of <- function(maps) {
  size <- dim(maps$values)[-2]
  array((cos(seq_len(prod(size)) * 0.3) + seq_len(prod(size)) / prod(size)) * 40 + 60, size)
}
