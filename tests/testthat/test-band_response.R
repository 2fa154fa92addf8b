# Curves of outputs against levels: what becomes of R's arguments, and of what comes back.

test_that("a linear model gives straight lines", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(3L)
  model <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)), keras$layers$Flatten(), keras$layers$Dense(3L, activation = "softmax")
  ))
  slopes <- apply(array(t(model$get_weights()[[1]]), c(3, 4, 25)), 1:2, sum)
  x <- images(30)
  response <- band_response(model, x, labels(30), wavelengths = c(480, 560, NA, 840))
  expect_s3_class(response, "band_response")
  expect_false(holds_live_objects(response))
  curves <- tidy(response)
  expect_named(curves, c(
    "class", "output", "band", "wavelength", "level", "effect", "std_error", "conf_low", "conf_high", "n"
  ))
  expect_identical(levels(curves$band), bands)
  expect_identical(levels(curves$class), classes)
  expect_s3_class(curves$band, "ordered")
  expect_identical(unique(curves$wavelength[curves$band == "red"]), NA_real_)
  own <- apply(x[labels(30) == "forest", , , 4], 1, mean)
  rows <- curves[curves$class == "forest" & curves$band == "nir", ]
  expect_equal(rows$effect, slopes[2, 4] * (rows$level - mean(own)), tolerance = 1e-4)
  expect_equal(range(rows$level), range(own))
  expect_equal(sum(rows$n), 10)
})

test_that("curves of single images are those of the model", {
  skip_without_python()
  x <- images()
  response <- band_response(small_model(), x, labels(), kind = "ice", only = c("nir", "blue"), steps = 3)
  expect_identical(response$bands, c("blue", "nir"))
  own <- tidy(response, "image")
  expect_named(own, c("image", "class", "output", "band", "wavelength", "level", "value"))
  expect_equal(nrow(own), 12 * 2 * 4)
  # image 5, moved to the level of a row
  row <- own[own$image == 5 & own$band == "nir", ][3, ]
  expect_identical(as.character(row$class), as.character(labels()[[5]]))
  moved <- x[5, , , , drop = FALSE]
  moved[, , , 4] <- moved[, , , 4] + row$level - mean(moved[, , , 4])
  logit <- band_importance(small_model(), moved, labels()[5], method = "saliency")$output_values
  expect_equal(row$value, logit[[1]], tolerance = 1e-5)
  # their mean is the partial dependence
  mean <- stats::aggregate(value ~ band + level + class, own, mean)
  curves <- tidy(response)
  mean <- mean[order(mean$class, mean$band, mean$level), ]
  expect_equal(diff(mean$value)[1:3], diff(curves$effect)[1:3], tolerance = 1e-6)
  expect_identical(unique(curves$n), 4L)
})

test_that("positions count from 1, and a path and a target will do", {
  skip_without_python()
  response <- band_response(small_path(), images(), labels(), only = 4, target = 2)
  expect_identical(response$bands, "nir")
  expect_identical(unique(as.character(tidy(response)$output)), "forest")
  all <- band_response(small_model(), images(), labels(), target = "all")
  expect_equal(nrow(unique(tidy(all)[c("class", "output")])), 9)
})

test_that("an R function will do, as nothing but outputs is asked for", {
  skip_without_python()
  called <- function(x) cbind(water = 3 * apply(x[, , , "red", drop = FALSE], 1, mean), forest = 0, city = 1)
  response <- band_response(called, images(), labels())
  curves <- tidy(response)
  rows <- curves[curves$class == "water" & curves$band == "red", ]
  own <- apply(images()[labels() == "water", , , 3], 1, mean)
  expect_equal(rows$effect, 3 * (rows$level - mean(own)), tolerance = 1e-5)
  expect_true(all(abs(curves$effect[curves$band == "blue"]) < 1e-6))
})

test_that("what does not fit is refused", {
  x <- images()
  expect_error(band_response(1, x), class = "bandlens_error_model_type")
  expect_error(band_response("a.keras", x, kind = "pdp"), class = "bandlens_error_option")
  expect_error(band_response("a.keras", x, labels(), only = 1.5), class = "bandlens_error_bands")
  expect_error(band_response("a.keras", x, labels(), steps = 0), class = "bandlens_error_option")
  expect_error(band_response("a.keras", x, labels(), stepps = 3), class = "bandlens_error_option")
  skip_without_python()
  error <- error_of(band_response(small_model(), x, labels(), only = 5))
  expect_s3_class(error, "bandlens_error_bands")
  expect_match(error$parent$expected, "positions from 1 to 4")
  error <- error_of(band_response(small_model(), x[1:3, , , ], labels(3)))
  expect_match(conditionMessage(error$parent), "the level of no band varies within a class")
})

