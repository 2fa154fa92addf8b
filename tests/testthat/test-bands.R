# Names of bands: another order is never explained without a word, in whatever the images come.

named_images <- function(order = 1:4, n = 12) {
  x <- images(n)[, , , order, drop = FALSE]
  list(x = x, y = labels(n))
}

# A model of its own, since names are kept with it.
own_model <- function() {
  copy <- reticulate::import("keras")$models$clone_model(small_model())
  copy$set_weights(small_model()$get_weights())
  copy
}

explained <- function(model, x, ...) band_importance(model, x, ..., method = "gradient_x_input", progress = FALSE)

timeless <- function(result) unclass(result)[setdiff(names(result), "seconds")]

test_that("a background in another order is an error that offers to reorder", {
  skip_without_python()
  error <- error_of(band_importance(small_model(), images(), background = named_images(4:1), progress = FALSE))
  expect_s3_class(error, "bandlens_error_bands")
  expect_match(conditionMessage(error$parent), "`x` has the bands of `background` in another order", fixed = TRUE)
  expect_match(error$parent$fix, "`reorder = TRUE`", fixed = TRUE)
  expect_identical(error$parent$expected, "nir, red, green, blue")
  expect_identical(error$parent$given, "blue, green, red, nir")
})

test_that("reordered images give the table of the right order", {
  skip_without_python()
  waves <- c(480, 560, 660, 835)
  plain <- band_importance(small_model(), named_images(), background = images(seed = 2), progress = FALSE)
  moved <- band_importance(
    small_model(), named_images(c(3, 1, 4, 2)),
    background = images(seed = 2), wavelengths = waves[c(3, 1, 4, 2)], reorder = TRUE, progress = FALSE
  )
  expect_equal(moved$scores, plain$scores, tolerance = 1e-6)
  expect_identical(moved$bands, bands)
  expect_identical(moved$wavelengths, waves)
})

test_that("other bands are an error, and names that say nothing are not", {
  skip_without_python()
  other <- images(seed = 2)
  call <- function(background, x = images(), ...) {
    band_importance(small_model(), x, labels(), background = background, ..., progress = FALSE)
  }
  dimnames(other)[[4]] <- letters[1:4]
  expect_error(call(other), "`background` has other bands than `x`", class = "bandlens_error_bands")
  expect_error(call(other, reorder = TRUE), "other bands", class = "bandlens_error_bands")
  plain <- call(unname(images(seed = 2)))
  for (names in list(c("1", "2", "3", "4"), paste0("lyr.", 4:1), paste0("a scene_", 1:4), toupper(bands))) {
    dimnames(other)[[4]] <- names
    expect_silent(found <- call(other))
    expect_identical(found$scores, plain$scores)
    x <- images()
    dimnames(x)[[4]] <- names
    expect_identical(unname(call(images(seed = 2), x)$scores), unname(plain$scores))
  }
  renamed <- call(images(seed = 2), bands = c("B", "G", "R", "N"))
  expect_identical(renamed$bands, c("B", "G", "R", "N"))
  expect_identical(renamed$image_bands, bands)
  expect_error(call(other, reorder = NA), "`reorder` must be TRUE or FALSE", class = "bandlens_error_option")
})

test_that("names are kept with a model, and those of images compared with them", {
  skip_without_python()
  model <- own_model()
  expect_null(bandlens_bands(model))
  bandlens_bands(model) <- bands
  expect_s3_class(model, "python.builtin.object")
  expect_identical(bandlens_bands(model), bands)
  expect_error(explained(model, images()[, , , 4:1]), "of the model in another order", class = "bandlens_error_bands")
  expect_error(explained(model, images(), bands = rev(bands)), "in another order", class = "bandlens_error_bands")
  expect_identical(explained(model, unname(images()))$bands, bands)
  expect_equal(explained(model, images()[, , , 4:1], reorder = TRUE)$scores, explained(model, images())$scores)
  bandlens_bands(model) <- NULL
  expect_null(bandlens_bands(model))
  expect_null(bandlens_bands(small_model()))
})

test_that("names of a saved model are kept in a file beside it", {
  skip_without_python()
  path <- file.path(withr::local_tempdir(), "model.keras")
  model <- own_model()
  bandlens_bands(model) <- bands
  model$save(path)
  expect_null(bandlens_bands(path))
  bandlens_bands(path) <- bandlens_bands(model)
  expect_true(file.exists(paste0(path, ".bands.json")))
  expect_identical(bandlens_bands(path), bands)
  expect_error(explained(path, images()[, , , 4:1]), "of the model in another order", class = "bandlens_error_bands")
  expect_equal(explained(path, images()[, , , 4:1], reorder = TRUE)$scores, explained(path, images())$scores)
})

test_that("names that can't be kept are refused", {
  skip_without_python()
  model <- own_model()
  expect_error(bandlens_bands(model) <- 1:4, "must be texts", class = "bandlens_error_bands")
  expect_error(bandlens_bands(model) <- c("a", NA, "b", "c"), "missing", class = "bandlens_error_bands")
  expect_error(bandlens_bands(model) <- c("a", "b", "c", "a"), "must differ", class = "bandlens_error_bands")
  error <- error_of(bandlens_bands(model) <- letters[1:6])
  expect_match(error$parent$expected, "5 x 5 x 4", fixed = TRUE)
  path <- "no such model.keras"
  expect_error(bandlens_bands(path) <- bands, "no saved model", class = "bandlens_error_model")
  nothing <- 3
  expect_error(bandlens_bands(nothing), class = "bandlens_error_model_type")
  own <- function(x) x
  expect_error(bandlens_bands(own) <- bands, "function of R", class = "bandlens_error_model_type")
})

