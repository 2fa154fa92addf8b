# The engine checks itself: what R shows of it, and its warnings.

# A ramp that begins at 0.3, of which a sum over two nodes finds too little.
kinked <- function() {
  reticulate::py_run_string(paste(
    "def kinked(x):",
    "    from keras import ops",
    "    return ops.relu(ops.mean(x, axis=(1, 2, 3))[:, None] - 0.3) * ops.ones((1, 2), x.dtype)",
    sep = "\n"
  ), local = TRUE, convert = FALSE)$kinked
}

ones <- function(n = 3) array(1, c(n, 4, 4, 2))

old_result <- function() readRDS(test_path("results", "result-0.1.0.rds"))

test_that("residuals and cancellations of all images cross", {
  skip_without_python()
  result <- band_importance(small_model(), images(), labels(), background = images(8, seed = 2), target = "all")
  expect_equal(dim(result$cancellations), c(12, 3))
  expect_identical(result$cancellation, max(result$cancellations))
  expect_identical(glance(result)$cancellation, result$cancellation)
  # of one image, computed anew here
  outputs <- function(x) band_importance(small_model(), x, method = "saliency", target = "all")$output_values
  distances <- function(i) colMeans(abs(sweep(outputs(images(8, seed = 2)), 2, outputs(images())[i, ])))
  all <- t(vapply(1:12, distances, numeric(3)))
  scale <- pmax(all, rep(colMeans(all), each = 12))
  sizes <- unname(apply(abs(result$scores), 1:2, sum))
  expect_equal(result$cancellations, sizes / scale, tolerance = 1e-4)
  expect_equal(result[3:4]$cancellations, result$cancellations[3:4, ])
  expect_equal(c(result[1:5], result[6:12])$cancellations, result$cancellations)
  maps <- band_maps(small_model(), images(), labels(), background = images(8, seed = 2), target = "all")
  expect_equal(maps$cancellations, result$cancellations, tolerance = 1e-4)
  expect_equal(dim(maps$residuals), c(12, 3))
  expect_lt(maps$completeness, 1e-4)
  unsigned <- band_importance(small_model(), images(), labels(), method = "saliency")
  expect_null(unsigned$cancellation)
  expect_identical(glance(unsigned)$cancellation, NA_real_)
})

test_that("what an engine says of itself is a classed warning that counts from 1", {
  skip_without_python()
  explain <- function(verb) {
    verb(kinked(), ones(), method = "integrated_gradients", baseline = "zero", target = 2, n_steps = 2)
  }
  for (verb in c(band_importance, band_maps)) {
    warning <- expect_warning(found <- explain(verb), class = "bandlens_warning_completeness")
    expect_s3_class(warning, "bandlens_warning")
    expect_identical(conditionMessage(warning), paste(
      "Integrated gradients scores of image 1 miss f(x) - f(baseline) = 0.7 of output '2' by 0.2, 28.6%.",
      "With n_steps=4 it misses by 18%: raise `n_steps`."
    ))
    expect_equal(found$completeness, 0.2 / 0.7, tolerance = 1e-5)
  }
})

test_that("warnings of Python are R's, before its errors, too", {
  told <- lapply(c("Scores of image {3} cancel.", "Another."), function(message) {
    list(kind = "completeness", message = message)
  })
  warnings <- list()
  take <- function(...) {
    warnings <<- list()
    withCallingHandlers(take_answer(list(..., warnings = told)), warning = function(warning) {
      warnings <<- c(warnings, list(warning))
      rlang::cnd_muffle(warning)
    })
  }
  expect_identical(take(ok = TRUE, value = 3), 3)
  expect_identical(vapply(warnings, conditionMessage, ""), c("Scores of image {3} cancel.", "Another."))
  for (warning in warnings) {
    expect_s3_class(warning, "bandlens_warning_completeness")
    expect_s3_class(warning, "bandlens_warning")
  }
  expect_condition(take(ok = FALSE, kind = "input", message = "Bad."), class = "bandlens_cause_input")
  expect_length(warnings, 2)
})

test_that("results show both, and old ones what they have", {
  expect_snapshot({
    cat(about(old_result()), sep = "\n")
    value <- bridge_value()
    value[c("background", "background_source")] <- list(NULL)
    cat(about(as_band_importance(value)), sep = "\n")
    large <- bridge_value()
    large$cancellation <- 133456.7
    cat(about(as_band_importance(large)), sep = "\n")
    as_band_maps(list(
      values = array(1:12 / 4, c(2, 1, 3, 2)), band_axis = 1L, image_class = array(0:1), prediction = array(0:1),
      image_output = matrix(0:1), classes = c("a", "b"), outputs = c("a", "b"), bands = c("b1", "b2", "b3"),
      wavelengths = c(NaN, NaN, NaN), method = "deepshap", output = "logit", seed = 0L, model = "m",
      residuals = matrix(c(0, 1e-6)), cancellations = matrix(1:2), completeness = 1e-6, cancellation = 2
    ))
  })
})

test_that("results that an earlier version has saved work", {
  old <- old_result()
  expect_false("cancellation" %in% names(old))
  expect_identical(glance(old)$cancellation, NA_real_)
  expect_output(print(old), "largest relative residual 4.6e-06\n", fixed = TRUE)
  skip_without_python()
  part <- old[c(1, 240)]
  expect_null(part$cancellations)
  expect_equal(part$residuals, old$residuals[c(1, 240), , drop = FALSE])
  expect_equal(tidy(c(old[1:120], old[121:240]))[names(tidy(old))], tidy(old))
  expect_null(c(old[1:120], old[121:240])$cancellation)
})

test_that("a scene is warned of once, with the place", {
  skip_if_not_installed("terra")
  scene <- small_scene()
  parts <- 0
  score <- function(patches) {
    parts <<- parts + 1
    if (parts > 1) warn_of(list(list(kind = "completeness", message = paste0("Scores of image ", parts, " cancel."))))
    list(scores = array(1, c(3, 1, 3)), completeness = NULL)
  }
  withr::local_options(bandlens.block_values = 81)
  cells <- score_cells(scene, 3, 3, bands[1:3])
  expect_snapshot(invisible(write_scores(scene, cells, 3, 3, score, FALSE, "", FALSE, list(), NULL)))
  expect_equal(parts, 3)
})

test_that("rounding is named as a cause where the numbers say so, and not elsewhere", {
  skip_without_python()
  made <- reticulate::py_run_string("
def shifted(x):
    from keras import ops
    return ops.mean(x, axis=(1, 2)) * 0.3 + 3e6
", local = TRUE, convert = FALSE)
  warning <- expect_warning(
    band_importance(made$shifted, ones(2), background = 0 * ones(2), target = 1),
    class = "bandlens_warning_completeness"
  )
  expect_match(conditionMessage(warning), "are rounded to steps of 0.2 in float32", fixed = TRUE)
  warning <- expect_warning(
    band_importance(kinked(), ones(), method = "integrated_gradients", baseline = "zero", target = 1, n_steps = 2),
    class = "bandlens_warning_completeness"
  )
  expect_no_match(conditionMessage(warning), "round|float")
})
