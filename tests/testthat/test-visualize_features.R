look <- function(..., features = 1, steps = 30) {
  visualize_features(known_cnn(), "second", features, steps = steps, value_range = c(-1, 1), ...)
}

test_that("an image has its energy in the band that the feature looks at", {
  skip_without_python()
  found <- look(bands = c("blue", "red", "nir"), wavelengths = c(480, 660, NA))
  expect_equal(dim(as.array(found)), c(1, 4, 4, 3))
  expect_identical(dimnames(as.array(found)), list("1", NULL, NULL, c("blue", "red", "nir")))
  table <- tidy(found, "band")
  expect_named(
    table,
    c("layer", "feature", "image", "band", "wavelength", "mean", "std", "low", "high", "contrast")
  )
  expect_identical(levels(table$band), c("blue", "red", "nir"))
  expect_identical(table$wavelength, c(480, 660, NA))
  expect_gt(table$contrast[[3]], 10 * max(table$contrast[1:2]))
  expect_equal(table$mean, apply(as.array(found), 4, mean), ignore_attr = TRUE)
  features <- tidy(found)
  expect_gt(features$activation_after, 1.5 * features$activation_before)
  expect_equal(features$activation_after, sqrt(mean(pmax(as.array(found)[1, , , 3], 0)^2)), tolerance = 1e-5)
  expect_false(holds_live_objects(found))
})

test_that("images are those of Python, positions count from 1", {
  skip_without_python()
  module <- reticulate::import_from_path("bandlens", system.file("python", package = "bandlens"))
  theirs <- module$visualize_features(
    small_model(), "first", list(2L, 0L),
    steps = 5L, seed = 3L, objective = "neuron", position = list(0L, 1L), value_range = list(0, 1), progress = FALSE
  )
  ours <- visualize_features(
    small_path(), "first", c(3, 1),
    steps = 5, seed = 3, objective = "neuron", position = c(1, 2), value_range = c(0, 1)
  )
  expect_equal(as.array(ours), theirs$values, ignore_attr = TRUE)
  expect_equal(ours$trace, theirs$trace)
  expect_identical(ours$names, c("3", "1"))
  expect_identical(ours$feature, c(3L, 1L))
})

test_that("no steps give the start", {
  skip_without_python()
  start <- array(seq(-0.9, 0.9, length.out = 48), c(4, 4, 3))
  found <- look(start = start, steps = 0)
  expect_equal(as.array(found)[1, , , ], start, tolerance = 1e-6, ignore_attr = TRUE)
  expect_identical(found$start, "given")
})

test_that("names of bands and their ranges come from the background", {
  skip_without_python()
  background <- images(8)
  found <- visualize_features(small_model(), "first", 1:2, steps = 2, background = background)
  expect_identical(found$bands, bands)
  expect_equal(found$high, apply(background, 4, quantile, 0.999, names = FALSE), tolerance = 1e-6, ignore_attr = TRUE)
  both <- visualize_features(
    small_model(), "first", 1,
    steps = 0, value_range = list(c(0, 1, 2, 3), c(4, 4, 4, 5))
  )
  expect_equal(both$low, 0:3)
  expect_equal(both$high, c(4, 4, 4, 5))
})

test_that("outputs are found by the names of classes, layers of a dream by their weights", {
  skip_without_python()
  classes <- factor(c("b", "a", "c"), c("b", "a", "c"))
  found <- visualize_features(
    small_model(),
    objective = "logit", features = "c", classes = classes, steps = 2, value_range = c(0, 1)
  )
  expect_identical(found$feature, 3L)
  expect_identical(as.character(tidy(found)$layer), "logit")
  expect_identical(levels(tidy(found)$feature), "c")
  dense <- list_layers(small_model())$layer[[4]]
  dream <- visualize_features(
    small_model(), stats::setNames(c(1, 0.5), c("first", dense)),
    objective = "deep_dream", start = images(1), steps = 1, value_range = c(0, 1)
  )
  expect_identical(dream$layer, paste0("first, ", dense))
  along <- visualize_features(
    small_model(), "first",
    objective = "direction", directions = c(1, 1, 0, 0, 0, 0), steps = 1, value_range = c(0, 1)
  )
  expect_equal(dim(as.array(along)), c(1, 5, 5, 4))
})

test_that("a silent feature is said to be silent", {
  skip_without_python()
  expect_warning(found <- look(features = 1:2, steps = 3), "do not change with the image.*: 2[.]",
    class = "bandlens_warning_dead_feature"
  )
  expect_identical(tidy(found)$dead, c(FALSE, TRUE))
  expect_identical(glance(found)$n_dead, 1L)
})

