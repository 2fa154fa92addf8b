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
