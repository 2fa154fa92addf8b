# Scores of one GeoTIFF by R with terra and by Python with rasterio.

skip_without_scenes <- function() {
  skip_without_rasters()
  skip_without_python()
  for (module in c("rasterio", "rioxarray", "zarr")) {
    if (!reticulate::py_module_available(module)) {
      if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) stop("This run must not skip tests, but there is no ", module, ".")
      skip(paste("There is no", module))
    }
  }
}

# The scene in a file, with holes where it says that there is no data.
scene_file <- function(scene, holes = NULL, ..., env = parent.frame()) {
  file <- withr::local_tempfile(fileext = ".tif", .local_envir = env)
  if (!is.null(holes)) scene[[2]][holes] <- NA
  terra::writeRaster(scene, file, NAflag = -9999, ...)
  file
}

score_both <- function(model, rasters, ..., background, env = parent.frame()) {
  from_r <- suppressMessages(
    score_raster(model, if (is.list(rasters)) lapply(rasters, terra::rast) else terra::rast(rasters), ...,
      background = background
    ),
    classes = "bandlens_message_scored"
  )
  file <- withr::local_tempfile(fileext = ".tif", .local_envir = env)
  options <- list(...)
  whole <- vapply(options, function(value) is.numeric(value), NA)
  options[whole] <- lapply(options[whole], as.integer)
  if (!is.null(options$target) && is.integer(options$target)) options$target <- options$target - 1L
  as_numpy <- function(own) reticulate::np_array(own, "float32")
  background <- if (is.list(background)) lapply(background, as_numpy) else as_numpy(background)
  do.call(
    reticulate::import("bandlens", convert = FALSE)$score_scene,
    c(list(model, rasters, background = background, path = file), options)
  )
  list(r = from_r, python = terra::rast(file), file = file)
}

expect_same_scores <- function(both, tolerance = 1e-5) {
  expect_identical(names(both$python), names(both$r))
  expect_true(terra::compareGeom(both$python, both$r, res = TRUE))
  expect_equal(terra::values(both$python), terra::values(both$r), tolerance = tolerance)
}

test_that("scores of patches are those of Python, in its file as in R's", {
  skip_without_scenes()
  withr::local_seed(1)
  scene <- terra::setValues(small_scene(17, 20, 4), matrix(stats::runif(1360), 340))
  file <- scene_file(scene, holes = c(3, 150))
  background <- images(8, seed = 2)
  for (stride in c(1, 3)) {
    both <- score_both(small_model(), file, stride = stride, prediction = TRUE, background = unname(background))
    expect_same_scores(both)
    expect_true(anyNA(terra::values(both$r)))
  }
  every <- score_both(small_model(), file, stride = 2, target = "all", method = "gradient_x_input",
    classes = classes, background = unname(background)
  )
  expect_same_scores(every)
  # as it is, with a number for no data, in other types, and scaled
  whole <- scene_file(round(scene * 1000), holes = 7, datatype = "INT2S")
  expect_same_scores(score_both(small_model(), whole, target = 2, background = unname(background) * 1000))
  scaled <- terra::rast(whole)
  terra::scoff(scaled) <- cbind(rep(0.001, 4), rep(0.5, 4))
  file <- withr::local_tempfile(fileext = ".tif")
  terra::writeRaster(scaled, file, datatype = "FLT4S")
  expect_same_scores(score_both(small_model(), file, target = 2, background = unname(background)))
})

test_that("a file that Python wrote opens in terra and stars", {
  skip_without_scenes()
  file <- scene_file(small_scene(n_bands = 4), holes = 5)
  both <- score_both(small_model(), file, stride = 1, prediction = TRUE, background = array(0, c(1, 5, 5, 4)))
  proxy <- stars::read_stars(both$file, proxy = TRUE)
  expect_equal(as.vector(sf::st_bbox(proxy)[c(1, 3, 2, 4)]), as.vector(terra::ext(both$r)), ignore_attr = TRUE)
  expect_identical(sf::st_crs(proxy)$epsg, 32633L)
  expect_identical(stars::st_get_dimension_values(stars::st_as_stars(proxy), "band"), names(both$r))
  expect_equal(as.vector(stars::st_as_stars(proxy)[[1]]), as.vector(terra::values(both$python)))
  expect_true(all(is.nan(terra::NAflag(both$python)) | is.na(terra::NAflag(both$python))))
  # without the layer of classes
  plot <- autoplot_scores(both$file, terra::rast(file))
  expect_identical(as.character(sort(unique(plot$data$panel))), as.character(1:4))
})