test_that("warnings of Python are R's", {
  told <- list(list(kind = "interrupted", message = "Interrupted: 1 of 3 {images}."))
  local_fake("call_bridge", function(verb, model, arguments, progress) {
    expect_true(arguments$keep_on_interrupt)
    take_answer(list(ok = TRUE, value = features_value(n = 1, interrupted = TRUE), warnings = told))
  })
  expect_warning(
    found <- visualize_features("model.keras", "conv", value_range = 0:1, keep_on_interrupt = TRUE),
    "1 of 3 {images}",
    fixed = TRUE, class = "bandlens_warning_interrupted"
  )
  expect_s3_class(found, "feature_images")
  expect_true(glance(found)$interrupted)
})

test_that("images so far are kept in interactive sessions only, unless asked for", {
  kept <- NULL
  local_fake("call_bridge", function(verb, model, arguments, progress) {
    kept <<- arguments$keep_on_interrupt
    features_value()
  })
  rlang::with_interactive(visualize_features("m", "conv", progress = FALSE), value = TRUE)
  expect_true(kept)
  rlang::with_interactive(visualize_features("m", "conv", progress = FALSE), value = FALSE)
  expect_false(kept)
})

test_that("an interrupt returns the images so far", {
  skip_without_python()
  skip_on_os("windows") # has no signals
  path <- small_path()
  output <- run_r(c(
    # the signal comes once images are under way, however slow the machine
    "interrupting <- function(...) {",
    "  sent <- FALSE",
    "  function(done, total) {",
    "    if (!sent) system(paste('(sleep 0.3; kill -INT', Sys.getpid(), ') &'))",
    "    sent <<- TRUE",
    "  }",
    "}",
    "utils::assignInNamespace('progress_bar', interrupting, 'bandlens')",
    sprintf("found <- visualize_features(%s, 'first', steps = 1e6, batch_size = 2, value_range = 0:1,", deparse(path)),
    "  keep_on_interrupt = TRUE)",
    "cat('images:', length(found), found$interrupted, all(found$done > 0), '\\n')"
  ))
  expect_match(output, "^images: 2 TRUE TRUE", all = FALSE)
  expect_match(output, "Interrupted: 2 of 6 images", all = FALSE)
})

test_that("an interrupt that reticulate itself runs into is one", {
  skip_without_python()
  skip_on_os("windows")
  call <- sprintf("visualize_features(%s, 'first', steps = 1e6, batch_size = 2,", deparse(small_path()))
  output <- run_r(c(
    # C++ of reticulate before 1.44 asks for its namespace here, also between Python and a function of R
    "armed <- sent <- FALSE",
    "getNamespace <- function(name) {",
    "  if (armed && !sent) {",
    "    sent <<- TRUE",
    "    tools::pskill(Sys.getpid(), tools::SIGINT)",
    "    for (i in seq_len(1e5)) identity(i)", # R looks for interrupts now and then
    "  }",
    "  base::getNamespace(name)",
    "}",
    # later ones do not; they are interrupted in the function
    "watching <- function(...) function(done, total) {",
    "  if (armed) getNamespace('base')",
    "  armed <<- TRUE",
    "}",
    "utils::assignInNamespace('progress_bar', watching, 'bandlens')",
    paste("found <-", call, "value_range = 0:1, keep_on_interrupt = TRUE)"),
    "cat('images:', length(found), found$interrupted, '\\n')",
    "armed <- sent <- FALSE",
    paste("ended <- tryCatch(", call, "value_range = 0:1, keep_on_interrupt = FALSE),"),
    "  interrupt = function(interrupt) 'by an interrupt')",
    "cat('ended:', ended, '\\n')",
    "cat('next:', nrow(list_layers(", deparse(small_path()), ")) > 0, '\\n')"
  ))
  expect_match(output, "^images: 2 TRUE", all = FALSE)
  expect_match(output, "^ended: by an interrupt", all = FALSE)
  expect_match(output, "^next: TRUE", all = FALSE)
})

test_that("the table of pixels has every position in step with its value", {
  found <- made_features()
  table <- tidy(found, "pixel")
  expect_named(table, c("layer", "feature", "image", "row", "col", "band", "wavelength", "value"))
  at <- cbind(match(table$feature, found$names), table$row, table$col, as.integer(table$band))
  expect_identical(table$value, found$values[at])
  expect_identical(table$wavelength, found$wavelengths[as.integer(table$band)])
  expect_identical(anyDuplicated(at), 0L)
  expect_named(tidy(found, "trace"), c("layer", "feature", "image", "step", "activation"))
})

