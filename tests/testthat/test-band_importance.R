# The main verb, against the real core.

test_that("the table has the contracted columns and types", {
  skip_without_python()
  result <- band_importance(small_model(), images(), labels(), method = "saliency", wavelengths = c(480, 560, 660, NA))
  table <- tidy(result)
  expect_equal(vapply(table, typeof, ""), c(
    class = "integer", output = "integer", band = "integer", wavelength = "double", importance = "double",
    effect = "double", share = "double", rank = "integer", std_error = "double", conf_low = "double",
    conf_high = "double", n = "integer", share_low = "double", share_high = "double", p_first = "double",
    se_images = "double", se_background = "double"
  ))
  expect_equal(levels(table$class), classes)
  expect_equal(levels(table$band), bands)
  expect_equal(nrow(table), 12)
  expect_equal(as.character(table$class), rep(classes, each = 4))
  expect_equal(table$wavelength[1:4], c(480, 560, 660, NA))
  expect_equal(table$n, rep(4L, 12))
  expect_equal(rowsum(table$share, as.integer(table$class))[, 1], c(1, 1, 1), ignore_attr = TRUE)
  expect_equal(nrow(tidy(result, "image")), 12 * 4)
  expect_equal(glance(result)$n_bands, 4L)
})

test_that("results are plain data that survive saving", {
  skip_without_python()
  for (method in c("saliency", "deepshap")) {
    result <- band_importance(small_model(), images(), labels(), method = method)
    expect_s3_class(result, "band_importance")
    expect_false(holds_live_objects(result))
    file <- withr::local_tempfile()
    saveRDS(result, file)
    expect_identical(readRDS(file), result)
    expect_output(print(result), method)
    expect_output(print(summary(result)), "water")
  }
})

test_that("DeepSHAP's scores add up to what sets an image apart from the background", {
  skip_without_python()
  result <- band_importance(small_model(), images(), labels(), background = images(20, seed = 2), n_background = 8)
  expect_length(result$background, 8)
  expect_true(all(result$background %in% 1:20))
  expect_identical(result$background_source, "background")
  expect_lt(result$completeness, 1e-4)
  rows <- augment(result)
  scores <- rowSums(rows[startsWith(names(rows), ".score_")])
  expect_equal(scores, rows$.value - rows$.base_value, tolerance = 1e-4)
})

test_that("intervals are over images and background, and say how much each gives", {
  skip_without_python()
  explain <- function(...) band_importance(small_model(), images(), labels(), background = images(20, seed = 2), ...)
  result <- explain()
  table <- tidy(result)
  last <- c("n", "share_low", "share_high", "p_first", "se_images", "se_background")
  expect_identical(tail(names(table), 6), last)
  expect_equal(table$std_error^2, table$se_images^2 + table$se_background^2, tolerance = 1e-10)
  expect_true(any(table$se_background > 0))
  expect_true(all(table$share_low <= table$share & table$share <= table$share_high))
  expect_equal(unname(c(tapply(table$p_first, droplevels(table$class), sum))), rep(1, 3))
  expect_equal(glance(result)$background_part, median((table$se_background / table$std_error)^2))
  # also of pieces, and of what was saved
  file <- withr::local_tempfile()
  saveRDS(result, file)
  expect_equal(tidy(readRDS(file)[1:12])[last], tidy(result[1:12])[last])
  expect_match(autoplot(result, "bars")$labels$subtitle, "95 % interval over images and background", fixed = TRUE)
  expect_match(
    autoplot(explain(method = "saliency"), "bars")$labels$subtitle, "95 % interval over images$"
  )
  expect_true(all(is.na(tidy(explain(method = "integrated_gradients"))$se_background)))
})

test_that("labels of every kind give the same table", {
  skip_without_python()
  explain <- function(...) tidy(band_importance(small_model(), images(), method = "saliency", ...))
  expected <- explain(labels())
  codes <- as.integer(labels())
  expect_identical(explain(as.character(labels()), classes = classes), expected)
  expect_identical(explain(codes, classes = classes), expected)
  expect_identical(explain(as.double(codes), classes = classes), expected)
  expect_identical(explain(diag(3)[codes, ], classes = classes), expected)
  expect_identical(levels(explain(codes)$class), c("1", "2", "3"))
  expect_equal(explain(codes)$importance, expected$importance)
})

