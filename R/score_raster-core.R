# Scenes that the core scores: blocks that workers share out, and series. Files are read there, not by terra, which must
# give the same numbers; where that can't be known, it is an error.

# How many pixels are compared before anything is computed.
n_compared <- 16

# Work on a ground that the core does, as a function that writes, like the other kinds of work.
core_work <- function(model, ground, asked, first, size, stride, prediction, client) {
  rasters <- core_rasters(ground)
  question <- as_question(model, first, NULL, asked)
  # names of bands are those of the layers
  own <- c("zone", "ignore", "bands", "x_bands", "x_each_bands", "wavelengths", "band_axis", "time_axis", "times")
  arguments <- question$arguments[setdiff(names(question$arguments), own)]
  function(filename, overwrite, wopt, bar) {
    path <- if (nzchar(filename)) filename else tempfile("scores", fileext = ".tif")
    own <- list(
      size = size, stride = stride, prediction = prediction, client = client, path = path.expand(path),
      overwrite = overwrite
    )
    found <- of_raster(call_bridge("score_scene", question$model, rasters, c(arguments, own), bar))
    counts <- c(scored = found$scored, missing = found$missing)
    say(were_scored(counts, found$completeness, found$pixels), class = "bandlens_message_scored")
    list(scores = terra::rast(path), classes = unlist(found$classes))
  }
}

# The core writes GeoTIFFs.
check_core_files <- function(filename, wopt, why) {
  if (length(wopt) > 0) {
    cause("option", paste0("`wopt` is for files that terra writes; ", why, ", the core does."),
      expected = "`wopt = list()`", given = some(names(wopt))
    )
  }
  wrong <- nzchar(filename) & !grepl("[.]tiff?$", filename, ignore.case = TRUE)
  if (any(wrong)) {
    cause("option", paste0("`filename` is no GeoTIFF, which is what is written ", why, "."),
      expected = "a path that ends in .tif", given = shown(filename[wrong][[1]])
    )
  }
}

# The rasters of a ground as the core takes them.
core_rasters <- function(ground) {
  if (!ground$several) {
    return(list(core_raster(ground$scenes, "raster", ground$times)))
  }
  scenes <- Map(
    function(scene, name) core_raster(list(scene), paste0("raster$", name), NULL), ground$scenes, names(ground$scenes)
  )
  numbers <- lapply(ground$numbers, function(own) {
    c(list(numbers = as.list(unname(own))), if (!is.null(names(own))) list(names = as.list(names(own))))
  })
  c(scenes, numbers)[ground$order]
}

core_raster <- function(scenes, called, times) {
  steps <- lapply(unname(scenes), core_step, called)
  if (length(unique(lapply(steps, function(step) is.null(step$values)))) > 1) {
    cause("raster", paste0("`", called, "` has dates in files and dates in memory."), fix = to_files)
  }
  c(list(called = called, steps = steps), if (!is.null(times)) list(times = times))
}

to_files <- "write it to a file with `terra::writeRaster()`, and give that"

# A raster in memory goes as it is; of one in files, which layers of which.
core_step <- function(scene, called) {
  from <- terra::sources(scene, bands = TRUE)
  bands <- as.list(names(scene))
  if (!any(nzchar(from$source))) {
    at <- c(terra::xres(scene), 0, terra::xmin(scene), 0, -terra::yres(scene), terra::ymax(scene))
    return(list(
      bands = bands, values = terra::as.array(scene), transform = as.list(at), crs = terra::crs(scene)
    ))
  }
  check_as_in_files(scene, from, called)
  run <- cumsum(c(TRUE, from$source[-1] != from$source[-nrow(from)]))
  pixels <- terra::rowColFromCell(scene, unique(round(seq(1, terra::ncell(scene), length.out = n_compared))))
  read <- read_patches(scene, pixels[, 1], pixels[, 2], 1)
  paths <- from$source[!duplicated(run)]
  here <- file.exists(paths)
  paths[here] <- normalizePath(paths[here]) # workers may start in another folder
  list(
    bands = bands, paths = as.list(paths), layers = unname(lapply(split(as.integer(from$bands), run), as.list)),
    pixels = unname(pixels) - 1, read = matrix(read, nrow(pixels))
  )
}

# What was changed in R is not in the files that the core reads.
check_as_in_files <- function(scene, from, called) {
  differs <- function(what) {
    cause("raster", paste0("`", called, "` is not as it is in its files: ", what, "."),
      expected = "a raster as `terra::rast()` opens it, or some of its layers", fix = to_files
    )
  }
  if (!all(nzchar(from$source))) differs("some of its layers are in memory")
  files <- unique(from$source)
  opened <- lapply(stats::setNames(files, files), function(file) suppressWarnings(terra::rast(file)))
  as_opened <- do.call(rbind, Map(function(file, band) terra::scoff(opened[[file]])[band, ], from$source, from$bands))
  first <- opened[[1]]
  if (any(terra::window(scene))) differs("it has a window")
  if (!all(is.nan(terra::NAflag(scene)))) differs("it has another number for no data")
  if (!isTRUE(all.equal(unname(as_opened), unname(terra::scoff(scene))))) differs("it has another scale or offset")
  if (!identical(dim(first)[1:2], dim(scene)[1:2]) || !isTRUE(all.equal(extent_of(first), extent_of(scene)))) {
    differs("it has another extent")
  }
  if (terra::crs(first) != terra::crs(scene)) differs("it has another coordinate reference system")
}

extent_of <- function(scene) as.vector(terra::ext(scene))

# ---- Series ---------------------------------------------------------------------------------------------------------

# Does the model take series of images, (times, rows, columns, bands)?
takes_series <- function(inputs) length(inputs) == 1 && length(inputs[[1]]) == 4

# A raster for each date as one ground.
series_ground <- function(raster, shape) {
  if (!is_scene_list(raster) || shape[[1]] > 0 && length(raster) != shape[[1]]) {
    cause("raster", "The model takes series of images.",
      expected = paste("a list of", if (shape[[1]] > 0) shape[[1]] else "", "rasters, one for each date, in order"),
      given = shown(raster), fix = "`list(\"2024-05-01\" = ..., \"2024-06-01\" = ...)`"
    )
  }
  dates <- names(raster)
  if (!is.null(dates) && (!all(nzchar(dates)) || anyDuplicated(dates) > 0)) {
    cause("raster", "The rasters of a series must have names for all dates, or none.",
      expected = "names such as \"2024-05-01\", no two the same", given = some(shown_names(dates))
    )
  }
  scenes <- as_scenes(raster)
  called <- paste0("`raster[[", seq_along(scenes), "]]`")
  if (any(same_ground(stats::setNames(scenes, seq_along(scenes)), called) > 1)) {
    cause("raster", "The rasters of a series have pixels of different sizes.",
      fix = "resample them to one grid: `terra::resample()`"
    )
  }
  check_same_layers(scenes)
  check_raster_layers(scenes[[1]], shape[[4]], "raster")
  ground <- as_ground(scenes[[1]])
  ground$scenes <- unname(scenes)
  ground$times <- as.list(if (is.null(dates)) as.double(seq_along(scenes)) else dates)
  ground
}

# Images of a series tell the core the names of the bands.
no_series <- function(ground) {
  names <- names(ground$finest)
  array(0, c(1, length(ground$times), 1, 1, length(names)), list(NULL, NULL, NULL, NULL, names))
}
