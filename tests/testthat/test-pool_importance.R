# Training runs that are pooled. The numbers come from the core and are tested there.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

# Runs as results that are kept: scores of the same images against the same background, moved by the run.
kept_runs <- function(k = 3, ...) {
  runs <- lapply(seq_len(k), function(run) {
    result <- scored(n = c(5, 8, 3), ...)
    result$scores <- result$scores * (1 + run / 10) + sin(run * result$scores) / 5
    result
  })
  stats::setNames(lapply(runs, completed), paste("seed", seq_len(k)))
}

# A result with the fields that the core asks for.
completed <- function(result) {
  n <- nrow(result$scores)
  k <- ncol(result$image_output)
  fields <- list(
    prediction = result$image_class, output_values = matrix(1, n, k), base_values = matrix(0, n, k),
    band_means = matrix(seq_len(n * length(result$bands)), n) / 8, balanced = FALSE, options = list(), seed = 0L,
    model = "small", versions = c(bandlens = "0.1.0"), seconds = 1
  )
  fields <- fields[setdiff(names(fields), names(result))]
  structure(utils::modifyList(unclass(result), fields), class = "band_importance")
}

test_that("results are pooled into one table, and their own tables stay in it", {
  skip_without_python()
  runs <- kept_runs()
  pooled <- pool_importance(runs)
  expect_s3_class(pooled, "pooled_importance")
  table <- tidy(pooled)
  expect_identical(
    names(table), c(
      "class", "output", "band", "wavelength", "importance", "effect", "share", "rank", "std_error", "conf_low",
      "conf_high", "n", "share_low", "share_high", "p_first", "se_images", "se_background", "se_runs", "between_runs"
    )
  )
  expect_s3_class(table$band, "ordered")
  own <- tidy(pooled, "run")
  expect_identical(names(own)[1:3], c("run", "class", "output"))
  expect_identical(levels(own$run), paste("seed", 1:3))
  expect_identical(nrow(own), 3L * nrow(table))
  means <- tapply(own$importance, own[c("band", "class")], mean)
  expect_equal(table$importance, as.vector(means), tolerance = 1e-12)
  expect_equal(table$std_error^2, table$se_images^2 + table$se_background^2 + table$se_runs^2, tolerance = 1e-12)
  expect_identical(levels(tidy(pooled, "overall")$class), "all")
  expect_identical(as.data.frame(pooled, level = "run"), as.data.frame(own))
  expect_identical(pooled, unserialize(serialize(pooled, NULL)))
  expect_false(holds_live_objects(pooled))
})

test_that("runs have the names of the list, or those that are given, or are counted", {
  skip_without_python()
  runs <- kept_runs(2)
  expect_identical(pool_importance(runs)$runs, c("seed 1", "seed 2"))
  expect_identical(pool_importance(unname(runs))$runs, c("run 1", "run 2"))
  expect_identical(pool_importance(runs, names = c("a", "b"))$runs, c("a", "b"))
  expect_identical(pool_importance(stats::setNames(runs, c("a", "")))$runs, c("a", "run 2"))
})

test_that("glance() and summary() tell what was pooled", {
  skip_without_python()
  pooled <- pool_importance(kept_runs())
  about <- glance(pooled)
  expect_identical(
    names(about), c(
      "method", "statistic", "output", "n_runs", "n", "n_bands", "n_classes", "between_runs", "accuracy",
      "accuracy_low", "accuracy_high", "same_images", "same_background", "n_background", "task", "head", "seconds"
    )
  )
  expect_identical(about$n_runs, 3L)
  expect_identical(about$n, 16L)
  expect_identical(about$accuracy, NA_real_)
  expect_true(about$same_images)
  expect_identical(about$seconds, 3)
  found <- summary(pooled, top = 1)
  expect_identical(found$runs$run, paste("seed", 1:3))
  expect_identical(nrow(found$top), 3L)
  expect_snapshot({
    pooled
    summary(pooled)
  })
})