test_that("bands without a curve are named", {
  skip_without_python()
  x <- images()
  x[, , , 2] <- 0.5
  expect_warning(
    response <- band_response(small_model(), x, labels()),
    "level of band 'green' is the same in all images of class 'water', 'forest', 'city'",
    class = "bandlens_warning_data"
  )
  expect_identical(response$missing, list(green = classes))
  expect_identical(glance(response)$n_missing, 3L)
  expect_match(format(response), "3 pairs of a class and a band without a curve", all = FALSE)
})

test_that("curves are tables, in one row and in print", {
  response <- made_response()
  expect_equal(nrow(tidy(response)), 3 * 4 * 5)
  expect_equal(nrow(as.data.frame(response)), 60)
  glanced <- glance(response)
  expect_named(glanced, c("kind", "output", "n", "n_bands", "n_classes", "steps", "n_missing", "model", "seconds"))
  expect_identical(glanced$n_missing, 0L)
  expect_error(tidy(response, "image"), class = "bandlens_error_option")
  withr::local_options(cli.num_colors = 1)
  lines <- format(response)
  expect_identical(lines[1:2], c(
    "Band response: accumulated local effects", "36 images, 3 classes x 4 bands; output: logit"
  ))
  expect_match(lines, "# tidy() gives the curves, autoplot() draws them", fixed = TRUE, all = FALSE)
  expect_output(expect_invisible(print(response)), "Band response")
  own <- made_response(kind = "ice", all_outputs = TRUE)
  expect_equal(nrow(tidy(own, "image")), 36 * 3 * 4 * 5)
  row <- tidy(own, "image")[1000, ]
  expect_identical(
    row$value,
    unname(own$values[row$image, as.integer(row$output), as.integer(row$band), which(
      own$grid[as.integer(row$class), as.integer(row$band), ] == row$level
    )])
  )
})

test_that("a band is moved at one step where steps are kept", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  linear <- keras$Sequential(list(keras$Input(list(3L, 2L)), keras$layers$Flatten(), keras$layers$Dense(2L)))
  x <- array(sin(1:180), c(30, 3, 2), list(NULL, dates, c("VV", "VH")))
  y <- factor(rep(c("a", "b"), 15))
  response <- band_response(linear, x, y, time_axis = 2, times = as.Date(dates))
  curves <- tidy(response)
  expect_named(curves[1:6], c("class", "output", "band", "time", "wavelength", "level"))
  expect_s3_class(curves$time, "Date")
  weights <- aperm(array(linear$get_weights()[[1]], c(2, 3, 2)), c(2, 1, 3)) # rows are steps x bands, bands fastest
  rows <- curves[curves$class == "b" & curves$band == "VH" & curves$time == as.Date(dates[[2]]), ]
  own <- x[y == "b", 2, 2]
  expect_equal(rows$effect, weights[2, 2, 2] * (rows$level - mean(own)), tolerance = 1e-4)
  expect_equal(range(rows$level), range(own))
  expect_silent(ggplot2::ggplotGrob(autoplot(response)))
  # the steps that x brings, and one of them
  one <- band_response(linear, x, y, time_axis = 2, only = "VH at 2024-05-01", kind = "ice", steps = 2)
  expect_identical(unique(as.character(tidy(one, "image")$time)), "2024-05-01")
  expect_match(format(one), "1 band x 1 step", all = FALSE)
  # without the axis, at all steps
  every <- tidy(band_response(linear, x, y, only = "VH", steps = 2))
  rows <- every[every$class == "b", ]
  expect_equal(diff(range(rows$effect)) / diff(range(rows$level)), abs(sum(weights[, 2, 2])), tolerance = 1e-4)
  error <- error_of(band_response(linear, x, y, time_axis = 2, only = "VH at 2024-05-02"))
  expect_match(error$parent$expected, "VV, VH, or positions from 1 to 2; at one step: \"VV at 2024-04-01\"",
    fixed = TRUE
  )
  expect_error(band_response(linear, x, y, time_axis = 4), "hold the steps", class = "bandlens_error_bands")
})
