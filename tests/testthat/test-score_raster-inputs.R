# Scenes for models with several inputs: rasters of different resolution that lie over each other.

# The first output is red in the upper left of 4 x 4 pixels, less half of swir2 in the lower right of 2 x 2, and twice
# the second of three numbers.
two_inputs <- function(numbers = FALSE, coarse = 2L, activation = NULL) {
  keras <- reticulate::import("keras")
  layers <- keras$layers
  inputs <- list(
    keras$Input(list(4L, 4L, 3L), name = "fine"), keras$Input(list(coarse, coarse, 2L), name = "coarse"),
    keras$Input(list(3L), name = "weather")
  )[seq_len(2 + numbers)]
  flat <- layers$Concatenate()(lapply(inputs, function(input) layers$Flatten()(input)))
  last <- layers$Dense(2L, use_bias = FALSE)
  out <- last(flat)
  if (!is.null(activation)) out <- layers$Activation(activation)(out)
  model <- keras$Model(inputs, out)
  weights <- matrix(0, 48 + coarse^2 * 2 + 3 * numbers, 2)
  weights[3, 1] <- 1
  weights[48 + coarse^2 * 2, 1] <- -0.5
  if (numbers) weights[48 + coarse^2 * 2 + 2, 1] <- 2
  last$set_weights(list(weights))
  model
}

no_ground <- list(fine = array(0, c(1, 4, 4, 3)), coarse = array(0, c(1, 2, 2, 2)))

wide <- function(layer) terra::as.matrix(layer, wide = TRUE)

quietly <- function(...) suppressMessages(score_raster(...), classes = "bandlens_message_scored")

test_that("windows cover the same ground in rasters of different resolution", {
  skip_without_rasters()
  skip_without_python()
  scenes <- fine_and_coarse()
  scores <- quietly(two_inputs(), scenes, background = no_ground, target = 1)
  expect_named(scores, c("fine.blue", "fine.green", "fine.red", "coarse.swir1", "coarse.swir2"))
  expect_equal(dim(scores)[1:2], c(2, 3))
  expect_equal(wide(scores$fine.red), wide(scenes$fine$red)[c(1, 5), c(1, 5, 9)])
  expect_equal(wide(scores$coarse.swir2), -wide(scenes$coarse$swir2)[c(2, 4), c(2, 4, 6)] / 2)
  expect_equal(terra::res(scores), c(40, 80))

  # in any order, without names, as stars and from blocks, by steps of whole pixels of each
  model <- two_inputs()
  steps <- quietly(model, scenes, stride = 2, background = no_ground, target = 1)
  expect_equal(wide(steps$fine.red), wide(scenes$fine$red)[c(1, 3, 5), c(1, 3, 5, 7, 9)])
  expect_equal(wide(steps$coarse.swir2), -wide(scenes$coarse$swir2)[2:4, 2:6] / 2)
  blocks <- withr::with_options(
    list(bandlens.block_values = 120), quietly(model, rev(scenes), stride = 2, background = rev(no_ground), target = 1)
  )
  expect_equal(terra::values(blocks), terra::values(steps))
  listed <- quietly(model, unname(scenes), stride = 2, background = no_ground, target = 1)
  expect_equal(terra::values(listed), terra::values(steps))
  of_stars <- quietly(model, lapply(scenes, stars::st_as_stars), background = no_ground, target = 1)
  expect_s3_class(of_stars, "stars")
  whole <- quietly(model, scenes, background = no_ground, target = "all", groups = "input", prediction = TRUE)
  expect_named(whole, c("prediction", "1.fine", "1.coarse", "2.fine", "2.coarse"))
  expect_equal(wide(whole[["1.fine"]]), wide(scores$fine.red))
})

test_that("a background is drawn from all rasters together, and missing values of any are missing", {
  skip_without_rasters()
  skip_without_python()
  scenes <- fine_and_coarse()
  scenes$coarse[["swir1"]][3] <- NA
  ground <- join_ground(scenes)
  drawn <- random_patches(ground, 4, 6, 0)
  expect_identical(lapply(drawn, dim), list(fine = c(6L, 4L, 4L, 3L), coarse = c(6L, 2L, 2L, 2L)))
  # they are of one place: a coarse pixel is the mean of its fine ones
  expect_equal(drawn$coarse[, 1, 1, 1], apply(drawn$fine[, 1:2, 1:2, 1], 1, mean))
  text <- message_of(scores <- score_raster(two_inputs(), scenes, n_background = 6, target = 1))
  expect_match(text, "Scored 5 patches; 1 more with missing values")
  expect_identical(which(is.na(terra::values(scores$fine.red))), 2L)
  expect_equal(
    terra::values(scores$fine.red)[1], wide(scenes$fine$red)[1, 1] - mean(drawn$fine[, 1, 1, 3]),
    tolerance = 1e-6
  )
})

test_that("a row of numbers is the same all over the scene", {
  skip_without_rasters()
  skip_without_python()
  scenes <- fine_and_coarse()
  weather <- c(rain = 1, wind = 3, sun = 2)
  nothing <- c(no_ground, list(weather = matrix(0, 1, 3)))
  scores <- quietly(two_inputs(numbers = TRUE), c(scenes, list(weather = weather)), background = nothing, target = 1)
  expect_named(scores[[6:8]], paste0("weather.", names(weather)))
  expect_equal(unique(as.vector(terra::values(scores$weather.wind))), 6)
  expect_equal(wide(scores$fine.red), wide(scenes$fine$red)[c(1, 5), c(1, 5, 9)])
})

