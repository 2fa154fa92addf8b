# Scenes: rasters of terra or stars, or files that terra opens. They may be larger than the memory, so only windows of
# them are ever read.

# A scene as a SpatRaster: its cells stay where they are, in a file or in memory.
as_scene <- function(raster, name = "raster") {
  is_stars <- inherits(raster, "stars") || inherits(raster, "stars_proxy")
  if (is.character(raster)) {
    return(from_paths(raster, name))
  }
  if (!is_raster(raster)) {
    cause("raster", paste0("`", name, "` is no raster."),
      expected = "a SpatRaster of terra, a stars object, or paths of files, with one layer per band",
      given = shown(raster)
    )
  }
  needs_packages(c("terra", if (is_stars) c("stars", "sf")), name)
  scene <- if (is_stars) from_stars(raster, name) else raster
  if (!terra::hasValues(scene)) {
    cause("raster", paste0("`", name, "` holds no values."))
  }
  scene
}

# Files whose layers are the bands, one after the other.
from_paths <- function(paths, name) {
  needs_packages("terra", name)
  if (length(paths) == 0 || anyNA(paths)) {
    cause("raster", paste0("`", name, "` names no file."), given = if (length(paths) == 0) "no path" else shown(paths))
  }
  # what GDAL reads without it being a file of this name, such as a file in an archive, is left to it
  files <- path.expand(paths)
  lacking <- !file.exists(files) & !grepl("^/vsi|^[A-Za-z0-9_]+:[^/\\\\]|://", files)
  if (any(lacking)) {
    cause("raster", paste0("`", name, "` names ", if (sum(lacking) > 1) "files that aren't" else "a file that isn't",
      " there."
    ), given = some(paste0("\"", paths[lacking], "\"")))
  }
  scene <- tryCatch(
    suppressWarnings(terra::rast(files)), # whose texts are in the error
    error = function(error) {
      cause("raster", paste0("`", name, "` can't be opened as a raster."),
        expected = "files that terra reads, all of one grid", given = some(paste0("\"", basename(paths), "\"")),
        fix = paste0("terra says: ", conditionMessage(error))
      )
    }
  )
  if (!terra::hasValues(scene)) {
    cause("raster", paste0("`", name, "` holds no values."))
  }
  scene
}

# Several scenes in a list, under the names of their results; anything else is one scene.
as_scenes <- function(raster) {
  if (!is_scene_list(raster)) {
    return(list(as_scene(raster)))
  }
  if (length(raster) == 0) {
    cause("raster", "`raster` is an empty list.", expected = "rasters, or paths of files")
  }
  names <- rlang::names2(raster)
  unnamed <- !nzchar(names)
  names[unnamed] <- paste0("[[", which(unnamed), "]]")
  names[!unnamed] <- paste0("$", names[!unnamed])
  stats::setNames(Map(as_scene, raster, paste0("raster", names)), names(raster))
}

is_scene_list <- function(raster) is.list(raster) && !is_raster(raster)

needs_packages <- function(packages, name) {
  lacking <- packages[!vapply(packages, requireNamespace, NA, quietly = TRUE)]
  if (length(lacking) > 0) {
    quoted <- paste0("\"", lacking, "\"")
    cause("missing_package", paste0("`", name, "` needs R packages that aren't there: ", some(lacking), "."),
      fix = paste0("`install.packages(", if (length(quoted) > 1) paste0("c(", some(quoted), ")") else quoted, ")`")
    )
  }
}

# By rules of our own: terra's conversion fails on merged attributes, renames them, and does not look at the bounding
# box. What is in a file stays there.
from_stars <- function(raster, name) {
  axes <- stars::st_dimensions(raster)
  is_proxy <- inherits(raster, "stars_proxy")
  if (!is_north_up(axes) || length(axes) > 3 || (length(axes) == 3 && length(raster) > 1 && !is_proxy)) {
    cause("raster", paste0("`", name, "` is no regular stack of bands."),
      expected = "dimensions x and y (north up, cells of one size), and one more dimension or attributes for the bands",
      given = paste0(count(length(raster), "attribute"), " with dimensions ", paste(names(axes), collapse = ", ")),
      fix = "`stars::st_warp()` makes cells regular, `aperm()` puts dimensions in order"
    )
  }
  box <- sf::st_bbox(raster)[c("xmin", "xmax", "ymin", "ymax")]
  scene <- if (is_proxy) from_file(raster, axes, box, name) else from_memory(raster, box)
  names(scene) <- star_bands(raster, axes, terra::nlyr(scene))
  scene
}

is_north_up <- function(axes) {
  grid <- attr(axes, "raster")
  step <- vapply(axes[1:2], function(axis) as.numeric(axis$delta), 0)
  straight <- identical(grid$dimensions, names(axes)[1:2]) && all(grid$affine == 0) && !isTRUE(grid$curvilinear)
  straight && !anyNA(step) && step[[1]] > 0 && step[[2]] < 0
}