test_that("a factor's levels are classes in their order, not in the alphabet's", {
  skip_without_python()
  y <- labels()
  one_class <- band_importance(small_model(), images()[1:3, , , , drop = FALSE], y[c(1, 4, 7)], method = "saliency")
  expect_equal(levels(tidy(one_class)$class), classes)
  expect_equal(unique(as.character(tidy(one_class)$class)), "water")
})

test_that("without labels, images count in the class that is predicted", {
  skip_without_python()
  result <- band_importance(small_model(), images(), method = "saliency")
  expect_identical(result$image_class, result$prediction)
  expect_identical(levels(result$image_class), c("1", "2", "3"))
  scores <- small_model()$predict(unname(images()), verbose = 0L)
  expect_equal(as.integer(result$prediction), max.col(scores))
})

test_that("band names come from dimnames or from the argument", {
  skip_without_python()
  explain <- function(x, ...) band_importance(small_model(), x, labels(), method = "saliency", ...)$bands
  expect_identical(explain(images()), bands)
  expect_identical(explain(unname(images())), paste0("band_", 1:4))
  expect_identical(explain(images(), bands = c("a", "{b}", "\u03bb", "d e")), c("a", "{b}", "\u03bb", "d e"))
})

test_that("groups are given by name or by number from 1", {
  skip_without_python()
  explain <- function(groups, method = "deepshap") {
    band_importance(small_model(), images(), labels(), method = method, groups = groups, wavelengths = 4:7 * 100)
  }
  named <- explain(list(visible = c("blue", "green", "red")))
  expect_identical(levels(tidy(named)$band), c("visible", "nir"))
  expect_identical(named$groups, list(visible = c("blue", "green", "red")))
  expect_identical(named$wavelengths, c(500, 700))
  numbered <- explain(list(visible = 1:3))
  expect_identical(tidy(numbered), tidy(named))
  single <- explain(list(one = 4, "two" = "blue"))
  expect_identical(single$bands, c("two", "green", "red", "one"))
  expect_identical(single$groups, list(one = "nir", two = "blue"))
  expect_null(explain(NULL)$groups)
  # DeepSHAP's scores of a group are the sum of its bands'; occlusion's come from changing them together
  expect_equal(named$scores[, 1, "visible"], rowSums(explain(NULL)$scores[, 1, 1:3]), tolerance = 1e-6)
  expect_identical(explain(list(visible = 1:3), "occlusion")$bands, c("visible", "nir"))
})

test_that("a metric may be a function of R, for which classes count from 1", {
  skip_without_python()
  seen <- list()
  accuracy <- function(true, predicted) {
    seen[[length(seen) + 1]] <<- true
    mean(true == predicted)
  }
  explain <- function(...) {
    band_importance(small_model(), images(), labels(), method = "permutation", n_repeats = 3, seed = 2, ...)
  }
  ours <- explain(metric = accuracy)
  expect_setequal(unlist(seen), 1:3)
  expect_type(seen[[1]], "integer")
  expect_identical(ours$output, "metric")
  expect_true(ours$directed)
  expect_identical(dimnames(ours$drops), list(NULL, c(classes, "all"), bands))
  expect_identical(ours$options$metric, "metric")
  theirs <- explain()
  expect_equal(tidy(ours)$importance, tidy(theirs)$importance)
  expect_equal(tidy(ours, "overall")$importance, tidy(theirs, "overall")$importance)
  expect_true(explain(metric = "balanced_accuracy")$balanced)
  expect_false(theirs$balanced)
})

