# Scores of pixels, where a model that looks at pixels one by one tells them beforehand.

# Logits of three classes for each pixel: `weights` is bands x classes.
pixel_weights <- matrix(c(-2, 0, 0, 0, 1, 0, 0, 0, 1), 3)
middle <- c(1505, 2505, 3505)

pixel_model <- function(weights = pixel_weights, activation = "softmax", size = 4L) {
  keras <- reticulate::import("keras")
  image <- keras$Input(reticulate::tuple(size, size, nrow(weights)))
  last <- keras$layers$Conv2D(ncol(weights), 1L, activation = activation)
  model <- keras$Model(image, last(image))
  last$set_weights(list(array(weights / 100, c(1, 1, dim(weights))), array(-middle %*% weights / 100)))
  model
}

# Every class somewhere, in no order.
patchy_scene <- function(...) {
  scene <- small_scene(...)
  withr::with_seed(1, terra::setValues(scene, terra::values(scene) + stats::rnorm(3 * terra::ncell(scene), sd = 300)))
}

plain_background <- array(rep(middle, each = 16), c(1, 4, 4, 3))

class_of <- function(scene, weights = pixel_weights) {
  max.col(sweep(terra::values(scene), 2, middle) %*% weights / 100, ties.method = "first")
}

known_scores <- function(scene, class, weights = pixel_weights) {
  unname(t(weights[, class]) / 100 * sweep(terra::values(scene), 2, middle))
}

quietly <- function(...) suppressMessages(score_raster(...), classes = "bandlens_message_scored")

test_that("a pixel has the scores of its own class, whatever windows it is in", {
  skip_without_rasters()
  skip_without_python()
  model <- pixel_model()
  scene <- patchy_scene()
  for (stride in list(NULL, 1, 3, 4)) {
    scores <- quietly(model, scene, stride = stride, background = plain_background)
    expect_true(terra::compareGeom(scores, scene))
    expect_named(scores, bands[1:3])
    expect_equal(unname(terra::values(scores)), known_scores(scene, class_of(scene)), tolerance = 1e-5)
  }
  expect_setequal(class_of(scene), 1:3)
  blocks <- withr::with_options(
    list(bandlens.block_values = 100), quietly(model, scene, background = plain_background)
  )
  expect_equal(terra::values(blocks), terra::values(quietly(model, scene, background = plain_background)))
})

test_that("classes and their probabilities are mapped, and named outputs are explained everywhere", {
  skip_without_rasters()
  skip_without_python()
  model <- pixel_model()
  scene <- patchy_scene()
  names <- c("water", "forest", "city")
  found <- quietly(model, scene, background = plain_background, classes = names, prediction = TRUE)
  expect_named(found, c("prediction", "confidence", bands[1:3]))
  expect_identical(terra::levels(found)[[1]]$prediction, names)
  expect_equal(as.vector(terra::values(found[[1]])), class_of(scene))
  logits <- sweep(terra::values(scene), 2, middle) %*% pixel_weights / 100
  likely <- exp(logits) / rowSums(exp(logits))
  expect_equal(as.vector(terra::values(found$confidence)), apply(likely, 1, max), tolerance = 1e-5)
  expect_equal(unname(terra::values(found[[3:5]])), known_scores(scene, class_of(scene)), tolerance = 1e-5)

  all <- quietly(model, scene, background = plain_background, classes = names, target = "all")
  expect_named(all, paste0(rep(names, each = 3), ".", bands[1:3]))
  city <- quietly(model, scene, background = plain_background, classes = names, target = "city")
  expect_equal(terra::values(city), terra::values(all[[7:9]]), ignore_attr = TRUE, tolerance = 1e-6)
  expect_equal(unname(terra::values(city)), known_scores(scene, rep(3, 99)), tolerance = 1e-5)
  grouped <- quietly(model, scene, background = plain_background, groups = list(visible = bands[1:3]))
  expect_named(grouped, "visible")
  expect_equal(
    as.vector(terra::values(grouped)), rowSums(known_scores(scene, class_of(scene))),
    tolerance = 1e-5
  )
})

test_that("pixels without data have no score, and take none from others", {
  skip_without_rasters()
  skip_without_python()
  model <- pixel_model()
  scene <- patchy_scene()
  expected <- known_scores(scene, class_of(scene))
  holes <- c(1, 49, 50)
  scene[["red"]][holes] <- NA
  text <- message_of(scores <- score_raster(model, scene, background = plain_background, prediction = TRUE))
  expect_match(text, "Scored 96 pixels in 20 windows; 3 more with missing values have no score; completeness: ")
  expect_identical(which(is.na(terra::values(scores$blue))), as.integer(holes))
  expect_identical(which(is.na(terra::values(scores$confidence))), as.integer(holes))
  expect_equal(unname(terra::values(scores[[3:5]]))[-holes, ], expected[-holes, ], tolerance = 1e-5)
  # windows without any data are left out
  scene[1:5, ] <- NA
  text <- message_of(scores <- score_raster(model, scene, background = plain_background, target = 1))
  expect_match(text, "Scored 44 pixels")
  expect_identical(which(is.na(terra::values(scores$blue))), 1:55)
})