test_that("everything that takes images compares names", {
  skip_without_python()
  model <- own_model()
  bandlens_bands(model) <- bands
  plain <- named_images()
  swapped <- named_images(4:1)
  calls <- list(
    maps = function(x, ...) band_maps(model, x, method = "saliency", progress = FALSE, ...)$values,
    stability = function(x, ...) {
      check_stability(model, x, method = "saliency", resamples = 4, backgrounds = 2, progress = FALSE, ...)$tables
    },
    null = function(x, ...) check_null(model, x, method = "saliency", progress = FALSE, ...)$tables,
    randomization = function(x, ...) {
      check_randomization(model, x, method = "saliency", repeats = 1, layers = 1, progress = FALSE, ...)$tables
    },
    top = function(x, ...) {
      # one of the features is never active
      expect_warning(found <- top_images(model, x, "first", n = 2, progress = FALSE, ...), "equally active")
      found$values
    },
    activations = function(x, ...) layer_activations(model, x, "first", progress = FALSE, ...)$values,
    features = function(x, ...) {
      suppressWarnings(visualize_features(model, "first", 1, background = x, steps = 1, progress = FALSE, ...)$values)
    }
  )
  for (name in names(calls)) {
    error <- error_of(calls[[name]](swapped))
    expect_s3_class(error, "bandlens_error_bands")
    expect_match(conditionMessage(error$parent), "of the model in another order", info = name)
    expect_equal(calls[[name]](swapped, reorder = TRUE), calls[[name]](plain), tolerance = 1e-5, info = name)
  }
})

test_that("a ranking is checked on the bands of its result", {
  skip_without_python()
  check <- function(...) check_deletion(small_model(), ..., orders = 4, progress = FALSE)
  result <- explained(small_model(), named_images())
  plain <- check(result, named_images())
  expect_error(check(result, named_images(4:1)), "of the result in another order", class = "bandlens_error_bands")
  expect_identical(check(result, named_images(4:1), reorder = TRUE)$verdict, plain$verdict)
  renamed <- explained(small_model(), named_images(), bands = c("B", "G", "R", "N"))
  expect_identical(check(renamed, named_images())$verdict, plain$verdict)
  expect_identical(check(unserialize(serialize(renamed, NULL)), named_images())$verdict, plain$verdict)
})

test_that("results of other bands are neither compared nor put together", {
  skip_without_python()
  one <- explained(small_model(), named_images())
  other <- explained(small_model(), unname(images()), labels(), bands = rev(bands))
  expect_error(compare_importance(one, other), "bands", class = "bandlens_error_bands")
  expect_error(c(one, other), "bands", class = "bandlens_error_result")
  expect_error(rbind(one, other), "bands", class = "bandlens_error_result")
})

# ---- Images with their company ---------------------------------------------------------------------------------------

test_that("a list of images and labels is taken as a whole, unless labels are given", {
  skip_without_python()
  whole <- explained(small_model(), named_images())
  apart <- explained(small_model(), images(), labels())
  expect_identical(timeless(whole), timeless(apart))
  expect_identical(levels(whole$image_class), classes)
  others <- explained(small_model(), named_images(), rev(labels()))
  expect_identical(as.character(others$image_class), as.character(rev(labels())))
  landsat <- landsat_patches()
  expect_error(explained(small_model(), landsat), "a whole data set", class = "bandlens_error_input")
  expect_match(error_of(explained(small_model(), landsat))$parent$fix, "data$test", fixed = TRUE)
})

test_that("patches of a scene are images with labels, bands and wavelengths", {
  skip_without_python()
  skip_without_rasters()
  scene <- small_scene(n_bands = 4)
  patches <- extract_patches(scene, pixel_points(scene, 3:6, 3:6), 5, wavelengths = c(480, 560, 660, NA))
  whole <- explained(small_model(), patches, classes = classes)
  apart <- explained(
    small_model(), patches$x, patches$y,
    classes = classes, wavelengths = patches$wavelengths
  )
  expect_identical(timeless(whole), timeless(apart))
  expect_identical(whole$bands, bands)
  expect_identical(whole$wavelengths, c(480, 560, 660, NA))
  background <- band_importance(small_model(), patches, classes = classes, background = patches, progress = FALSE)
  expect_identical(background$background_source, "background")
})

test_that("the composite beside maps has the bands that the maps are of", {
  skip_without_python()
  model <- own_model()
  bandlens_bands(model) <- bands
  few <- images(2)
  maps <- band_maps(model, few[, , , 4:1], labels(2), method = "saliency", reorder = TRUE, progress = FALSE)
  colours <- function(x) ggplot2::layer_data(autoplot(maps, x = x), 2)$fill
  expect_identical(colours(few[, , , 4:1]), colours(few))
  expect_identical(colours(list(x = few, y = labels(2))), colours(few))
})