test_that("for a model that predicts a number, `y` holds values and no classes", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(3L)
  model <- keras$Sequential(list(keras$Input(list(5L, 5L, 4L)), keras$layers$Flatten(), keras$layers$Dense(1L)))
  predicted <- as.vector(model$predict(unname(images()), verbose = 0L))
  explain <- function(y, ...) band_importance(model, images(), y, method = "permutation", n_repeats = 2, ...)
  for (y in list(1:12, 0:11 / 4)) {
    result <- explain(y)
    expect_equal(as.vector(result$output_values), -(predicted - y)^2, tolerance = 1e-5)
    expect_identical(result$output, "negative squared error")
  }
  seen <- NULL
  own <- explain(1:12, metric = function(true, predicted) -max(abs((seen <<- true) - predicted)))
  expect_identical(seen, as.double(1:12))
  y <- 0:11 / 4
  for (method in c("deepshap", "permutation")) {
    result <- band_importance(model, images(), y, method = method)
    expect_equal(result$fitted, predicted, tolerance = 1e-5)
    expect_identical(result$observed, y)
    expect_equal(glance(result)$accuracy, 1 - sum((y - predicted)^2) / sum((y - mean(y))^2), tolerance = 1e-4)
    expect_identical(glance(result)$chance, 0)
    expect_error(
      band_importance(small_model(), images(), y, method = method), "not class indices", class = "bandlens_error_labels"
    )
  }
  maps <- band_maps(model, images(), y, method = "saliency")
  expect_equal(maps$accuracy, result$accuracy, tolerance = 1e-4)
  expect_match(format(maps), "predicts `y` with R\\^2", all = FALSE)
})

test_that("how well LIME's local models fit is reported", {
  skip_without_python()
  result <- band_importance(small_model(), images(), labels(), method = "lime", target = "all")
  expect_identical(dim(result$local_fit), c(12L, 3L))
  expect_equal(glance(result)$local_fit, stats::median(result$local_fit))
  expect_output(print(result), "Median R^2 of local fits", fixed = TRUE)
})

test_that("a list of images, integers and logicals are images too", {
  skip_without_python()
  explain <- function(x) tidy(band_importance(small_model(), x, labels(), method = "saliency"), "image")
  x <- images()
  expect_equal(explain(lapply(1:12, function(i) x[i, , , ])), explain(x))
  counts <- round(100 * x)
  whole <- counts
  storage.mode(whole) <- "integer"
  expect_equal(explain(whole), explain(counts))
  expect_equal(explain(x > 0.5), explain(1 * (x > 0.5)))
})

test_that("arrays and tensors that live in Python are images too", {
  skip_without_python()
  explain <- function(x) band_importance(small_model(), x, labels(), method = "saliency", bands = bands)$scores
  x <- unname(images())
  expect_equal(explain(reticulate::np_array(x)), explain(x))
  tensor <- reticulate::import("tensorflow", convert = FALSE)$constant(x, dtype = "float32")
  expect_equal(explain(tensor), explain(x))
})

test_that("targets are given by word, name or number from 1", {
  skip_without_python()
  outputs <- function(target, ...) {
    tidy(band_importance(small_model(), images(), labels(), method = "saliency", target = target), ...)$output
  }
  expect_equal(as.character(outputs("class")), rep(classes, each = 4))
  expect_equal(unique(as.character(outputs("forest"))), "forest")
  expect_equal(unique(as.character(outputs(2))), "forest")
  expect_equal(as.character(outputs("all", "image")[1:12]), rep(classes, each = 4))
  expect_length(outputs("all", "image"), 12 * 3 * 4)
  numbered <- band_importance(small_model(), images(), method = "saliency", target = "2")
  expect_equal(unique(as.character(tidy(numbered)$output)), "2")
  expect_true(all(numbered$image_output == 2L))
})

test_that("bands may be on another axis", {
  skip_without_python()
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(2L)
  spectra <- keras$Sequential(list(
    keras$Input(list(8L, 1L)), keras$layers$Conv1D(4L, 3L, activation = "relu"),
    keras$layers$Flatten(), keras$layers$Dense(2L, activation = "softmax")
  ))
  x <- withr::with_seed(1, array(stats::runif(6 * 8), c(6, 8, 1), dimnames = list(NULL, paste0("b", 1:8), NULL)))
  result <- band_importance(spectra, x, rep(1:2, 3), method = "saliency", band_axis = 2)
  expect_identical(result$bands, paste0("b", 1:8))
  expect_equal(dim(result$scores), c(6, 1, 8))
})

