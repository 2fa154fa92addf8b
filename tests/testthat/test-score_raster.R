# Band scores all over a scene, where a linear model tells them beforehand.

# Looks at one pixel per band and output: `weights` is rows x columns x bands x outputs.
linear_model <- function(weights) {
  keras <- reticulate::import("keras")
  size <- dim(weights)
  dense <- keras$layers$Dense(size[[4]], use_bias = FALSE)
  model <- keras$Sequential(list(keras$Input(as.list(size[1:3])), keras$layers$Flatten(), dense))
  # Flatten lets the band run first, then the column
  dense$set_weights(list(matrix(aperm(weights, c(3, 2, 1, 4)), ncol = size[[4]])))
  model
}

# First output: blue at the upper right of 3 x 3 pixels, less twice green at the left of the middle row. Second: red in
# the middle, halved.
known_model <- function() {
  weights <- array(0, c(3, 3, 3, 2))
  weights[1, 3, 1, 1] <- 1
  weights[2, 1, 2, 1] <- -2
  weights[2, 2, 3, 2] <- 0.5
  linear_model(weights)
}

nothing <- array(0, c(1, 3, 3, 3))

wide <- function(layer) terra::as.matrix(layer, wide = TRUE)

quietly <- function(...) suppressMessages(score_raster(...), classes = "bandlens_message_scored")

test_that("scores are those of the patch around each cell, for every stride", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  scores <- quietly(known_model(), scene, stride = 1, background = nothing, target = 1)
  expect_s4_class(scores, "SpatRaster")
  expect_named(scores, bands[1:3])
  expect_equal(wide(scores$blue), wide(scene$blue)[1:7, 3:11])
  expect_equal(wide(scores$green), -2 * wide(scene$green)[2:8, 1:9])
  expect_equal(wide(scores$red), matrix(0, 7, 9))
  # cells are the scene's pixels, less a margin of one
  expect_true(terra::compareGeom(scores, terra::crop(scene, scores)))
  expect_equal(as.vector(terra::ext(scores)), as.vector(terra::ext(scene)) + c(10, -10, 20, -20))

  tiles <- quietly(known_model(), scene, background = nothing, target = 1)
  expect_equal(wide(tiles$blue), wide(scene$blue)[c(1, 4, 7), c(3, 6, 9)])
  expect_equal(as.vector(terra::ext(tiles)), c(500000, 500090, 5000000, 5000180), ignore_attr = TRUE)
  expect_equal(terra::res(tiles), c(30, 60))
  expect_identical(terra::crs(tiles), terra::crs(scene))

  two <- quietly(known_model(), scene, stride = 2, background = nothing, target = 1)
  expect_equal(wide(two$green), -2 * wide(scene$green)[c(2, 4, 6, 8), c(1, 3, 5, 7, 9)])
  # the centre of the first cell is that of the first patch
  expect_equal(terra::xyFromCell(two, 1), terra::xyFromCell(scene, 13), ignore_attr = TRUE)
})

test_that("patches of an even size have their centres between pixels", {
  skip_without_rasters()
  skip_without_python()
  weights <- array(0, c(4, 4, 3, 1))
  weights[1, 4, 2, 1] <- 3
  scene <- small_scene()
  scores <- quietly(linear_model(weights), scene, stride = 1, background = array(0, c(1, 4, 4, 3)))
  expect_equal(wide(scores$green), 3 * wide(scene$green)[1:6, 4:11])
  expect_equal(as.vector(terra::ext(scores)), as.vector(terra::ext(scene)) + c(15, -15, 30, -30))
})

