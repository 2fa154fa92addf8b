# Several inputs and steps in time, from R: what is said of each, and what it is called.

described <- function(x, background = NULL, bands = NULL, wavelengths = NULL, band_axis = -1, ...) {
  as_described(x, background, bands, wavelengths, band_axis, ...)$arguments
}

test_that("what is said of each input goes by its name, and names of bands in both readings of a list", {
  x <- fused_images()
  said <- described(x, x, bands = list(sar = c("VV", "VH")), wavelengths = list(optical = c(480, 660, NA)),
    band_axis = list(optical = 4), time_axis = list(sar = -1), times = list(sar = as.Date(dates[1:2]))
  )
  expect_identical(said$bands, list(sar = list("VV", "VH")))
  expect_identical(said$wavelengths, list(optical = list(480, 660, NaN)))
  expect_identical(said$band_axis, list(optical = 3L))
  expect_identical(said$time_axis, list(sar = -1L))
  expect_identical(said$times, list(sar = as.list(dates[1:2])))
  each <- list(optical = list("blue", "red", "nir"), sar = NULL, weather = list("rain", "wind"))
  expect_identical(said$x_each_bands, each)
  expect_identical(said$background_each_bands, each)
  expect_identical(described(unname(x))$x_each_bands, unname(each))
  expect_identical(described(images())$x_bands, as.list(bands))
  expect_null(described(images())$x_each_bands)
  expect_false(any(c("time_axis", "times") %in% names(described(images())))) # maps have none
  single <- list(images(1)[1, , , ], images(1)[1, , , ])
  expect_identical(described(single)$x_bands, as.list(bands))
  expect_identical(described(images(), bands = list("a", "b", "c", "d"))$bands, list("a", "b", "c", "d"))
  expect_identical(table_arguments(groups = "input")$arguments$groups, "input")
})

test_that("steps are dates, numbers or names, also of dimnames", {
  expect_identical(as_times(as.Date(dates)), as.list(dates))
  moments <- as.POSIXct(c("2024-04-01 06:30", "2024-04-01 18:00"), tz = "UTC")
  expect_identical(as_times(moments), list("2024-04-01T06:30:00", "2024-04-01T18:00:00"))
  expect_identical(as_times(1:3), list(1, 2, 3))
  expect_identical(as_times(factor(c("sowing", "harvest"))), list("sowing", "harvest"))
  x <- array(0, c(2, 3, 4), list(NULL, c("1", "2", "10"), NULL))
  expect_identical(described(x, time_axis = 2)$times, list(1, 2, 10))
  dimnames(x)[[2]] <- dates
  expect_identical(described(x, time_axis = 2)$times, as.list(dates))
  expect_identical(described(x, time_axis = 2, times = 4:6)$times, list(4, 5, 6))
  expect_null(described(unname(x), time_axis = 2)$times)
  several <- described(list(a = x, b = matrix(0, 2, 2)), time_axis = list(a = 2))
  expect_identical(several$times, list(a = as.list(dates), b = NULL))
})

test_that("bad axes and steps are named in R's words", {
  x <- array(0, c(2, 3, 4))
  for (axis in list(0, 1, 2.5, "time", NA)) {
    expect_error(described(x, time_axis = axis), "`time_axis` must be a whole number", class = "bandlens_cause_bands")
  }
  expect_error(described(x, time_axis = 4), "not an axis that can hold the steps", class = "bandlens_cause_bands")
  expect_error(described(list(a = x), time_axis = list(a = 4)), "can hold the steps", class = "bandlens_cause_bands")
  expect_error(as_times(c(1, NA)), "missing entries", class = "bandlens_cause_bands")
  expect_error(as_times(TRUE), "dates, numbers or names", class = "bandlens_cause_bands")
  found <- error_of(described(list(a = x, b = data.frame(t = 1:2))))
  expect_match(found$message, "`x$b` does not hold numbers", fixed = TRUE)
  expect_match(found$fix, "as.matrix")
  expect_match(error_of(as_groups("inputs"))$expected, "\"input\"", fixed = TRUE)
})

