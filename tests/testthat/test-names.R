# Misspelt names get the nearest one offered, and messages speak R.

test_that("the nearest name is offered", {
  expect_identical(nearest("heatmp", c("heatmap", "bars")), "did you mean \"heatmap\"?")
  expect_identical(nearest("HEATMAP", c("heatmap", "bars")), "did you mean \"heatmap\"?")
  expect_identical(nearest("base-size", c("width", "base_size")), "did you mean \"base_size\"?")
  expect_identical(
    nearest(c("rde", "nri"), c("red", "nir"), "read on"),
    "did you mean \"red\" for \"rde\", \"nir\" for \"nri\"? Else read on"
  )
  expect_null(nearest("something else", c("heatmap", "bars")))
  expect_identical(nearest("something else", c("heatmap", "bars"), "read on"), "read on")
  for (given in list(NULL, 3, NA_character_, "12")) {
    expect_null(nearest(given, c("1", "122")))
  }
  expect_null(nearest("a", character()))
})

made_stability_check <- function() {
  structure(list(name = "check_stability"), class = c("check_stability", "band_check"))
}

test_that("arguments that there are not are named, without evaluating them", {
  verb <- function(object, width = 175, ...) in_verb("do it", no_other_arguments())
  expect_null(verb(1, 2))
  error <- error_of(verb(1, widht = stop("evaluated")))
  expect_s3_class(error, "bandlens_error_option")
  expect_identical(error$parent$message, "There is no such argument: `widht`.")
  expect_identical(error$parent$expected, "`object`, `width`")
  expect_identical(error$parent$fix, "did you mean \"width\"?")
  expect_match(error_of(verb(1, 2, 3))$parent$given, "1 without a name")

  result <- stored_result()
  expect_match(error_of(autoplot(result, "heatmp"))$parent$fix, "\"heatmap\"")
  expect_match(error_of(autoplot(result, basesize = 3))$parent$fix, "\"base_size\"")
  expect_match(error_of(tidy(result, lvel = "image"))$parent$fix, "\"level\"")
  expect_match(error_of(tidy(result, "imag"))$parent$fix, "\"image\"")
  expect_match(error_of(autoplot(made_stability_check(), widht = 3))$parent$fix, "\"width\"")
})

test_that("misspelt arguments and values are offered the nearest by the core", {
  skip_without_python()
  offered <- function(expr) error_of(expr)$parent$fix
  model <- small_model()
  x <- images()
  expect_identical(offered(band_importance(model, x, method = "depshap")), "did you mean \"deepshap\"?")
  expect_identical(offered(band_importance(model, x, backgroud = x)), "did you mean \"background\"?")
  expect_identical(offered(band_importance(model, x, method = "shapley", max_permutation = 3)),
    "did you mean \"max_permutations\"?")
  expect_identical(offered(check_stability(model, x, backgruonds = 3)), "did you mean \"backgrounds\"?")
  expect_identical(offered(band_importance(model, x, labels(), target = "forst")), "did you mean \"forest\"?")
  expect_identical(offered(band_importance(model, x, groups = list(a = "gren"))), "did you mean \"green\"?")
  expect_match(offered(top_images(model, x, "frist")), "did you mean \"first\"?", fixed = TRUE)
  expect_match(
    offered(band_importance(model, x, rep(c("forst", "water"), 6), classes = classes)), "did you mean \"forest\"?",
    fixed = TRUE
  )
})

test_that("a dropped dimension is told how to keep", {
  skip_without_python()
  fix <- function(...) error_of(band_importance(small_model(), ...))$parent$fix
  expect_match(fix(images()[1, , , ]), "`x[1, , , , drop = FALSE]`", fixed = TRUE)
  expect_match(fix(images(), background = images()[1, , , ]), "`background[1, , , , drop = FALSE]`", fixed = TRUE)
  expect_match(fix(images()[, , , 1]), "drop = FALSE", fixed = TRUE)
  expect_match(fix(images()[, , , 1], band_axis = 4), "drop = FALSE", fixed = TRUE)
  expect_match(fix(matrix(1:6, 2)[1, ]), "drop = FALSE", fixed = TRUE)
  keras <- reticulate::import("keras")
  single <- keras$Sequential(list(keras$Input(list(5L, 5L, 1L)), keras$layers$Flatten(), keras$layers$Dense(2L)))
  expect_match(
    error_of(band_importance(single, images()[, , , 1]))$parent$fix, "`x[, , , 1, drop = FALSE]`", fixed = TRUE
  )
})

# Words of Python's that R users do not write. Names in code that is quoted from Python's own messages are not ours.
python_words <- paste(
  c(
    "\\bNone\\b", "\\bnan\\b", "\\bTrue\\b", "\\bFalse\\b", "\\bdtype\\b", "(?<![a-z])\\([0-9]+, ",
    "(?<![a-z])\\([0-9]+,\\)", "(?<![a-z])\\(n, ", "(?<![A-Za-z0-9_\\])])\\[[0-9.']+, ",
    "\\baxis 0\\b", "\\bnumpy\\b", "\\bndarray\\b", "\\btuple\\b",
    "\\b[a-z_]+='", "\\blambda\\b", "\\bself\\b"
  ),
  collapse = "|"
)

