# Skips without the R packages for rasters; where BANDLENS_NO_SKIP is set, that is a failure instead.
skip_without_rasters <- function() {
  lacking <- Filter(function(package) !requireNamespace(package, quietly = TRUE), c("terra", "stars", "sf"))
  if (length(lacking) > 0) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("This run must not skip tests, but there is no ", paste(lacking, collapse = ", "), ".")
    }
    skip(paste("There is no", paste(lacking, collapse = ", ")))
  }
}

# A scene whose values tell where they are from: 1000 * band + 100 * row + col. Pixels are 10 m wide and 20 m high.
small_scene <- function(n_rows = 9, n_cols = 11, n_bands = 3) {
  scene <- terra::rast(
    nrows = n_rows, ncols = n_cols, nlyrs = n_bands, crs = "EPSG:32633",
    extent = terra::ext(500000, 500000 + 10 * n_cols, 5000000, 5000000 + 20 * n_rows)
  )
  at <- expand.grid(col = seq_len(n_cols), row = seq_len(n_rows), band = seq_len(n_bands))
  scene <- terra::setValues(scene, matrix(1000 * at$band + 100 * at$row + at$col, ncol = n_bands))
  names(scene) <- bands[seq_len(n_bands)]
  scene
}

# Pixels of 10 m x 20 m and of 20 m x 40 m, of one ground.
fine_and_coarse <- function(n_rows = 8, n_cols = 12) {
  fine <- small_scene(n_rows, n_cols)
  coarse <- terra::aggregate(fine[[1:2]], 2)
  names(coarse) <- c("swir1", "swir2")
  list(fine = fine, coarse = coarse)
}

# Points in the middle of pixels, given by row and column.
pixel_points <- function(scene, row, col, label = rep_len(c("water", "forest"), length(row))) {
  points <- terra::vect(cbind(terra::xFromCol(scene, col), terra::yFromRow(scene, row)), crs = terra::crs(scene))
  points$label <- label
  points
}

# A rectangle around pixels, edges included.
pixel_box <- function(scene, rows, cols, label = "water") {
  x <- terra::xmin(scene) + (cols - c(1, 0)) * terra::xres(scene)
  y <- terra::ymax(scene) - (rows - c(1, 0)) * terra::yres(scene)
  box <- terra::as.polygons(terra::ext(x[[1]], x[[2]], y[[2]], y[[1]]), crs = terra::crs(scene))
  box$label <- label
  box
}

message_of <- function(expr) {
  text <- character()
  withCallingHandlers(expr, message = function(message) {
    text <<- c(text, conditionMessage(message))
    invokeRestart("muffleMessage")
  })
  text
}

landsat_scene <- function() system.file("tif/L7_ETMs.tif", package = "stars")