test_that("scores of pixels are those of Python", {
  skip_without_scenes()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  image <- keras$Input(list(8L, 8L, 3L))
  inner <- keras$layers$Conv2D(4L, 3L, padding = "same", activation = "relu")(image)
  model <- keras$Model(image, keras$layers$Conv2D(3L, 3L, padding = "same", activation = "softmax")(inner))
  withr::local_seed(1)
  scene <- terra::setValues(small_scene(21, 19), matrix(stats::rnorm(3 * 399), 399))
  file <- scene_file(scene, holes = c(1, 200, 201))
  background <- array(stats::rnorm(4 * 192), c(4, 8, 8, 3))
  for (stride in list(NULL, 8)) {
    both <- score_both(model, file, stride = stride, prediction = TRUE, background = background)
    expect_same_scores(both)
  }
  expect_same_scores(score_both(model, file, target = 3, background = background))
})

test_that("scores of several inputs are those of Python", {
  skip_without_scenes()
  scenes <- fine_and_coarse()
  files <- list(fine = scene_file(scenes$fine), coarse = scene_file(scenes$coarse))
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(2L)
  inputs <- list(keras$Input(list(4L, 4L, 3L), name = "fine"), keras$Input(list(2L, 2L, 2L), name = "coarse"))
  flat <- lapply(inputs, function(input) keras$layers$Flatten()(input))
  model <- keras$Model(inputs, keras$layers$Dense(2L)(keras$layers$Concatenate()(flat)))
  background <- list(fine = array(1000, c(1, 4, 4, 3)), coarse = array(2000, c(1, 2, 2, 2)))
  expect_same_scores(score_both(model, files, stride = 2, target = 1, background = background))
})

# Scores of workers, and of this session.
score_shared <- function(model, raster, ..., client = 1) {
  quietly <- function(...) {
    suppressMessages(score_raster(model, raster, ..., progress = FALSE), classes = "bandlens_message_scored")
  }
  list(r = quietly(...), python = quietly(..., client = client))
}

test_that("workers give the scores of this session, whatever layers of a file are asked for", {
  skip_without_scenes()
  scene <- terra::setValues(small_scene(12, 13, 6), matrix(sin(seq_len(6 * 156)), 156))
  names(scene) <- letters[1:6]
  file <- scene_file(round(scene * 1000), holes = c(3, 100), datatype = "INT2S")
  raster <- terra::rast(file)
  terra::scoff(raster) <- cbind(c(0.001, 0.002, 0.001, 1, 0.5, 0.001), 1:6)
  scaled <- withr::local_tempfile(fileext = ".tif")
  terra::writeRaster(raster, scaled, datatype = "INT2S", NAflag = -9999)
  # others' layers, the same ones twice, from two files, in another order
  chosen <- c(terra::rast(file)[[c("f", "b")]], terra::rast(scaled)[["a"]], terra::rast(file)[["c"]])
  by <- function(...) score_shared(small_model(), ..., n_background = 3)
  expect_same_scores(by(chosen, prediction = TRUE, classes = c("one", "two", "three")))
  whole <- by(terra::rast(scaled)[[c(4, 2, 3, 1)]], stride = 2, target = "all")
  expect_same_scores(whole)
  expect_true(anyNA(terra::values(whole$python)))
  # in memory, with names of its own
  held <- terra::setValues(chosen, terra::values(chosen))
  names(held) <- c("w", "x", "y", "z")
  expect_same_scores(by(held, target = 2))
  # pixels, and several inputs with a row of numbers
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(4L)
  image <- keras$Input(list(6L, 6L, 3L))
  mapper <- keras$Model(image, keras$layers$Conv2D(3L, 3L, padding = "same", activation = "softmax")(image))
  mapped <- score_shared(mapper, terra::rast(file)[[3:1]], n_background = 2, prediction = TRUE)
  expect_same_scores(mapped)
  scenes <- fine_and_coarse()
  inputs <- list(
    keras$Input(list(4L, 4L, 3L), name = "fine"), keras$Input(list(2L, 2L, 2L), name = "coarse"),
    keras$Input(list(2L), name = "weather")
  )
  flat <- lapply(inputs, function(input) keras$layers$Flatten()(input))
  model <- keras$Model(inputs, keras$layers$Dense(2L)(keras$layers$Concatenate()(flat)))
  rasters <- list(
    weather = c(rain = 3, wind = 5), coarse = scenes$coarse, fine = terra::rast(scene_file(scenes$fine))
  )
  expect_same_scores(
    score_shared(model, rasters, stride = 2, target = 1, n_background = 3)
  )
})