test_that("all outputs, predictions and groups have layers of their own", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  all <- quietly(
    known_model(), scene, background = nothing, target = "all", classes = c("water", "forest"), prediction = TRUE
  )
  expect_named(all, c("prediction", paste0(rep(c("water", "forest"), each = 3), ".", bands[1:3])))
  expect_equal(wide(all$forest.red), wide(scene$red)[c(2, 5, 8), c(2, 5, 8)] / 2)
  expect_equal(wide(all$water.blue), wide(scene$blue)[c(1, 4, 7), c(3, 6, 9)])
  # the first output is below 0 everywhere, the second above
  expect_equal(wide(all$prediction), matrix(2, 3, 3))
  predicted <- quietly(known_model(), scene, background = nothing)
  expect_equal(wide(predicted$red), wide(all$forest.red))
  expect_equal(wide(predicted$blue), matrix(0, 3, 3))
  grouped <- quietly(
    known_model(), scene, background = nothing, target = 1, groups = list(visible = c("blue", "green"))
  )
  expect_named(grouped, c("visible", "red"))
  expect_equal(wide(grouped$visible), wide(all$water.blue) + wide(all$water.green))
})

test_that("blocks of any size give the result of one", {
  skip_without_rasters()
  skip_without_python()
  withr::local_seed(1)
  scene <- terra::setValues(small_scene(12, 10, 4), matrix(stats::runif(480), 120))
  scene[["nir"]][17] <- NA
  score <- function(...) quietly(small_model(), scene, size = 5, stride = 1, target = "all", ...)
  for (method in c("deepshap", "saliency")) {
    once <- score(method = method)
    expect_true(anyNA(terra::values(once)) && !all(is.na(terra::values(once))))
    for (patches in c(1, 4, 20)) { # parts of a row of six, and several rows
      blocks <- withr::with_options(list(bandlens.block_values = 100 * patches), score(method = method))
      expect_equal(terra::values(blocks), terra::values(once), tolerance = 1e-5)
      expect_true(terra::compareGeom(blocks, once))
    }
  }
})

test_that("scores are those of band_importance() for the same patches", {
  skip_without_rasters()
  skip_without_python()
  withr::local_seed(1)
  scene <- terra::setValues(small_scene(12, 10, 4), matrix(stats::runif(480), 120))
  points <- pixel_points(scene, c(3, 8, 10), c(3, 5, 8))
  patches <- extract_patches(scene, points, 5, label = NULL)
  table <- band_importance(small_model(), patches$x, background = images(8, seed = 2), target = "predicted")
  scores <- quietly(small_model(), scene, stride = 1, background = images(8, seed = 2))
  there <- as.matrix(terra::extract(scores, points, ID = FALSE))
  expect_equal(there, table$scores[, 1, ], tolerance = 1e-5, ignore_attr = TRUE)
})

test_that("patches with missing values have no score, and are counted", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  scene[["red"]][terra::cellFromRowCol(scene, 5, 5)] <- NA
  expect_snapshot(cat(message_of(scores <- score_raster(known_model(), scene, background = nothing, target = 1))))
  expect_equal(which(is.na(wide(scores$blue))), 5)
  expect_equal(wide(scores$blue)[-5], wide(scene$blue)[c(1, 4, 7), c(3, 6, 9)][-5])
  said <- message_of(score_raster(known_model(), scene, method = "saliency"))
  expect_identical(said, "Scored 8 patches; 1 more with missing values have no score.")
  scene[["red"]][] <- NA
  expect_snapshot(cat(conditionMessage(error_of(score_raster(known_model(), scene)))))
})

test_that("without a background, one is drawn from the scene, the same for all blocks and every time", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  score <- function(...) terra::values(quietly(known_model(), scene, target = 1, ...))
  scores <- score(n_background = 5)
  drawn <- random_patches(scene, 3, 5, 0)
  expect_equal(dim(drawn), c(5, 3, 3, 3))
  expected <- wide(scene$blue)[1, 3] - mean(drawn[, 1, 3, 1])
  expect_equal(scores[1, "blue"], expected, tolerance = 1e-6, ignore_attr = TRUE)
  expect_identical(score(n_background = 5), scores)
  expect_false(identical(score(n_background = 5, seed = 1), scores))
  # patches with missing values are not among them, also where these are most
  scene[["red"]][1:80] <- NA
  expect_false(anyNA(random_patches(scene, 2, 3, 0)))
  # row 8 is filled from its fourth column on: 7 places for patches of 2 x 2
  expect_equal(nrow(random_patches(scene, 2, 100, 0)), 7)
})

