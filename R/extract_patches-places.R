# Where extract_patches() cuts: coordinates in data frames, and the upper left pixels of patches around points and
# inside polygons.

# Rows or columns of a patch before the pixel it lies around.
before_middle <- function(size) as.integer(ceiling(size / 2)) - 1L

# Upper left pixels of the patches around points. Those outside the scene have no pixel.
around_points <- function(shapes, scene, size) {
  points <- terra::geom(shapes)
  known <- is.finite(points[, "x"]) & is.finite(points[, "y"])
  row <- col <- rep(NA_real_, nrow(points))
  row[known] <- terra::rowFromY(scene, points[known, "y"])
  col[known] <- terra::colFromX(scene, points[known, "x"])
  before <- before_middle(size)
  list(location = as.integer(points[, "geom"]), top = row - before, left = col - before, empty = integer())
}

# Upper left pixels of patches inside polygons.
in_polygons <- function(shapes, scene, size, placement, inside, spacing, n, seed) {
  # what is drawn in one polygon does not depend on the others, as long as they come in the same order
  bar <- progress_bar(NULL, "Placing patches in polygons")
  found <- with_seed(seed, lapply(seq_len(nrow(shapes)), function(i) {
    if (!is.null(bar)) bar(i, nrow(shapes))
    window <- patch_window(shapes[i], scene, size)
    fits <- function(top, left) is_inside(shapes[i], scene, size, top, left, inside)
    if (placement == "grid") on_grid(window, spacing, fits) else at_random(window, n, fits)
  }))
  each <- vapply(found, function(place) length(place$top), 0L)
  if (placement == "random" && any(each > 0 & each < n)) {
    say(
      paste0(
        count(sum(each > 0 & each < n), "polygon has", "polygons have"), " room for fewer than ", n, " patches: ",
        in_rows(which(each > 0 & each < n)), "."
      ),
      class = "bandlens_message_fewer"
    )
  }
  list(
    location = rep(seq_along(found), each), top = unlist(lapply(found, `[[`, "top")),
    left = unlist(lapply(found, `[[`, "left")), empty = which(each == 0)
  )
}

# First and last upper left pixels of the patches whose middle pixel is in a polygon's bounding box, all of them wholly
# in the scene.
patch_window <- function(shape, scene, size) {
  box <- as.vector(terra::ext(shape))
  before <- before_middle(size)
  limits <- function(from, to, least, resolution, n) {
    bounds <- c(floor((from - least) / resolution), floor((to - least) / resolution)) + 1 - before
    c(max(1, bounds[[1]]), min(n - size + 1, bounds[[2]]))
  }
  list(
    rows = limits(-box[["ymax"]], -box[["ymin"]], -terra::ymax(scene), terra::yres(scene), nrow(scene)),
    cols = limits(box[["xmin"]], box[["xmax"]], terra::xmin(scene), terra::xres(scene), ncol(scene))
  )
}

# Places of a grid that starts in the scene's upper left corner; a few rows at a time, as polygons may be large.
on_grid <- function(window, spacing, fits) {
  steps <- function(limits) {
    first <- ceiling((limits[[1]] - 1) / spacing) * spacing + 1
    if (first > limits[[2]]) numeric() else seq(first, limits[[2]], by = spacing)
  }
  rows <- steps(window$rows)
  cols <- steps(window$cols)
  parts <- split(rows, (seq_along(rows) - 1) %/% max(1, 1e5 %/% max(1, length(cols))))
  found <- lapply(unname(parts), function(rows) {
    top <- rep(rows, each = length(cols))
    left <- rep(cols, times = length(rows))
    keep <- fits(top, left)
    list(top = top[keep], left = left[keep])
  })
  list(top = as.double(unlist(lapply(found, `[[`, "top"))), left = as.double(unlist(lapply(found, `[[`, "left"))))
}