test_that("images are chosen by position and by name, with their rows", {
  found <- made_features(n = 4, names = c("3", "3", "5", "4"), image = c(0L, 1L, 0L, 0L))
  part <- found[c(4, 1)]
  expect_identical(part$names, c("4", "3"))
  expect_identical(as.array(part), as.array(found)[c(4, 1), , , ])
  for (level in c("feature", "band", "pixel", "trace")) {
    all <- tidy(found, level)
    kept <- all[c(which(all$feature == "4"), which(all$feature == "3" & all$image == 1)), ]
    expect_equal(tidy(part, level), kept)
  }
  expect_identical(found["3"], found[1:2])
  expect_identical(found[-1], found[2:4])
  expect_identical(length(found[1]), 1L)
  expect_snapshot(error = TRUE, {
    found["8"]
    found[5]
  })
})

test_that("results survive saving, and say what they are", {
  found <- made_features(dead = 2, interrupted = TRUE)
  file <- withr::local_tempfile()
  saveRDS(found, file)
  expect_identical(readRDS(file), found)
  expect_snapshot({
    found
    as.data.frame(glance(found))
    made_features(n = 1, names = "{water}", objective = "logit", layer = "logit")
    c(found, made_features(n = 1, layer = "conv3"))
  })
  expect_identical(as.data.frame(found), as.data.frame(tidy(found)))
})

test_that("results of several layers make one table", {
  early <- made_features(n = 2)
  late <- made_features(n = 3, layer = "conv3", names = c("9", "3", "1"))
  both <- c(early, late)
  table <- tidy(both, "band")
  expect_equal(nrow(table), 5 * 13)
  expect_identical(levels(table$layer), c("conv2", "conv3"))
  expect_identical(levels(table$feature), c("3", "4", "9", "1"))
  features <- lapply(list(early, late), function(one) as.character(tidy(one, "band")$feature))
  expect_identical(as.character(table$feature), unlist(features))
  expect_identical(table$mean, c(tidy(early, "band")$mean, tidy(late, "band")$mean))
  expect_length(c(both, early), 3)
  expect_error(c(early, 1), class = "bandlens_error_result")
})

test_that("wrong arguments are named before Python is asked", {
  local_fake("call_bridge", function(...) stop("Python was asked"))
  wrong <- function(...) visualize_features("model.keras", "conv", ...)
  expect_snapshot(error = TRUE, {
    wrong(features = 0)
    wrong(position = c(0, 1))
    wrong(value_range = 1:3)
    wrong(steps = -1)
    wrong(objective = "beauty")
    wrong(directions = "up")
    visualize_features("model.keras", 3)
  })
  expect_error(wrong(objectve = "neuron"), "objectve")
  expect_error(wrong(keep_on_interrupt = NA), class = "bandlens_error_option")
})

test_that("what Python refuses is an error of the verb", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    visualize_features(known_cnn(), "secnd", value_range = c(-1, 1))
    visualize_features(known_cnn(), "second", 3, value_range = c(-1, 1))
    visualize_features(known_cnn(), "pool", objective = "neuron", position = c(1, 1), value_range = c(-1, 1))
    visualize_features(known_cnn(), "second")
  })
  expect_error(visualize_features(known_cnn(), "secnd", value_range = 0:1), class = "bandlens_error_layer")
})

test_that("progress is told in steps", {
  skip_without_python()
  told <- NULL
  local_fake("progress_bar", function(...) function(done, total) told <<- rbind(told, c(done, total)))
  look(steps = 4)
  expect_equal(told[nrow(told), ], c(4, 4))
})

test_that("an ascent that does not rise above its start is named, and shows its start", {
  skip_without_python()
  bell <- python(paste0(
    "lambda x: (lambda k: k.concatenate([k.exp(-8 * k.mean(k.square(x - 0.5), axis=(1, 2))), x[:, 0, 0, :1]], axis=1))",
    "(__import__('keras').ops)"
  ))
  start <- array(0.52, c(1, 2, 2, 1))
  expect_warning(
    found <- visualize_features(
      bell, objective = "logit", features = 1, value_range = c(0, 1), shape = c(2, 2, 1), start = start, jitter = 0,
      step_size = 0.4, steps = 15
    ),
    "did not rise above its start for 1 of 1", class = "bandlens_warning_dead_feature"
  )
  expect_equal(as.vector(found$values), rep(0.52, 4), tolerance = 1e-6)
  expect_match(image_names(found), "not above its start", fixed = TRUE)
  expect_no_match(image_names(made_features()), "not above its start")
})