test_that("a file holds what else is in memory, and is not there after an error", {
  skip_without_rasters()
  skip_without_python()
  withr::local_dir(withr::local_tempdir())
  scene <- small_scene()
  memory <- quietly(known_model(), scene, background = nothing)
  file <- quietly(
    known_model(), scene, background = nothing, filename = "scores.tif", wopt = list(datatype = "FLT8S")
  )
  expect_identical(basename(terra::sources(file)), "scores.tif")
  expect_identical(terra::values(terra::rast("scores.tif")), terra::values(memory))
  terra::writeRaster(scene, "scene.tif")
  said <- function(...) cat(conditionMessage(error_of(score_raster(known_model(), ...))), "\n")
  expect_snapshot({
    said(scene, filename = "scores.tif")
    said(terra::rast("scene.tif"), filename = "scene.tif", overwrite = TRUE)
    said(scene, filename = 1)
  })
  expect_silent(quietly(known_model(), scene, background = nothing, filename = "scores.tif", overwrite = TRUE))

  fails <- function(patches) cause("model", "It fails.")
  cells <- score_cells(scene, 3, 3, bands[1:3])
  expect_error(
    in_verb("do it", write_scores(scene, cells, 3, 3, fails, FALSE, "half.tif", FALSE, list(), NULL)), "It fails"
  )
  expect_false(file.exists("half.tif"))
})

test_that("stars objects give stars objects", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  scores <- quietly(known_model(), stars::st_as_stars(scene), background = nothing, target = 1)
  expected <- quietly(known_model(), scene, background = nothing, target = 1)
  expect_s3_class(scores, "stars")
  expect_named(scores, "score")
  expect_identical(stars::st_get_dimension_values(scores, 3), bands[1:3])
  expect_identical(terra::values(as_scene(scores)), terra::values(expected), ignore_attr = TRUE)
  expect_equal(as.vector(terra::ext(as_scene(scores))), as.vector(terra::ext(expected)))
  file <- withr::local_tempfile(fileext = ".tif")
  proxy <- quietly(known_model(), stars::st_as_stars(scene), background = nothing, target = 1, filename = file)
  expect_s3_class(proxy, "stars_proxy")
  expect_equal(terra::values(as_scene(proxy)), terra::values(expected), ignore_attr = TRUE)
})

test_that("a saved model is loaded, and asked for its size", {
  skip_without_rasters()
  skip_without_python()
  scene <- terra::setValues(small_scene(10, 10, 4), matrix(seq_len(400) / 400, 100))
  from <- function(model) terra::values(quietly(model, scene, method = "saliency"))
  expect_equal(from(small_path()), from(small_model()), tolerance = 1e-6)
  expect_equal(model_size(small_model()), 5)
  keras <- reticulate::import("keras")
  oblong <- keras$Sequential(list(keras$Input(list(2L, 3L, 4L)), keras$layers$Flatten(), keras$layers$Dense(2L)))
  broken <- withr::local_tempfile(fileext = ".keras")
  writeLines("no model", broken)
  said <- function(...) {
    text <- conditionMessage(error_of(score_raster(...)))
    cat(gsub(basename(broken), "<file>", sub("(x|Given:) File not found.*", "", text), fixed = TRUE), "\n")
  }
  expect_snapshot({
    said("none.keras", scene)
    said(oblong, scene)
    said(python("lambda images: images[:, 0, 0, :]"), scene)
  })
  expect_error(score_raster(broken, scene), class = "bandlens_error_model")
})