test_that("one image and one band work", {
  skip_without_python()
  keras <- reticulate::import("keras")
  single <- keras$Sequential(list(
    keras$Input(list(2L, 2L, 1L)), keras$layers$Flatten(), keras$layers$Dense(2L, activation = "softmax")
  ))
  x <- array(c(0.1, 0.4, 0.2, 0.3), c(1, 2, 2, 1))
  result <- band_importance(single, x, 1, method = "saliency", bands = "pan", wavelengths = 600, classes = c("a", "b"))
  expect_equal(nrow(tidy(result)), 1)
  expect_identical(tidy(result)$std_error, NA_real_)
  expect_identical(result$bands, "pan")
  expect_identical(result$wavelengths, 600)
  expect_equal(dim(result$scores), c(1, 1, 1))
  expect_equal(nrow(augment(result)), 1)
})

test_that("a model may be given by its path", {
  skip_without_python()
  explain <- function(model) tidy(band_importance(model, images(), labels(), method = "saliency"))
  expect_equal(explain(small_path()), explain(small_model()))
})

test_that("R and Python give the same tables for the same saved model and data", {
  skip_without_python()
  x <- images()
  for (method in c("saliency", "deepshap")) {
    ours <- band_importance(small_path(), x, labels(), method = method, n_background = 6, seed = 3, target = "all")
    theirs <- reticulate::py_run_string(paste(
      "def explain(path, x, y, bands, method):",
      "    import keras, numpy as np",
      "    import bandlens",
      "    x, y = np.ascontiguousarray(x), np.array(y)",
      "    model = keras.saving.load_model(path, compile=False)",
      "    options = dict(method=method, bands=bands, n_background=6, seed=3, target='all')",
      "    result = bandlens.band_importance(model, x, y, **options)",
      "    tables = {'': 'class', 'image_': 'image', 'overall_': 'overall'}",
      "    tables = {prefix: result.columns(level).columns for prefix, level in tables.items()}",
      "    columns = {prefix + k: v for prefix, table in tables.items() for k, v in table.items()}",
      "    return {name: np.asarray(values, dtype=float) for name, values in columns.items()}",
      sep = "\n"
    ), local = TRUE)$explain(small_path(), x, array(as.integer(labels()) - 1L), as.list(bands), method)
    for (level in c("class", "image", "overall")) {
      table <- tidy(ours, level)
      for (name in names(table)) {
        column <- as.double(table[[name]])
        if (name == "image" || is.factor(table[[name]])) column <- column - 1
        theirs_too <- theirs[[paste0(if (level != "class") paste0(level, "_"), name)]]
        expect_equal(column, from_numbers(theirs_too), tolerance = 1e-6, label = paste(level, name))
      }
    }
  }
})

test_that("the result doesn't depend on the batch size, and repeats under the same seed", {
  skip_without_python()
  explain <- function(...) {
    tidy(band_importance(small_model(), images(), labels(), n_background = 5, ...))$importance
  }
  expect_equal(explain(batch_size = 5), explain(), tolerance = 1e-6)
  expect_identical(explain(seed = 7), explain(seed = 7))
  expect_false(identical(explain(seed = 7), explain(seed = 8)))
})

test_that("progress is reported on request only", {
  skip_without_python()
  expect_silent(band_importance(small_model(), images(), labels(), method = "saliency", progress = FALSE))
  expect_error(
    band_importance(small_model(), images(), labels(), progress = "yes"),
    class = "bandlens_error_option"
  )
  withr::local_options(cli.progress_show_after = 0, cli.dynamic = FALSE)
  expect_no_error(suppressMessages(
    band_importance(small_model(), images(), labels(), method = "saliency", progress = TRUE, batch_size = 3)
  ))
})

test_that("the function that Python calls moves a bar on, and ends it", {
  withr::local_options(cli.progress_handlers_only = "logger", cli.progress_show_after = 0)
  moves <- utils::capture.output({
    report <- progress_bar(TRUE)
    for (done in c(3, 6, 9)) report(done, 9)
  })
  expect_match(moves, "0/9 created", all = FALSE)
  expect_match(moves, "terminated (done)", all = FALSE, fixed = TRUE)
  expect_null(progress_bar(FALSE))
  expect_null(progress_bar(NULL)) # tests aren't watched
})