test_that("a model of several inputs is explained from named and unnamed lists", {
  skip_without_python()
  model <- fused_model()
  x <- fused_images()
  found <- band_importance(model, x, labels(), bands = list(sar = c("VV", "VH")), background = x)
  expect_identical(as.character(tidy(found)$input[1:7]), rep(c("optical", "sar", "weather"), c(3, 2, 2)))
  expect_identical(as.character(tidy(found)$band[1:7]), c("blue", "red", "nir", "VV", "VH", "rain", "wind"))
  expect_equal(as.vector(tapply(tidy(found)$share, tidy(found)$class, sum)), c(1, 1, 1))
  expect_lt(found$completeness, 1e-4)
  listed <- band_importance(model, unname(x), labels(), bands = list(NULL, c("VV", "VH"), NULL), background = unname(x))
  expect_equal(listed$scores, found$scores)
  expect_identical(listed$bands, found$bands)
  reversed <- band_importance(model, rev(x), labels(), bands = list(sar = c("VV", "VH")), background = rev(x))
  expect_equal(reversed$scores, found$scores)
  whole <- band_importance(model, x, labels(), groups = "input", method = "occlusion")
  expect_identical(cell_names(whole), names(x))

  response <- band_response(model, x, labels(), bands = list(sar = c("VV", "VH")), only = "sar: VV", steps = 2)
  expect_named(tidy(response)[1:5], c("class", "output", "input", "band", "wavelength"))
  expect_identical(as.character(unique(tidy(response)$band)), "VV")
  expect_silent(ggplot2::ggplotGrob(autoplot(response)))

  wrong <- error_of(band_importance(model, stats::setNames(x, c("optical", "radar", "weather")), labels()))
  expect_match(conditionMessage(wrong$parent), "does not hold what the model's inputs take")
  expect_match(wrong$parent$given, "\"radar\"")
  shorter <- utils::modifyList(x, list(sar = x$sar[-1, , , ]))
  expect_error(band_importance(model, shorter, labels()), "different numbers of images")
  expect_error(band_importance(model, x, labels(), bands = list(radar = "VV")), "names inputs that the model does not")
  expect_error(band_importance(model, x, labels(), background = x$sar), class = "bandlens_error_background")
  expect_error(band_importance(model, x, labels(), times = as.Date(dates)), "`times` needs an axis")
})

test_that("a named list of single images stays one, and a function of R takes several inputs", {
  skip_without_python()
  files <- list(a.tif = images(1)[1, , , ], b.tif = images(1, seed = 2)[1, , , ])
  found <- band_importance(small_model(), files, method = "saliency")
  expect_null(found$inputs)
  expect_identical(dim(found$scores), c(2L, 1L, 4L))
  expect_identical(found$bands, bands)

  asked <- new.env()
  scores <- function(x) {
    asked$names <- lapply(x, function(input) utils::tail(dimnames(input), 1)[[1]])
    cbind(low = rowMeans(x$weather), high = rowMeans(x$optical))
  }
  x <- fused_images()
  found <- band_importance(scores, x, method = "occlusion", background = x)
  expect_identical(unlist(asked$names$optical), c("blue", "red", "nir"))
  expect_identical(as.character(unique(tidy(found)$input)), names(x))
  of_sar <- tidy(found, "input")$importance[tidy(found, "input")$input == "sar"]
  expect_lt(max(of_sar), 1e-6)
})

test_that("scores are kept per step, and checks take inputs and steps", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  input <- keras$Input(list(3L, 2L))
  layers <- keras$layers
  inner <- layers$Flatten()(layers$Conv1D(4L, 2L, activation = "relu")(input))
  model <- keras$Model(input, layers$Dense(3L, activation = "softmax")(inner))
  x <- withr::with_seed(2, array(stats::runif(72), c(12, 3, 2), list(NULL, dates, c("NDVI", "VV"))))
  found <- band_importance(model, x, labels(), background = x, time_axis = 2)
  expect_identical(tidy(found)$time[1:6], rep(as.Date(dates), 2))
  expect_identical(cell_names(found)[[5]], paste("VV at", dates[[2]]))
  summed <- band_importance(model, x, labels(), background = x)
  expect_equal(tidy(found, "band")$importance, tidy(summed)$importance, tolerance = 1e-5)
  expect_false("time" %in% names(tidy(summed)))
  deletion <- check_deletion(model, found, x, background = x, time_axis = 2, orders = 2)
  curve <- tidy(deletion)
  expect_named(curve[1:6], c("order", "class", "removed", "band", "time", "measure"))
  own <- as.character(tidy(found)$class) == as.character(curve$class[[2]])
  first <- tidy(found)[own & tidy(found)$rank == 1, ]
  expect_identical(as.character(curve$band[[2]]), as.character(first$band))
  expect_identical(curve$time[[2]], first$time)
  expect_identical(curve$time[[1]], as.Date(NA))
  expect_silent(ggplot2::ggplotGrob(autoplot(deletion)))
  null <- check_null(model, x, labels(), background = x, time_axis = 2, duplicate = "VV")
  expect_true(null$passed)
  roles <- tidy(null)
  expect_named(roles[1:6], c("class", "output", "role", "band", "time", "importance"))
  expect_identical(roles$time, rep(as.Date(dates), nrow(roles) / 3))
  both <- roles$importance[roles$role == "both"]
  expect_equal(both, tidy(found)$importance[tidy(found)$band == "VV"], tolerance = 1e-4)
  expect_match(autoplot(null)$labels$subtitle, "a dot for each step")
})

test_that("a band of one of several inputs can be copied", {
  skip_without_python()
  null <- function(...) {
    check_null(fused_model(), fused_images(), labels(), bands = list(sar = c("VV", "VH")), method = "saliency", ...)
  }
  check <- null(duplicate = "sar:VH")
  expect_true(check$passed)
  expect_identical(check$facts$duplicate, "sar: VH")
  expect_identical(as.character(unique(tidy(check)$input)), "sar")
  expect_identical(as.character(unique(tidy(check)$band)), c("noise", "VH", "VH (copy)"))
  expect_identical(null(duplicate = "VH")$facts$duplicate, "sar: VH")
  expect_identical(null(duplicate = 5)$facts$duplicate, "sar: VH")
  expect_identical(null(duplicate = "optical: red")$facts$duplicate, "optical: red")
  error <- error_of(null(duplicate = "sar:VX"))
  expect_match(error$parent$message, "no such band to copy")
  expect_match(error$parent$fix, "did you mean \"sar:V[VH]\"")
})

