# What checks return, made by the core's own class: no verb of R that wraps one is needed.

made_check <- function(passed = TRUE, name = "check_something", facts = "dict(seed=3)") {
  skip_without_python()
  bridge() # the core that R uses is imported before the test asks for it
  make <- reticulate::py_run_string(paste(
    "def make(name, passed, facts):",
    "    import numpy as np",
    "    from bandlens.r import bridge",
    "    from bandlens.checks import Check",
    "    curve = {",
    "        'band': np.array([1, 0, -1]), 'image': np.array([0, 1, 5]), 'step': np.arange(3),",
    "        'value': np.array([0.5, np.nan, 2]), 'better': np.array([True, False, True]),",
    "        'what': np.array(['a', '{b}', 'c']),",
    "    }",
    "    empty = {'band': np.zeros(0, int), 'value': np.zeros(0), 'what': np.zeros(0, str)}",
    "    one = {'band': np.array([0]), 'value': np.array([1.5]), 'what': np.array(['only'])}",
    "    verdict = ('Bands {matter}.', 'All of them.')",
    "    levels = {'band': ('red', 'blue'), 'class': ('unused',)}",
    "    tables = {'curve': curve, 'empty': empty, 'one': one}",
    "    return bridge.outcome(Check(name, tables, levels, passed, verdict, facts))",
    sep = "\n"
  ), local = TRUE)$make
  as_band_check(make(name, passed, python(facts)))
}

test_that("a check becomes tibbles with ordered factors, positions from 1 and NA", {
  check <- made_check()
  expect_s3_class(check, c("check_something", "band_check"), exact = TRUE)
  expect_named(check$tables, c("curve", "empty", "one"))
  expect_identical(tidy(check), tibble::tibble(
    band = factor(c("blue", "red", NA), levels = c("red", "blue"), ordered = TRUE), image = c(1L, 2L, 6L),
    step = 0:2, value = c(0.5, NA, 2), better = c(TRUE, FALSE, TRUE), what = c("a", "{b}", "c")
  ))
  expect_identical(
    tidy(check, "one"),
    tibble::tibble(band = factor("red", levels = c("red", "blue"), ordered = TRUE), value = 1.5, what = "only")
  )
  expect_identical(tidy(check, level = "empty"), tidy(check, "one")[0, ])
  expect_identical(check$verdict, c("Bands {matter}.", "All of them."))
  expect_error(tidy(check, "all"), "\"curve\", \"empty\", \"one\"", class = "bandlens_error_option")
  expect_error(tidy(check, levels = "one"), "no such argument: `levels`", class = "bandlens_error_option")
})

test_that("glance() has the outcome and every fact that is one value", {
  facts <- paste0(
    "dict(n=3, noise=__import__('numpy').float32(0.5), none=None, lost=float('nan'), kind='a', ",
    "one=['x'], two=[1, 2])"
  )
  check <- made_check(passed = NULL, facts = facts)
  expect_identical(glance(check), tibble::tibble(
    check = "check_something", passed = NA, n = 3L, noise = 0.5, none = NA, lost = NA_real_, kind = "a"
  ))
  expect_identical(check$facts[c("one", "two")], list(one = "x", two = 1:2))
  expect_identical(names(glance(made_check(facts = "{}"))), c("check", "passed"))
  expect_true(made_check(passed = python("__import__('numpy').bool_(True)"))$passed)
})

test_that("checks print their outcome, their verdict and a table", {
  expect_snapshot({
    made_check()
    made_check(passed = FALSE, name = "compare_importance")
    summary(made_check(passed = NULL, facts = "dict(n=3, noise=0.123456, methods=['a', 'b'])"))
  })
})

test_that("checks are plain data", {
  check <- made_check()
  expect_false(holds_live_objects(check))
  file <- withr::local_tempfile()
  saveRDS(check, file)
  expect_identical(readRDS(file), check)
})

test_that("a check is drawn by the function that is listed for it", {
  check <- made_check()
  expect_error(autoplot(check), "no picture of `check_something\\(\\)`", class = "bandlens_error_result")

  draw <- function(object, width = 175, base_size = 8, values = TRUE) {
    ggplot2::ggplot(tidy(object)) +
      ggplot2::labs(title = width)
  }
  pictures <- list(check_something = draw)
  expect_identical(draw_check(check, pictures)$labels$title, 175)
  expect_identical(draw_check(check, pictures, width = 85)$labels$title, 85)
  error <- error_of(in_verb("draw it", draw_check(check, pictures, colour = "red")))
  expect_s3_class(error, "bandlens_error_option")
  expect_identical(error$parent$expected, "`width`, `base_size`, `values`")
})