test_that("no message that R users see holds words of Python's", {
  expect_match(
    c("given None", "shape (3, 4)", "method='x'", "at [1, 2]", "x.dtype"), python_words,
    perl = TRUE
  )
  expect_no_match(c("c(3, 4)", "method = \"x\"", "x[1, 2]", "position c(1, 1)", "none", "3 x 4"), python_words,
    perl = TRUE
  )
  files <- list.files(test_path("_snaps"), "[.]md$", full.names = TRUE)
  files <- files[basename(files) != "python.md"] # about installing Python's packages
  expect_gt(length(files), 10)
  for (file in files) {
    lines <- trimws(readLines(file, encoding = "UTF-8"))
    said <- grep("^(! |i Expected|x Given|> )", lines, value = TRUE)
    ours <- said[!grepl("it wants 13 bands|call_endpoint|NA at \\[", said)]
    expect_identical(grep(python_words, ours, value = TRUE, perl = TRUE), character(), label = basename(file))
  }
})

test_that("errors and warnings of the core, too", {
  skip_without_python()
  model <- small_model()
  x <- images()
  result <- band_importance(model, x, labels(), method = "saliency")
  causes <- list(
    quote(band_importance(model, x, method = NULL)), quote(band_importance(model, x, method = c("lime", "shapley"))),
    quote(band_importance(model, x, n_background = NA)), quote(band_importance(model, x, statistic = "bandsum")),
    quote(band_importance(model, x, statistic = TRUE)), quote(band_importance(model, x, labels(), method = "lime",
      n_samples = "many")),
    quote(band_importance(model, x, labels(), method = "saliency", statistic = "whole_band")),
    quote(band_importance(model, x, method = "shapley", n_permutations = c(1, 2))),
    quote(band_importance(model, x, method = "occlusion", replacement = TRUE)),
    quote(band_importance(model, x, method = "integrated_gradients", baseline = matrix(0, 2, 2))),
    quote(band_importance(model, x, method = "integrated_gradients", baseline = NULL, n_steps = 0.5)),
    quote(band_importance(model, x, method = "permutation", metric = "log")),
    quote(band_importance(model, x, wavelengths = c(-1, 2, 3, 4))),
    quote(band_importance(model, x, bands = c("a", "b"))),
    quote(band_importance(model, x, target = 7)), quote(band_importance(model, x, labels(3))),
    quote(band_importance(model, x, matrix(0, 12, 3))), quote(band_importance(model, x, classes = "a")),
    quote(band_importance(model, x, background = images(3, 3))), quote(band_importance(model, images(3, 3))),
    quote(band_importance(model, list(x[1, , , ], x[2, 1:2, , ]))), quote(band_importance(model, x[0, , , ])),
    quote(band_maps(model, x, method = "occlusion")), quote(band_maps(model, x, method = "lime")),
    quote(check_randomization(model, x, target = "predicted")), quote(check_randomization(model, x, layers = "frist")),
    quote(check_null(model, x, duplicate = "rde")), quote(check_null(model, x, duplicate = 9)),
    quote(check_deletion(model, result, images(12, seed = 3))), quote(check_deletion(model, result, images(3))),
    quote(visualize_features(model, "first", value_range = c(1, 0))), quote(visualize_features(model, "first")),
    quote(visualize_features(model, "first", 99, value_range = c(0, 1))),
    quote(visualize_features(model, objective = "logit", "first", value_range = c(0, 1))),
    quote(visualize_features(model, "first", value_range = c(0, 1), jitter = "a")),
    quote(visualize_features(model, "first", value_range = c(0, 1), step_size = -1)),
    quote(visualize_features(model, "first", value_range = c(0, 1), position = c(1, 1))),
    quote(visualize_features(model, "first", value_range = c(0, 1), objective = "neuron", position = c(1, 99))),
    quote(visualize_features(model, "first", value_range = c(0, 1), objective = "direction", directions = 1:3)),
    quote(visualize_features(model, "first", value_range = c(0, 1), start = matrix(0, 2, 2))),
    quote(visualize_features(model, "first", value_range = c(0, 1), decorrelate = TRUE)),
    quote(layer_kernels(model, "first", features = 99)), quote(layer_activations(model, x, "first", features = 99)),
    quote(list_layers(model, shape = c(2, 2))), quote(top_images(model, x, c("first", "second"))),
    quote(compare_importance(result, result[1:3], top = 9)), quote(result[99]), quote(c(result, 3))
  )
  seen <- 0
  for (cause in causes) {
    error <- error_of(eval(cause))
    if (is.null(error) || is.null(error$parent$kind)) next # allowed, or R's own
    seen <- seen + 1
    said <- unlist(error$parent[c("message", "expected", "given", "fix")], use.names = FALSE)
    expect_identical(grep(python_words, said, value = TRUE, perl = TRUE), character(), label = deparse(cause)[[1]])
  }
  expect_gt(seen, 40)
})