test_that("a report tells inputs and steps, and its checks know them", {
  skip_without_python()
  skip_if_not(has_pandoc())
  model <- fused_model()
  x <- fused_images()
  file <- withr::local_tempfile(fileext = ".html")
  found <- band_importance(model, x, labels(), bands = list(sar = c("VV", "VH")), background = x)
  render_band_report(model, x, labels(),
    importance = found, background = x, checks = list(deletion = list(orders = 2), null = list()), output_file = file,
    quiet = TRUE
  )
  text <- paste(readLines(file, encoding = "UTF-8"), collapse = "\n")
  expect_match(text, "7 bands of 3 inputs")
  expect_match(text, "sar: VV", fixed = TRUE)
  expect_no_match(text, "could not be made", fixed = TRUE)
})

test_that("what a result knows of its inputs and steps is what its checks are asked with", {
  result <- fused(dates, "date")
  said <- settings_of_bands(result)
  expect_identical(said$bands, three_inputs)
  expect_identical(said$times, list(optical = as.Date(dates), sar = as.Date(dates)))
  expect_identical(settings_of_bands(timed(c("late", "early"), "name"))$times, c("late", "early"))
  expect_identical(settings_of_bands(timed())$bands, c("NDVI", "red"))
  whole <- fused(inputs = list(optical = "optical", sar = "sar"))
  expect_identical(settings_of_bands(whole), list(groups = "input"))
  expect_error(check_report_data(timed(), 1, list()), "which axis", class = "bandlens_cause_bands")
  expect_match(report_question(utils::modifyList(timed(), list(model = "m", accuracy = NULL))), "2 bands x 3 steps")
})

test_that("a report shows bands over all steps, and when they matter", {
  result <- timed(n = 6)
  expect_match(report_tables(result)[[1]], "summed over the steps")
  expect_true(any(grepl("At single steps", report_tables(result), fixed = TRUE)))
  expect_setequal(names(pictures_for(result)), c("heatmap", "bars", "effect", "curves", "distribution"))
  expect_match(report_picture(result, "bars")$labels$subtitle, "summed over steps")
  expect_match(alt_text(result, "curves"), "Lines: importance along time.* at 2024-")
  expect_false("curves" %in% names(pictures_for(fused())))
})

test_that("names of the bands of each input are kept with the model", {
  skip_without_python()
  model <- fused_model()
  x <- fused_images()
  bandlens_bands(model) <- list(sar = c("VV", "VH"))
  expect_identical(bandlens_bands(model), list(sar = c("VV", "VH")))
  expect_identical(band_importance(model, x, labels(), method = "saliency")$bands[4:5], c("VV", "VH"))
  turned <- x
  turned$sar <- x$sar[, , , 2:1]
  dimnames(turned$sar) <- list(NULL, NULL, NULL, c("VH", "VV"))
  expect_error(band_importance(model, turned, labels(), method = "saliency"), "in another order")
  found <- band_importance(model, turned, labels(), method = "saliency", reorder = TRUE)
  expect_equal(found$scores, band_importance(model, x, labels(), method = "saliency")$scores)
  expect_error(bandlens_bands(model) <- c("VV", "VH"), "nothing says whose bands", class = "bandlens_error_bands")
  expect_error(bandlens_bands(model) <- list(rader = c("VV", "VH")), "does not have", class = "bandlens_error_bands")
  expect_error(bandlens_bands(model) <- list(sar = 1:2), "must be texts", class = "bandlens_error_bands")
  bandlens_bands(model) <- NULL
  expect_null(bandlens_bands(model))
})

test_that("a subclassed model takes a list of its inputs", {
  skip_without_python()
  reticulate::py_run_string(paste(
    "import keras", "class FusedInR(keras.Model):", "    def __init__(self):", "        super().__init__()",
    "        self.dense = keras.layers.Dense(3, activation='softmax')", "    def call(self, inputs):",
    "        a, b = inputs",
    "        return self.dense(keras.ops.concatenate([keras.ops.mean(a, axis=(1, 2)), b], axis=1))",
    sep = "\n"
  ))
  model <- reticulate::py_eval("FusedInR()")
  x <- unname(fused_images()[c("sar", "weather")])
  found <- band_importance(model, x, labels(), bands = list(c("VV", "VH"), NULL), background = x)
  expect_identical(as.character(tidy(found)$input[1:4]), rep(c("input_1", "input_2"), each = 2))
  expect_identical(found$bands, c("VV", "VH", "rain", "wind"))
  expect_lt(found$completeness, 1e-4)
  wrong <- error_of(band_importance(reticulate::py_eval("FusedInR()"), x[c(2, 1)], labels()))
  expect_match(conditionMessage(wrong$parent), "list of arrays of different shapes")
})
