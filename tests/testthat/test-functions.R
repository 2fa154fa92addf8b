# R functions as models: of arrays for the methods that only ask for outputs, of tensors for all.

weights <- matrix(c(1, -2, 3, 0.5, 2, 1, -1, 0, 0, 1, 1, -3), 4, 3, dimnames = list(NULL, classes))

# Scores by the means of the bands; it asks for bands by name.
linear <- function(x) apply(x[, , , bands, drop = FALSE], c(1, 4), mean) %*% weights

test_that("Shapley values of a linear function in R are what they must be", {
  skip_without_python()
  x <- images()
  found <- band_importance(linear, x, labels(), method = "shapley", target = "all", background = images(20, seed = 2))
  expect_identical(found$classes, classes)
  expect_identical(found$bands, bands)
  means <- sweep(apply(x, c(1, 4), mean), 2, colMeans(apply(images(20, seed = 2), c(1, 4), mean)))
  for (k in 1:3) {
    expect_equal(found$scores[, k, ], sweep(means, 2, weights[, k], "*"), tolerance = 1e-12, ignore_attr = TRUE)
  }
  expect_lt(found$completeness, 1e-12)
  expect_identical(found$model, "R function")
  expect_false(holds_live_objects(found))
})

test_that("an R function that predicts is explained like its model", {
  skip_without_python()
  model <- small_model()
  predicts <- function(x) {
    scores <- model$predict(x, verbose = 0L)
    dimnames(scores) <- list(NULL, classes)
    scores
  }
  for (method in c("occlusion", "shapley", "owen", "permutation", "sage", "lime")) {
    expected <- band_importance(model, images(), labels(), method = method, output = "probability", seed = 2)
    found <- band_importance(predicts, images(), labels(), method = method, output = "probability", seed = 2)
    expect_equal(tidy(found), tidy(expected), tolerance = 1e-5)
  }
})

test_that("an R function of tensors is followed", {
  skip_without_python()
  model <- small_model()
  ops <- reticulate::import("keras")$ops
  expected <- band_importance(model, images(), labels())
  found <- band_importance(function(x) model(ops$multiply(x, 1)), images(), labels())
  expect_equal(tidy(found), tidy(expected), tolerance = 1e-6)
  expect_equal(found$output, "logit")
  maps <- band_maps(function(x) model(x), images(3), labels(3), method = "saliency")
  expect_equal(maps$values, band_maps(model, images(3), labels(3), method = "saliency")$values, tolerance = 1e-6)
})

test_that("functions may give data frames, and one number per image", {
  skip_without_python()
  expected <- band_importance(linear, images(), labels(), method = "occlusion")
  as_frame <- function(x) as.data.frame(linear(x))
  expect_equal(tidy(band_importance(as_frame, images(), labels(), method = "occlusion")), tidy(expected))
  # a single image in the last batch, too
  number <- function(x) 1 / (1 + exp(-linear(x)[, "water"]))
  found <- band_importance(number, images(), method = "occlusion", batch_size = 1)
  expect_identical(found$outputs, "output")
  expect_equal(found$output_values[, 1], number(images()), tolerance = 1e-12, ignore_attr = TRUE)
  two <- band_importance(number, images(), factor(rep_len(c("other", "water"), 12)),
    method = "occlusion", output = "probability"
  )
  expect_identical(two$classes, c("other", "water"))
})

test_that("names of columns are compared with the labels", {
  skip_without_python()
  expect_error(
    band_importance(linear, images(), factor(labels(), rev(classes)), method = "occlusion"),
    class = "bandlens_error_labels"
  )
  found <- band_importance(linear, images(), method = "occlusion")
  expect_identical(found$classes, classes)
})

test_that("checks that only need predictions take functions", {
  skip_without_python()
  result <- band_importance(linear, images(), labels(), method = "occlusion")
  expect_s3_class(check_deletion(linear, result, images()), "check_deletion")
  expect_true(check_null(linear, images(), labels(), method = "occlusion")$passed)
  expect_s3_class(
    check_stability(linear, images(), labels(), method = "occlusion", backgrounds = 2, resamples = 10),
    "check_stability"
  )
  error <- error_of(check_randomization(linear, images(), labels(), method = "occlusion"))
  expect_match(conditionMessage(error$parent), "Only Keras models have layers", fixed = TRUE)
})