from_file <- function(raster, axes, box, name) {
  scene <- terra::rast(unlist(unclass(raster)))
  size <- vapply(axes[1:2], function(axis) as.integer(axis$to - axis$from + 1), 0L)
  whole <- identical(unname(size), as.integer(dim(scene)[2:1])) && is.null(attr(raster, "call_list")) &&
    isTRUE(all.equal(unname(as.vector(terra::ext(scene))), unname(as.vector(box))))
  if (!whole) {
    cause("raster", paste0("`", name, "` is a stars_proxy of a part of its file, or with operations still to be done."),
      fix = "read it with `stars::st_as_stars()`, or write it to a file and open that"
    )
  }
  scene
}

from_memory <- function(raster, box) {
  values <- unlist(lapply(raster, function(attribute) as.double(attribute)), use.names = FALSE)
  size <- dim(raster)[1:2]
  cells <- matrix(values, nrow = prod(size)) # in stars as in terra, x runs first and y downwards
  scene <- terra::rast(
    ncols = size[[1]], nrows = size[[2]], nlyrs = ncol(cells), extent = terra::ext(box),
    crs = crs_text(sf::st_crs(raster))
  )
  terra::setValues(scene, cells)
}

crs_text <- function(crs) {
  if (is.na(crs)) "" else crs$wkt
}

# The names of the dimension's values, where it has names; else numbers, as terra has them.
star_bands <- function(raster, axes, n) {
  if (length(axes) == 2) {
    return(if (length(raster) == n) names(raster) else paste0("band", seq_len(n)))
  }
  values <- stars::st_get_dimension_values(raster, 3)
  if (is.character(values) || is.factor(values)) as.character(values) else paste0(names(axes)[[3]], seq_len(n))
}

# How many numbers are held at once.
block_values <- function() getOption("bandlens.block_values", 2^24)

# Patches by the row and column of their upper left pixels, an array of patches x rows x columns x bands. Patches that
# lie near each other are read in one window. `bar` is told how many were read.
read_patches <- function(scene, top, left, size, bar = NULL) {
  n_bands <- terra::nlyr(scene)
  patches <- array(0, c(length(top), size, size, n_bands), list(NULL, NULL, NULL, names(scene)))
  step <- seq_len(size) - 1
  read <- 0
  terra::readStart(scene)
  on.exit(terra::readStop(scene))
  for (near in near_each_other(top, left, size, n_bands)) {
    row <- min(top[near])
    col <- min(left[near])
    n_rows <- max(top[near]) - row + size
    n_cols <- max(left[near]) - col + size
    values <- terra::readValues(scene, row, n_rows, col, n_cols)
    dim(values) <- c(n_rows * n_cols, n_bands)
    rows <- outer(top[near] - row, step, "+")
    cols <- outer(left[near] - col, step, "+")
    # cells of a window are counted along its rows; in the array, the row runs first
    cells <- rows[, rep(step + 1, times = size)] * n_cols + cols[, rep(step + 1, each = size)] + 1
    patches[near, , , ] <- values[cells, ]
    read <- read + length(near)
    if (!is.null(bar)) bar(read, length(top))
  }
  patches
}

# Positions in groups, each to be read in one window of bounded size; where patches are few and far between, one by one.
near_each_other <- function(top, left, size, n_bands) {
  side <- max(size, floor(sqrt(block_values() / 4 / n_bands)))
  tiles <- split(seq_along(top), list((left - 1) %/% side, (top - 1) %/% side), drop = TRUE)
  worth <- function(tile) {
    window <- (diff(range(top[tile])) + size) * (diff(range(left[tile])) + size)
    if (window > 4 * length(tile) * size^2) as.list(tile) else list(tile)
  }
  unlist(lapply(unname(tiles), worth), recursive = FALSE)
}

as_patch_size <- function(size, scene, name = "size") {
  size <- as_count(size, name)
  if (size > min(dim(scene)[1:2])) {
    cause("option", paste0("Patches of ", size, " x ", size, " pixels are larger than the scene."),
      given = paste0("a scene of ", paste(dim(scene)[1:2], collapse = " x "), " pixels")
    )
  }
  size
}

# Evaluate with a seed of its own, whatever generators are set; the user's random numbers go on as if nothing had been.
with_seed <- function(seed, code) {
  had <- get0(".Random.seed", globalenv(), inherits = FALSE)
  kinds <- RNGkind("Mersenne-Twister", "Inversion", "Rejection")
  on.exit({
    RNGkind(kinds[[1]], kinds[[2]], kinds[[3]])
    if (is.null(had)) rm(".Random.seed", envir = globalenv()) else assign(".Random.seed", had, globalenv())
  })
  set.seed(-seed) # the numbers of R's seed 1 are those of seed 0, but for the first
  code
}

is_raster <- function(x) inherits(x, c("SpatRaster", "stars", "stars_proxy"))

is_raster_list <- function(x) is_scene_list(x) && length(x) > 0 && any(vapply(x, is_raster, NA))

# Rasters given where an array is wanted.
refuse_raster <- function(x, name, kind) {
  if (is_raster(x)) {
    cause(kind, paste0("`", name, "` is a raster, not an array of images."), given = shown(x),
      fix = "cut patches from it with `extract_patches()`, or score all of it with `score_raster()`"
    )
  }
}