test_that("rasters that don't lie over each other are refused before anything is computed", {
  skip_without_rasters()
  skip_without_python()
  scenes <- fine_and_coarse()
  model <- two_inputs()
  other <- function(raster) utils::modifyList(scenes, list(coarse = raster))
  projected <- scenes$coarse
  terra::crs(projected) <- "EPSG:32634"
  odd <- terra::rast(terra::ext(scenes$fine), nrows = 5, ncols = 8, nlyrs = 2, vals = 1, crs = terra::crs(scenes$fine))
  said <- function(...) cat(conditionMessage(error_of(score_raster(...))), "\n")
  expect_snapshot({
    said(model, scenes$fine)
    said(model, list(fine = scenes$fine))
    said(model, list(fine = scenes$fine, corse = scenes$coarse))
    said(model, other(terra::shift(scenes$coarse, 10)))
    said(model, other(terra::shift(scenes$coarse, 1000)))
    said(model, other(projected))
    said(model, other(odd))
    said(model, other(scenes$coarse[[1]]))
    said(two_inputs(coarse = 1L), scenes)
    said(model, scenes, size = 3)
    said(model, scenes, stride = 3)
    said(model, scenes, size = 8)
    said(two_inputs(numbers = TRUE), c(scenes, list(weather = 1:2)))
    said(model, scenes, background = no_ground["fine"])
  })
})

test_that("a model of several labels is scored for the likeliest, with the probabilities of all", {
  skip_without_rasters()
  skip_without_python()
  keras <- reticulate::import("keras")
  image <- keras$Input(list(2L, 2L, 3L))
  last <- keras$layers$Dense(3L, activation = "sigmoid")
  model <- keras$Model(image, last(keras$layers$GlobalAveragePooling2D()(image)))
  last$set_weights(list(diag(c(1, 1, 0)) / 1000, array(c(-1.2, -2.5, 0))))
  scene <- small_scene()
  nothing <- array(0, c(1, 2, 2, 3))
  scores <- quietly(model, scene, background = nothing, classes = c("wet", "green", "built"), prediction = TRUE)
  names <- paste0("probability.", c("wet", "green", "built"))
  expect_named(scores, c("prediction", names, bands[1:3]))
  means <- terra::aggregate(terra::crop(scene, scores), 2)
  expected <- stats::plogis(cbind(terra::values(means$blue) / 1000 - 1.2, terra::values(means$green) / 1000 - 2.5, 0))
  expect_equal(unname(terra::values(scores[[2:4]])), unname(expected), tolerance = 1e-5)
  likeliest <- max.col(expected, ties.method = "first")
  expect_equal(as.vector(terra::values(scores[[1]])), likeliest)
  own <- cbind(terra::values(means$blue), terra::values(means$green), 0) / 1000
  expect_equal(rowSums(terra::values(scores[[5:7]])), own[cbind(seq_along(likeliest), likeliest)], tolerance = 1e-5)
  one <- quietly(model, scene, background = nothing, target = 2)
  expect_equal(as.vector(terra::values(one$green)), as.vector(terra::values(means$green)) / 1000, tolerance = 1e-5)
})

test_that("pixels are mapped from rasters of different resolution", {
  skip_without_rasters()
  skip_without_python()
  keras <- reticulate::import("keras")
  layers <- keras$layers
  inputs <- list(keras$Input(list(4L, 4L, 3L), name = "fine"), keras$Input(list(2L, 2L, 2L), name = "coarse"))
  last <- layers$Conv2D(2L, 1L, activation = "softmax")
  both <- layers$Concatenate()(list(inputs[[1]], layers$UpSampling2D(2L)(inputs[[2]])))
  model <- keras$Model(inputs, last(both))
  weights <- cbind(c(1, 0, 0, 0, 0), c(0, 0, 0.5, -0.2, 0)) / 1000
  last$set_weights(list(array(weights, c(1, 1, 5, 2)), array(0, 2)))
  scenes <- fine_and_coarse()
  scenes$coarse[["swir2"]][3] <- NA
  scores <- quietly(model, scenes, background = no_ground, prediction = TRUE)
  expect_named(scores, c(
    "prediction", "confidence", "fine.blue", "fine.green", "fine.red", "coarse.swir1", "coarse.swir2"
  ))
  expect_true(terra::compareGeom(scores, scenes$fine))
  values <- cbind(terra::values(scenes$fine), terra::values(terra::disagg(scenes$coarse, 2)))
  holes <- which(is.na(values[, 5]))
  expect_identical(which(is.na(terra::values(scores$fine.blue))), holes)
  class <- max.col((values %*% weights)[-holes, ], ties.method = "first")
  expect_equal(as.vector(terra::values(scores[[1]]))[-holes], class)
  expect_equal(unname(terra::values(scores[[3:7]]))[-holes, ], t(weights[, class]) * unname(values)[-holes, ],
    tolerance = 1e-5
  )
})

test_that("maps of several rasters are their scores, and tables take no rasters", {
  skip_without_rasters()
  skip_without_python()
  scenes <- fine_and_coarse()
  model <- two_inputs()
  maps <- suppressMessages(band_maps(model, scenes, background = no_ground), classes = "bandlens_message_scored")
  expect_equal(terra::values(maps), terra::values(quietly(model, scenes, background = no_ground)))
  error <- error_of(band_importance(model, scenes))
  expect_s3_class(error, "bandlens_error_input_type")
  expect_match(conditionMessage(error$parent), "`x$fine` is a raster, not an array of images", fixed = TRUE)
})