test_that("what does not fit is named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(linear, images(), labels())
    band_importance(function(x) stop("no service: {x}"), images(), method = "occlusion")
    band_importance(function(x) factor(rep("a", dim(x)[1])), images(), method = "occlusion")
    band_importance(function(x) max.col(linear(x)), images(), method = "occlusion")
    band_importance(function(x) list(predictions = linear(x)), images(), method = "occlusion")
    band_importance(function(x) linear(x)[1, ], images(), method = "occlusion")
    band_importance(function(x) linear(x) + stats::runif(1), images(), method = "occlusion", classes = classes)
    band_importance(linear, images(), method = "occlusion", output = "probability")
  }, transform = function(lines) sub("(Given: )[-0-9.e]+( at first, and )[-0-9.e]+", "\\1<number>\\2<number>", lines))
})

test_that("an error in R in the middle is told in R's words", {
  skip_without_python()
  calls <- 0
  fragile <- function(x) {
    calls <<- calls + 1
    if (calls > 4) stop("the service is gone")
    linear(x)
  }
  error <- error_of(band_importance(fragile, images(), method = "occlusion", batch_size = 2))
  expect_s3_class(error, "bandlens_error_model")
  expect_match(conditionMessage(error$parent), "the service is gone", fixed = TRUE)
})

test_that("an interrupt in an R function ends the call", {
  skip_without_python()
  skip_on_os("windows") # has no signals
  output <- run_r(c(
    "x <- array(stats::runif(12 * 9 * 4), c(12, 3, 3, 4))",
    "calls <- 0",
    "slow <- function(x) {",
    "  calls <<- calls + 1",
    "  if (calls == 4) system(paste('(sleep 0.5; kill -INT', Sys.getpid(), ') &'))",
    "  if (calls > 3) for (i in 1:200) Sys.sleep(0.05)",
    "  apply(x, c(1, 4), mean)",
    "}",
    "ended <- tryCatch({",
    "  band_importance(slow, x, method = 'occlusion', batch_size = 1)",
    "  'finished'",
    "}, interrupt = function(condition) 'interrupted', error = function(error) conditionMessage(error))",
    "cat('ended:', ended, calls < 8, '\\n')"
  ))
  expect_match(output, "^ended: (interrupted|.*[Ii]nterrupt.*) TRUE", all = FALSE)
})

test_that("several methods give a list that the comparison takes", {
  skip_without_python()
  methods <- c("saliency", "occlusion", "permutation")
  found <- band_importance(small_model(), images(), labels(), method = methods, n_repeats = 2)
  expect_named(found, methods)
  for (name in methods) {
    options <- if (name == "permutation") list(n_repeats = 2)
    alone <- rlang::inject(band_importance(small_model(), images(), labels(), method = name, !!!options))
    expect_equal(tidy(found[[name]]), tidy(alone))
    expect_s3_class(found[[name]], "band_importance")
  }
  compared <- compare_importance(found, resamples = 10)
  expect_identical(compared$facts$results, methods)
  expect_identical(tidy(compare_importance(saliency = found[[1]], occlusion = found[[2]], permutation = found[[3]],
    resamples = 10
  )), tidy(compared))
  expect_identical(
    names(band_importance(small_model(), images(), labels(), method = as.list(methods[1:2]))), methods[1:2]
  )
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(), labels(), method = c("saliency", "saliency"))
    band_importance(small_model(), images(), labels(), method = c("saliency", "occlusion"), n_repeats = 2)
    band_maps(small_model(), images(), labels(), method = c("saliency", "deepshap"))
    check_null(small_model(), images(), labels(), method = c("saliency", "deepshap"))
  })
})

test_that("functions of keras3 itself are no models", {
  expect_false(makes_models(linear))
  expect_false(makes_models(sum))
  expect_true(makes_models(stats::sd, "stats"))
  expect_false(makes_models(function(x) stats::sd(x), "stats"))
  local_fake("makes_models", function(...) TRUE)
  expect_snapshot(error = TRUE, band_importance(linear, images()))
})

test_that("verbs that make one table take one method", {
  skip_if_not_installed("terra")
  two <- c("saliency", "occlusion")
  expect_snapshot(error = TRUE, {
    score_raster("model.keras", terra::rast(array(0, c(6, 6, 4))), method = two)
    render_band_report("model.keras", images(), labels(), method = two, output_file = "report.html")
  })
})

test_that("a live model in another process is told to be saved", {
  skip_without_python()
  file <- withr::local_tempfile(fileext = ".rds")
  saveRDS(small_model(), file)
  output <- run_r(c(
    sprintf("model <- readRDS(%s)", deparse(file)),
    "error <- tryCatch(band_importance(model, array(0, c(2, 5, 5, 4))), error = identity)",
    "cat(class(error)[[1]], 'started:', reticulate::py_available(), '\\n')",
    "cat(error$parent$fix)"
  ))
  expect_match(output, "bandlens_error_model_type started: FALSE", fixed = TRUE, all = FALSE)
  expect_match(output, "future, callr, parallel.*pass the path", all = FALSE)
})