test_that("windows cover all of a scene, and add up to one", {
  expect_identical(window_starts(11, 4, 2), c(1, 3, 5, 7, 8))
  expect_identical(window_starts(4, 4, 2), 1)
  weights <- window_weights(4)
  expect_true(all(weights > 0))
  expect_equal(weights[1:2, 1:2] + weights[3:4, 1:2] + weights[1:2, 3:4] + weights[3:4, 3:4], matrix(1, 2, 2))
  # a window that says 1 and one that says 2, half a window apart
  skip_without_rasters()
  work <- list(ground = as_ground(small_scene(4, 6)), size = 4, top = 1, left = c(1, 3))
  said <- function(top, left) {
    list(values = array(rep(seq_along(left), 16), c(2, 4, 4, 1)), known = array(TRUE, c(2, 4, 4)), at = 1:2)
  }
  blended <- NULL
  blend(work, 1, said, function(n) NULL, function(values, row) blended <<- values[, , 1])
  along <- window_weights(4)[2, ] / sum(window_weights(4)[2, c(1, 3)])
  expect_equal(blended[1:2, ], matrix(1, 2, 4))
  expect_equal(blended[5:6, ], matrix(2, 2, 4))
  expect_equal(blended[3:4, 1], (along[3:4] + 2 * along[1:2]) / (along[3:4] + along[1:2]))
})

test_that("files, stars and pictures of pixels", {
  skip_without_rasters()
  skip_without_python()
  model <- pixel_model(size = NULL)
  expect_error(quietly(model, patchy_scene()), "does not say how large", class = "bandlens_error_option")
  scene <- patchy_scene()
  file <- withr::local_tempfile(fileext = ".tif")
  memory <- quietly(model, scene, 4, background = plain_background, prediction = TRUE)
  written <- quietly(model, scene, 4, background = plain_background, prediction = TRUE, filename = file,
    wopt = list(datatype = "FLT8S")
  )
  expect_equal(terra::values(terra::rast(file)), terra::values(memory))
  expect_identical(terra::levels(written)[[1]]$prediction, c("1", "2", "3"))
  of_stars <- quietly(model, stars::st_as_stars(scene), 4, background = plain_background)
  expect_s3_class(of_stars, "stars")
  plot <- autoplot_scores(memory, scene)
  expect_identical(as.character(unique(plot$data$panel)), c("1", "2", "3")) # neither classes nor probabilities
  expect_match(plot$labels$subtitle, "99|9 x 11")
  expect_identical(autoplot_scores(memory)$labels$title, "Score of each pixel, by band")
})

test_that("two classes of one sigmoid, and several of sigmoids, are told apart by their probability", {
  skip_without_rasters()
  skip_without_python()
  scene <- patchy_scene()
  one <- pixel_model(pixel_weights[, 2, drop = FALSE], "sigmoid")
  found <- quietly(one, scene, background = plain_background, prediction = TRUE)
  logit <- (terra::values(scene)[, 2] - middle[[2]]) / 100
  expect_equal(as.vector(terra::values(found[[1]])), 1 + (logit > 0))
  expect_equal(as.vector(terra::values(found$confidence)), stats::plogis(abs(logit)), tolerance = 1e-5)
  expect_equal(as.vector(terra::values(found$green)), abs(logit), tolerance = 1e-5)
  several <- quietly(pixel_model(activation = "sigmoid"), scene, background = plain_background)
  expect_equal(unname(terra::values(several)), known_scores(scene, class_of(scene)), tolerance = 1e-5)
})

test_that("what can't be scored pixel by pixel is named", {
  skip_without_rasters()
  skip_without_python()
  keras <- reticulate::import("keras")
  scene <- small_scene()
  model <- pixel_model()
  image <- keras$Input(reticulate::tuple(4L, 4L, 3L))
  coarse <- keras$Model(image, keras$layers$Conv2D(3L, 2L, 2L, activation = "softmax")(image))
  said <- function(...) cat(conditionMessage(error_of(score_raster(..., background = plain_background))), "\n")
  expect_snapshot({
    said(coarse, scene)
    said(model, scene, stride = 5)
    said(model, scene, method = "occlusion")
    said(model, scene, statistic = "band_sum")
    said(model, scene, target = "forest")
    said(model, scene, size = 6)
    said(model, scene, task = "classification")
    said(model, small_scene(3, 3))
  })
})