test_that("what can't be scored is named", {
  skip_without_rasters()
  skip_without_python()
  said <- function(...) cat(conditionMessage(error_of(score_raster(...))), "\n")
  scene <- small_scene()
  expect_snapshot({
    said(known_model(), images())
    said(known_model(), small_scene(2, 2))
    said(known_model(), scene, stride = 0)
    said(known_model(), scene, method = "permutation")
    said(known_model(), scene, method = "sage")
    said(known_model(), scene, prediction = NA)
    said(known_model(), small_scene(n_bands = 2))
    said(known_model(), scene, target = "forest")
    said(known_model(), scene, size = 5)
  })
})

test_that("progress is told in patches", {
  skip_without_rasters()
  scene <- small_scene()
  told <- NULL
  bar <- function(done, total) told <<- rbind(told, c(done, total))
  result <- list(scores = array(1, c(3, 1, 3)), completeness = NULL)
  withr::local_options(bandlens.block_values = 81)
  cells <- score_cells(scene, 3, 3, bands[1:3])
  expect_message(
    write_scores(scene, cells, 3, 3, function(patches) result, FALSE, "", FALSE, list(), bar),
    "Scored 9 patches."
  )
  expect_equal(told, cbind(c(3, 6, 9), 9))
})

test_that("maps of a scene are its scores, and what only images have is refused", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  scores <- quietly(known_model(), scene, stride = 2, background = nothing, target = 1)
  maps <- suppressMessages(
    band_maps(known_model(), scene, stride = 2, background = nothing, target = 1),
    classes = "bandlens_message_scored"
  )
  expect_s4_class(maps, "SpatRaster")
  expect_identical(names(maps), bands[1:3])
  expect_identical(terra::values(maps), terra::values(scores))
  file <- withr::local_tempfile(fileext = ".tif")
  terra::writeRaster(maps, file)
  expect_equal(terra::values(terra::rast(file)), terra::values(maps))
  # every place has the class that is predicted for it
  expect_identical(
    terra::values(suppressMessages(band_maps(known_model(), scene, background = nothing))),
    terra::values(quietly(known_model(), scene, background = nothing, target = "predicted"))
  )
  error <- error_of(band_maps(known_model(), scene, y = 1:3, bands = letters[1:3]))
  expect_s3_class(error, "bandlens_error_option")
  expect_match(conditionMessage(error), "`y`, `bands`", fixed = TRUE)
})

# ---- Bands by name, several scenes, classes --------------------------------------------------------------------------

named_background <- function(names = bands[1:3]) array(0, c(2, 3, 3, 3), list(NULL, NULL, NULL, names))

test_that("layers in another order than the background's or the model's bands are noticed, and reordered", {
  skip_without_rasters()
  skip_without_python()
  scene <- small_scene()
  model <- known_model()
  plain <- quietly(model, scene, background = named_background(), target = 1)
  expect_error(
    quietly(model, scene[[3:1]], background = named_background(), target = 1),
    "`raster` has the bands of `background` in another order",
    class = "bandlens_error_bands"
  )
  moved <- quietly(model, scene[[3:1]], background = named_background(), target = 1, reorder = TRUE)
  expect_identical(terra::values(moved), terra::values(plain))
  expect_error(
    quietly(model, scene, background = named_background(c("a", "b", "c"))),
    "`background` has other bands than `raster`",
    class = "bandlens_error_bands"
  )
  bandlens_bands(model) <- bands[1:3]
  expect_error(quietly(model, scene[[3:1]]), "of the model in another order", class = "bandlens_error_bands")
  moved <- quietly(model, scene[[3:1]], background = named_background(), target = 1, reorder = TRUE)
  expect_identical(terra::values(moved), terra::values(plain))
  path <- file.path(withr::local_tempdir(), "model.keras")
  model$save(path)
  bandlens_bands(path) <- bands[1:3]
  expect_error(quietly(path, scene[[3:1]]), "of the model in another order", class = "bandlens_error_bands")
  # one message, not one in the other
  error <- error_of(quietly(model, scene[[3:1]]))
  expect_length(gregexpr("Expected:", conditionMessage(error))[[1]], 1)
})

