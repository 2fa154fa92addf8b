# A model that does not fit the data is noticed in R as it is in Python, where test_fit.py has every case.

centres <- c(40, 90, 140, 190, 240)
kinds <- c("water", "forest", "field", "soil", "city")

# A model that calls an image the class whose centre its first band is nearest to, on a scale of 0 to 255.
levels_model <- function(before = list()) {
  if (is.null(python_state$levels_model) || length(before) > 0) {
    keras <- reticulate::import("keras")
    layers <- keras$layers
    dense <- layers$Dense(5L, activation = "softmax")
    model <- keras$Sequential(c(
      list(keras$Input(list(4L, 4L, 3L))), before, list(layers$GlobalAveragePooling2D(), dense)
    ))
    kernel <- rbind(centres, 0, 0) / centres[[1]]^2 * 5
    dense$set_weights(list(unname(kernel), array(-centres^2 / 2 / centres[[1]]^2 * 5)))
    if (length(before) > 0) {
      return(model)
    }
    python_state$levels_model <- model
  }
  python_state$levels_model
}

scene_of <- function(n = 60, names = list(NULL, NULL, NULL, c("red", "green", "blue"))) {
  withr::with_seed(1, {
    y <- rep_len(seq_along(centres), n)
    x <- array(stats::runif(n * 48, 20, 250), c(n, 4, 4, 3), names)
    x[, , , 1] <- centres[y] + stats::rnorm(n * 16, 0, 3)
  })
  list(x = x, y = y)
}

# What an expression warns of, by class.
warned <- function(expr) {
  found <- list()
  withCallingHandlers(expr, bandlens_warning = function(warning) {
    found[[class(warning)[[1]]]] <<- conditionMessage(warning)
    rlang::cnd_muffle(warning)
  })
  found
}

test_that("accuracy and its chance level are shown", {
  skip_without_python()
  scene <- scene_of(10)
  y <- scene$y
  y[c(3, 5)] <- 4
  result <- band_importance(levels_model(), scene$x, y, method = "saliency")
  expect_identical(result$correct, y == scene$y)
  chance <- sum(tabulate(y, 5) * 0.2) / 10
  expect_equal(glance(result)[c("accuracy", "chance")], tibble::tibble(accuracy = 0.8, chance = chance))
  expect_identical(names(glance(result))[14:17], c("accuracy", "chance", "task", "head"))
  for (text in list(format(result), format(summary(result)))) {
    expect_match(text, "The model is right on 8 of 10 images (80 %; by chance 20 %)", fixed = TRUE, all = FALSE)
  }
  expect_match(report_question(result), "is right on 8 of 10 images", fixed = TRUE)
  part <- result[c(1, 3)]
  expect_equal(glance(part)$accuracy, 0.5)
  expect_match(format(part), "2 images, 2 of 5 classes x 3 bands", fixed = TRUE, all = FALSE)
  expect_equal(glance(rbind(part, result[-c(1, 3)]))$accuracy, 0.8)
  expect_identical(glance(result[c(1, 6)])$chance, NA_real_)
  expect_match(format(result[c(1, 6)]), "right on 2 of 2 images (100 %)", fixed = TRUE, all = FALSE)

  unlabelled <- band_importance(levels_model(), scene$x, method = "saliency")
  expect_identical(glance(unlabelled)$accuracy, NA_real_)
  expect_no_match(format(unlabelled), "is right on")
  maps <- band_maps(levels_model(), scene$x, y, method = "saliency")
  expect_match(format(maps), "right on 8 of 10 images", all = FALSE)
  saved <- withr::local_tempfile()
  saveRDS(result, saved)
  expect_identical(readRDS(saved)[1:10], result)
})

test_that("intervals of an importance end at 0", {
  skip_without_python()
  scene <- scene_of(10)
  table <- tidy(band_importance(levels_model(), scene$x, scene$y))
  expect_true(any(table$importance < 12.7 * table$std_error))
  expect_true(all(table$conf_low >= 0))
})