# Up to n different places, each as likely as any other.
at_random <- function(window, n, fits) {
  n_rows <- diff(window$rows) + 1
  n_cols <- diff(window$cols) + 1
  found <- numeric()
  if (n_rows < 1 || n_cols < 1) {
    return(list(top = found, left = found))
  }
  place <- function(cell) list(top = window$rows[[1]] + cell %/% n_cols, left = window$cols[[1]] + cell %% n_cols)
  # in a bounding box beyond a million pixels, a million are tried
  cells <- sample.int(n_rows * n_cols, min(n_rows * n_cols, 1e6)) - 1
  for (tried in split(cells, (seq_along(cells) - 1) %/% max(1000, 10 * n))) {
    at <- place(tried)
    found <- c(found, tried[fits(at$top, at$left)])
    if (length(found) >= n) break
  }
  place(utils::head(found, n))
}

# Which patches are inside a polygon, as a whole or with the centre of their middle pixel.
is_inside <- function(shape, scene, size, top, left, inside) {
  if (length(top) == 0) {
    return(logical())
  }
  middle <- before_middle(size) + 0.5
  x <- function(col) terra::xmin(scene) + col * terra::xres(scene)
  y <- function(row) terra::ymax(scene) - row * terra::yres(scene)
  centres <- terra::vect(cbind(x(left - 1 + middle), y(top - 1 + middle)), crs = terra::crs(shape))
  found <- terra::is.related(centres, shape, "intersects")
  if (inside == "patch" && any(found)) {
    # a hair smaller: a patch whose edge is the polygon's must not depend on rounding
    at <- which(found)
    hair <- 1e-6
    corners <- function(start) cbind(start + hair, start + size - hair)
    cols <- corners(left[at] - 1)[, c(1, 2, 2, 1), drop = FALSE]
    rows <- corners(top[at] - 1)[, c(1, 1, 2, 2), drop = FALSE]
    squares <- cbind(
      geom = rep(seq_along(at), each = 4), part = 1, x = as.vector(t(x(cols))), y = as.vector(t(y(rows))), hole = 0
    )
    squares <- terra::vect(squares, type = "polygons", crs = terra::crs(shape))
    found[at] <- terra::is.related(squares, shape, "within")
  }
  found
}

# A data frame of coordinates as points; what is none is left as it is.
as_places <- function(locations, scene, name) {
  if (!is.data.frame(locations) || inherits(locations, "sf")) {
    return(locations)
  }
  columns <- coordinate_columns(names(locations), name)
  coordinates <- locations[columns]
  degrees <- tolower(names(coordinates)[[1]]) != "x"
  wrong <- no_places(coordinates, degrees)
  if (length(wrong) > 0 || nrow(locations) == 0) {
    cause("locations", paste0("`", name, "` has coordinates that are no places."),
      expected = paste0("numbers", if (degrees) " in degrees, latitudes from -90 to 90"),
      given = if (nrow(locations) == 0) "no rows" else in_rows(wrong)
    )
  }
  crs <- if (degrees) "EPSG:4326" else terra::crs(scene)
  points <- terra::vect(unname(as.matrix(coordinates)), crs = crs)
  attr(points, "of_raster") <- !degrees # coordinates of the raster need no reference system
  points
}

coordinate_columns <- function(names, of) {
  pairs <- list(c("x", "y"), c("lon", "lat"), c("longitude", "latitude"))
  there <- Filter(function(pair) all(pair %in% tolower(names)), pairs)
  if (length(there) != 1) {
    number <- if (length(there) == 0) "no columns" else "several pairs of columns"
    cause("locations", paste0("`", of, "` has ", number, " for coordinates."),
      expected = "columns x and y, in the reference system of `raster`, or lon and lat, in degrees",
      given = paste("columns", some(names))
    )
  }
  match(there[[1]], tolower(names))
}

# Rows without a place.
no_places <- function(coordinates, degrees) {
  if (!all(vapply(coordinates, is.numeric, NA))) {
    return(seq_len(nrow(coordinates)))
  }
  known <- is.finite(rowSums(coordinates))
  which(!known | (degrees & (abs(coordinates[[1]]) > 360 | abs(coordinates[[2]]) > 90)))
}
