# The arguments that all verbs share which compute a table of importances.

test_that("band_importance() has the arguments of all tables, with their defaults, and says itself how much is done", {
  shared <- setdiff(names(formals(table_arguments)), "...")
  effort <- c("precision", "max_seconds")
  shown <- setdiff(names(formals(band_importance)), c("model", "models", "x", "y", "...", "progress", effort))
  expect_identical(shared, shown)
  # as many background images as it takes
  expect_null(formals(band_importance)$n_background)
  defaults <- lapply(formals(band_importance)[setdiff(shown, "n_background")], eval)
  expect_identical(do.call(table_arguments, defaults), table_arguments())
})

test_that("what is no argument of a table is an option of the method, and what is not given has its default", {
  asked <- table_arguments(steps = 50, wavelengths = 1:4, method = "lime", batch = 2)
  expect_identical(asked$options, list(steps = 50L, batch = 2L))
  expect_identical(asked$arguments$wavelengths, 1:4)
  expect_identical(asked$arguments$method, "lime")
  expect_identical(asked$arguments$n_background, 100)
  expect_identical(asked$arguments$output, "auto")
  expect_error(table_arguments(output = "log"), class = "bandlens_cause")
  expect_error(table_arguments(3), class = "bandlens_cause")
})

test_that("maps are asked for neither a statistic nor groups, unless somebody does", {
  expect_false(any(c("statistic", "groups") %in% names(table_arguments()$arguments)))
  expect_identical(table_arguments(statistic = "band_sum")$arguments$statistic, "band_sum")
})

test_that("arguments of a table that are wrong for what is computed are named", {
  skip_without_python()
  check <- function(...) check_stability(small_model(), images(), labels(), method = "saliency", ...)
  expect_error(check(n_backgruond = 3), "no such option", class = "bandlens_error_option")
  expect_error(check(n_background = 0), "`n_background` must be a whole number", class = "bandlens_error_option")
  expect_error(check(output = "log"), "`output` has a value", class = "bandlens_error_option")
  maps <- function(...) band_maps(small_model(), images(), labels(), method = "saliency", ...)
  expect_error(maps(groups = list(visible = 1:2)), "no such option", class = "bandlens_error_option")
  expect_error(maps(statistic = "band_sum"), "no such option", class = "bandlens_error_option")
})