test_that("what terra and the core would read differently is refused", {
  skip_without_scenes()
  file <- scene_file(small_scene(9, 11, 4))
  by <- function(raster, ...) {
    error <- expect_error(score_raster(small_model(), raster, client = 1, ...), class = "bandlens_error")
    conditionMessage(error$parent)
  }
  opened <- function(change) {
    raster <- terra::rast(file)
    change(raster)
  }
  expect_match(by(opened(function(one) {
    terra::scoff(one) <- cbind(rep(2, 4), 0)
    one
  })), "another scale", fixed = TRUE)
  expect_match(by(opened(function(one) {
    terra::NAflag(one) <- 1101
    one
  })), "number for no data", fixed = TRUE)
  expect_match(by(opened(function(one) {
    terra::ext(one) <- c(0, 11, 0, 9)
    one
  })), "another extent", fixed = TRUE)
  expect_match(by(opened(function(one) {
    terra::window(one) <- terra::ext(500000, 500080, 5000000, 5000160)
    one
  })), "window", fixed = TRUE)
  expect_match(by(c(terra::rast(file)[[1:3]], small_scene(9, 11, 1))), "in memory", fixed = TRUE)
  expect_match(by(terra::rast(file), filename = "scores.grd"), "no GeoTIFF", fixed = TRUE)
  expect_match(by(terra::rast(file), wopt = list(datatype = "INT2S")), "`wopt` is for files", fixed = TRUE)
  # a mask that terra does not look at
  out <- reticulate::import("rasterio")$open(file, "r+")
  out$write_mask(reticulate::np_array(diag(11)[1:9, ] > 0))
  out$close()
  expect_match(by(terra::rast(file)), "has a mask", fixed = TRUE)
})

test_that("a series has scores per band and date, those of Python", {
  skip_without_scenes()
  withr::local_seed(2)
  dates <- c("2024-05-01", "2024-06-01")
  scenes <- lapply(stats::setNames(dates, dates), function(date) {
    terra::setValues(small_scene(9, 10, 3), matrix(stats::rnorm(270), 90))
  })
  files <- lapply(scenes, scene_file, holes = 1, env = rlang::current_env())
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(3L)
  model <- keras$Sequential(list(
    keras$Input(list(2L, 4L, 4L, 3L)), keras$layers$Conv3D(4L, list(1L, 2L, 2L), activation = "relu"),
    keras$layers$Flatten(), keras$layers$Dense(2L)
  ))
  background <- array(stats::rnorm(3 * 96), c(3, 2, 4, 4, 3))
  series <- lapply(files, terra::rast)
  quietly <- function(...) suppressMessages(score_raster(model, ..., stride = 3, target = 1, background = background))
  scores <- quietly(series)
  expect_identical(names(scores), paste0(rep(bands[1:3], each = 2), ".", dates))
  # windows by hand; the first has a missing value
  places <- expand.grid(left = c(1, 4, 7), top = c(1, 4))[-1, ]
  windows <- lapply(series, function(one) unname(read_patches(one, places$top, places$left, 4)))
  x <- aperm(array(unlist(windows), c(5, 4, 4, 3, 2)), c(1, 5, 2, 3, 4))
  table <- band_importance(model, x, time_axis = 2, times = dates, bands = bands[1:3], target = 1,
    background = background, progress = FALSE
  )
  by_hand <- matrix(table$scores[, 1, ], 5)
  found <- terra::values(scores)
  expect_true(all(is.na(found[1, ])))
  expect_equal(unname(found[-1, paste0(table$bands, ".", table$times)]), by_hand, tolerance = 1e-5)
  # in memory, without dates, and by a worker
  held <- lapply(unname(series), function(one) terra::setValues(one, terra::values(one)))
  counted <- quietly(held)
  expect_identical(names(counted), paste0(rep(bands[1:3], each = 2), ".", 1:2))
  expect_equal(unname(terra::values(counted)), unname(found), tolerance = 1e-5)
  expect_equal(terra::values(quietly(files, client = 1)), found, tolerance = 1e-5)
  error <- expect_error(quietly(series[[1]]), class = "bandlens_error_raster")
  expect_match(conditionMessage(error$parent), "takes series of images", fixed = TRUE)
  expect_error(quietly(series[1]), class = "bandlens_error_raster")
  swapped <- series
  swapped[[2]] <- swapped[[2]][[3:1]]
  error <- expect_error(quietly(swapped), class = "bandlens_error_bands")
  expect_match(conditionMessage(error$parent), "another order", fixed = TRUE)
})