test_that("models are explained and pooled in one call", {
  skip_without_python()
  keras <- reticulate::import("keras")
  made <- function(seed, outputs = 3L) {
    keras$utils$set_random_seed(seed)
    layers <- keras$layers
    keras$Sequential(name = paste0("net_", seed), layers = list(
      keras$Input(list(5L, 5L, 4L)), layers$Conv2D(4L, 2L, activation = "relu"), layers$Flatten(),
      layers$Dense(outputs, activation = "softmax")
    ))
  }
  models <- list(first = made(1L), second = made(2L))
  explain <- function(...) band_importance(..., background = images(8, seed = 2))
  pooled <- explain(models = models, x = images(), y = labels())
  expect_s3_class(pooled, "pooled_importance")
  expect_identical(pooled$runs, c("first", "second"))
  expect_identical(pooled$models, c("net_1", "net_2"))
  expect_equal(mean(pooled$run_accuracy), glance(pooled)$accuracy)
  # images may come without names
  timeless <- function(result) tidy(result)
  expect_equal(timeless(explain(models = models, images(), labels())), timeless(pooled), tolerance = 1e-6)
  expect_equal(timeless(explain(images(), y = labels(), models = models)), timeless(pooled), tolerance = 1e-6)
  apart <- lapply(models, explain, images(), labels())
  expect_equal(tidy(pool_importance(apart)), tidy(pooled), tolerance = 1e-5)

  # paths, and functions of R
  folder <- withr::local_tempdir()
  paths <- file.path(folder, c("a.keras", "b.keras"))
  Map(function(model, path) model$save(path), models, paths)
  expect_equal(tidy(explain(models = paths, x = images(), y = labels())), tidy(pooled), tolerance = 1e-5)
  functions <- lapply(c(1, 2), function(power) function(x) apply(x, c(1, 4), mean)[, 1:3]^power)
  own <- explain(models = functions, x = images(), y = labels(), method = "occlusion")
  expect_identical(own$runs, c("run 1", "run 2"))
  alike <- stats::setNames(functions[c(1, 2, 1)], c("a", "a", "b")) # none may be lost
  expect_error(explain(models = alike, x = images(), method = "occlusion"), class = "bandlens_error_result")

  expect_snapshot(error = TRUE, {
    band_importance(models, images(), labels())
    band_importance(model = models[[1]], x = images(), models = models)
    band_importance(models[[1]], images(), labels(), models = models)
    band_importance(models = models[[1]], images())
    band_importance(models = list(models[[1]], 3), images())
    band_importance(models = models[1], images())
    band_importance(models = list(a = models[[1]], b = models[[1]]), images())
    band_importance(models = models, images(), precision = 0.1)
    band_importance(models = models, images(), method = c("saliency", "occlusion"))
    band_importance(models = list(a = models[[1]], b = made(3L, 2L)), images())
  })
})

test_that("what can't be pooled is said", {
  skip_without_python()
  runs <- kept_runs(2)
  other <- function(...) utils::modifyList(runs[[2]], list(...))
  pooled <- pool_importance(runs)
  expect_snapshot(error = TRUE, {
    pool_importance(runs[1])
    pool_importance(runs[[1]])
    pool_importance(list(runs[[1]], pooled))
    pool_importance(list(a = runs[[1]], b = other(classes = c("a", "b", "c"))))
    pool_importance(runs, names = c("a", "a"))
    pool_importance(runs, level = "band")
    tidy(pooled, "image")
    autoplot(pooled, "waterfall")
    autoplot(pooled, level = "band")
    autoplot(pooled, "runs", top = 2)
    render_band_report(pooled)
    compare_importance(pooled, runs[[1]])
  })
})

test_that("classes that some runs lack are left out with a warning", {
  skip_without_python()
  runs <- kept_runs(2)
  few <- runs[[2]][as.character(runs[[2]]$image_class) != "city"]
  expect_warning(pooled <- pool_importance(list(runs[[1]], few)), class = "bandlens_warning_data")
  expect_identical(pooled$left_out, "city")
  expect_identical(unique(as.character(tidy(pooled)$class)), c("water", "forest"))
  expect_match(format(pooled), "Left out", all = FALSE)
})

test_that("pictures of pooled results say what intervals cover", {
  skip_without_python()
  pooled <- pool_importance(kept_runs(5))
  expect_picture("training runs", autoplot(pooled, "runs"))
  expect_picture("bars of pooled runs", autoplot(pooled, "bars"))
  for (type in c("heatmap", "bars", "effect", "spectrum", "ranks", "runs")) {
    plot <- autoplot(pooled, type)
    expect_s3_class(ggplot2::ggplotGrob(plot), "gtable")
    if (type %in% c("bars", "spectrum", "runs")) {
      expect_match(plot$labels$subtitle, "95 % interval over training runs and images")
    }
  }
  expect_match(autoplot(pooled, "runs", scales = "free")$labels$subtitle, "scales differ")
  expect_silent(plot(pooled, "runs", width = 85))
  outputs <- pool_importance(kept_runs(2, all_outputs = TRUE))
  expect_s3_class(ggplot2::ggplotGrob(autoplot(outputs, "runs")), "gtable")
  bands <- sprintf("band %d", 1:40)
  many <- pool_importance(kept_runs(2, bands = bands, wavelengths = seq(400, 2400, length.out = 40)))
  expect_s3_class(ggplot2::ggplotGrob(autoplot(many, "runs")), "gtable")
  expect_length(format(many), 3 + 1 + 3 + 1)
})

test_that("steps in time are pooled, and their sums", {
  skip_without_python()
  at <- c("2024-04-01", "2024-05-01")
  runs <- lapply(kept_runs(2), function(result) {
    result[c("bands", "times", "time_kind")] <- list(rep(c("red", "nir"), each = 2), rep(at, 2), "date")
    result
  })
  pooled <- pool_importance(runs)
  expect_s3_class(tidy(pooled)$time, "Date")
  expect_identical(glance(pooled)$n_steps, 2L)
  expect_s3_class(ggplot2::ggplotGrob(autoplot(pooled)), "gtable")
  expect_error(autoplot(pooled, "runs"), class = "bandlens_error_option")
  sums <- pool_importance(runs, level = "band")
  expect_identical(nrow(tidy(sums)), 6L)
  expect_s3_class(ggplot2::ggplotGrob(autoplot(sums, "runs")), "gtable")
})