test_that("labels that count from 0, or are in another order, are noticed", {
  skip_without_python()
  scene <- scene_of()
  explained <- function(y, keep = TRUE, ...) {
    warned(band_importance(levels_model(), scene$x[keep, , , , drop = FALSE], y[keep], method = "saliency", ...))
  }
  expect_length(explained(scene$y), 0)
  found <- explained(scene$y - 1, scene$y > 1)
  expect_named(found, "bandlens_warning_accuracy")
  expect_match(found[[1]], "right on 0 of 48 images (0 %), but with `y + 1` it would be on 48", fixed = TRUE)
  expect_match(found[[1]], "In R, classes are counted from 1.", fixed = TRUE)
  expect_error(explained(scene$y - 1), class = "bandlens_error_labels")
  alphabetical <- explained(factor(kinds[scene$y]))
  expect_match(alphabetical$bandlens_warning_accuracy, "what is labelled 'water' it calls 'city'", fixed = TRUE)
  expect_match(alphabetical$bandlens_warning_accuracy, "the levels of `y`, in the order of", fixed = TRUE)
  expect_length(explained(factor(kinds[scene$y], kinds)), 0)
})

test_that("data that does not fit is noticed, once for a call", {
  skip_without_python()
  scene <- scene_of()
  explained <- function(x = scene$x, ...) warned(band_importance(levels_model(), x, scene$y, method = "occlusion", ...))
  data <- function(...) {
    found <- explained(...)
    expect_named(found, "bandlens_warning_data")
    found[[1]]
  }
  expect_length(explained(background = scene$x[1:20, , , ]), 0)
  expect_length(explained(background = array(0, c(2, 4, 4, 3))), 0)
  expect_match(data(background = scene$x / 255), "are on different scales: in band '(red|green|blue)' `x` is")
  expect_match(data(wavelengths = c(0.66, 0.56, NA)), "multiply them by 1000.", fixed = TRUE)
  expect_match(data(replace(scene$x, 1:9, -9999)), "of the pixels in `x` are -9999 in a band", fixed = TRUE)
  flat <- scene$x
  flat[, , , "green"] <- 7
  expect_match(data(flat), "Band 'green' (7) has one value in all of `x`", fixed = TRUE)
  found <- explained(scene$x / 255)
  expect_match(found$bandlens_warning_accuracy, "With `x * 255` it would be right on", fixed = TRUE)

  layer <- reticulate::import("keras")$layers$Normalization(mean = list(130, 130, 130), variance = list(5e3, 5e3, 5e3))
  normalizing <- levels_model(list(layer))
  expect_length(warned(band_importance(normalizing, scene$x, method = "saliency")), 0)
  found <- warned(band_importance(normalizing, scene$x / 255, method = "saliency"))
  expect_match(found$bandlens_warning_data, "With `x * 255` they would be as usual.", fixed = TRUE)
  found <- warned(check_null(levels_model(), scene$x, scene$y, method = "saliency", wavelengths = c(0.66, 0.56, 0.48)))
  expect_named(found, "bandlens_warning_data")
})

test_that("names on another axis than that of the bands are an error, unless they are of pixels", {
  skip_without_python()
  keras <- reticulate::import("keras")
  layers <- keras$layers
  series <- keras$Sequential(list(keras$Input(list(12L, 1L)), layers$Flatten(), layers$Dense(3L, "softmax")))
  spectra <- array(sin(1:72), c(6, 12, 1), list(NULL, paste0("b", 1:12), NULL))
  error <- error_of(band_importance(series, spectra, method = "saliency"))
  expect_s3_class(error, "bandlens_error_bands")
  expect_match(error$parent$message, "are on axis 2, and the bands are taken from axis 3", fixed = TRUE)
  expect_match(error$parent$fix, "use `band_axis = 2`", fixed = TRUE)
  by_number <- spectra
  dimnames(by_number)[[2]] <- 400 + 1:12
  expect_error(band_importance(series, by_number, method = "saliency"), class = "bandlens_error_bands")
  result <- band_importance(series, spectra, method = "saliency", band_axis = 2)
  expect_identical(result$bands, paste0("b", 1:12))
  expect_match(warned(band_importance(series, unname(spectra), method = "saliency"))[[1]],
    "12 values on axis 2. If these are the bands of spectra, say so with `band_axis = 2`.", fixed = TRUE
  )
  # rows and columns by their place, and bands that are named in the call
  scene <- scene_of(5, list(NULL, 1:4, 101:104, NULL))
  expect_length(warned(band_importance(levels_model(), scene$x, method = "saliency")), 0)
  dimnames(scene$x) <- list(NULL, letters[1:4], NULL, NULL)
  expect_error(band_importance(levels_model(), scene$x, method = "saliency"), class = "bandlens_error_bands")
  named <- band_importance(levels_model(), scene$x, method = "saliency", bands = c("r", "g", "b"))
  expect_identical(named$bands, c("r", "g", "b"))
})