test_that("other layers than the model takes are counted and named", {
  skip_without_rasters()
  skip_without_python()
  error <- error_of(quietly(known_model(), small_scene(n_bands = 4), background = named_background()))
  expect_s3_class(error, "bandlens_error_bands")
  expect_identical(error$parent$expected, "3 layers: blue, green, red")
  expect_identical(error$parent$given, "4 layers: blue, green, red, nir")
  expect_match(error$parent$fix, "raster[[c(\"blue\", \"green\", \"red\")]]", fixed = TRUE)
  scene <- small_scene(n_bands = 4)
  names(scene) <- paste0("lyr.", 1:4)
  chosen <- quietly(known_model(), scene[[1:3]], background = named_background(), target = 1)
  expect_equal(dim(chosen)[[3]], 3) # names that only count are compared with nothing
})

test_that("predictions are a categorical layer with the names of the classes", {
  skip_without_rasters()
  skip_without_python()
  classes <- c("water", "forest")
  scene <- small_scene()
  scores <- quietly(known_model(), scene, background = nothing, classes = classes, prediction = TRUE)
  expect_identical(terra::is.factor(scores), c(TRUE, FALSE, FALSE, FALSE))
  expect_identical(terra::levels(scores)[[1]]$prediction, classes)
  expect_named(scores, c("prediction", bands[1:3]))
  expect_identical(terra::freq(scores[[1]])$value, "forest")
  file <- file.path(withr::local_tempdir(), "scores.tif")
  written <- quietly(known_model(), scene, background = nothing, classes = classes, prediction = TRUE, filename = file)
  expect_identical(terra::levels(written)[[1]]$prediction, classes)
  expect_identical(terra::values(terra::rast(file)), terra::values(scores))
  unnamed <- quietly(known_model(), scene, background = nothing, prediction = TRUE)
  expect_identical(terra::levels(unnamed)[[1]]$prediction, c("1", "2"))
  # numbers are no classes
  expect_error(
    quietly(known_model(), scene, background = nothing, task = "regression", prediction = TRUE),
    "predicts numbers, not classes", class = "bandlens_error_option"
  )
})

test_that("scenes may be files, and several", {
  skip_without_rasters()
  skip_without_python()
  withr::local_dir(withr::local_tempdir())
  scene <- small_scene()
  terra::writeRaster(scene, "scene.tif")
  score <- function(raster, ...) quietly(known_model(), raster, background = nothing, target = 1, ...)
  plain <- score(scene)
  expect_identical(terra::values(score("scene.tif")), terra::values(plain))
  found <- score(list(first = "scene.tif", second = 2 * scene), filename = c("a.tif", "b.tif"))
  expect_named(found, c("first", "second"))
  expect_identical(terra::values(found$first), terra::values(plain))
  expect_equal(terra::values(found$second), 2 * terra::values(plain))
  expect_true(all(file.exists("a.tif", "b.tif")))
  stars <- score(list(scene, stars::st_as_stars(scene)))
  expect_s3_class(stars[[2]], "stars")
  expect_error(score(list(scene, scene), filename = "c.tif"), "for each raster", class = "bandlens_error_option")
  expect_error(
    score(list(scene, scene), filename = c("c.tif", "c.tif")), "for each raster",
    class = "bandlens_error_option"
  )
  expect_error(score("scene.tif", filename = "scene.tif"), "the file of the scene", class = "bandlens_error_option")
  # before the first is scored
  expect_error(score(list(scene, small_scene(n_bands = 2)), filename = c("d.tif", "e.tif")), "other layers")
  expect_false(file.exists("d.tif"))
})
