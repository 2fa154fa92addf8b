# Scores from the workers of a Dask cluster are those of this session.

test_that("local workers give the scores of one process, and end with the call", {
  skip_without_python()
  x <- array(rnorm(12 * 5 * 5 * 4), c(12, 5, 5, 4))
  explained <- function(...) {
    band_importance(small_model(), x, rep(1:3, 4), n_background = 4, batch_size = 4, ..., progress = FALSE)
  }
  shared <- explained(client = 2)
  expect_identical(shared$scores, explained()$scores)
  expect_identical(tidy(shared), tidy(explained()))
})

test_that("maps, the check of a ranking and the quality of scores are computed by local workers, too", {
  skip_without_python()
  x <- array(rnorm(8 * 5 * 5 * 4), c(8, 5, 5, 4))
  model <- small_model()
  maps <- function(...) {
    band_maps(model, x[1:4, , , ], background = x, batch_size = 2, ..., progress = FALSE)
  }
  expect_identical(maps(client = 1)$values, maps()$values)
  table <- band_importance(model, x, method = "occlusion", n_background = 2, progress = FALSE)
  checked <- function(...) check_deletion(model, table, x, n_background = 2, batch_size = 4, ..., progress = FALSE)
  expect_identical(tidy(checked(client = 1)), tidy(checked()))
  measured <- function(...) {
    check_quality(
      model, x, rep(1:2, 4), methods = "saliency", metrics = "mprt", repeats = 1, n_background = 2, batch_size = 4, ...,
      progress = FALSE
    )
  }
  expect_identical(tidy(measured(client = 1)), tidy(measured()))
})

test_that("what is no client is refused", {
  x <- array(0, c(3, 4, 4, 2))
  for (wrong in list(0, 1.5, TRUE, c("a", "b"), NA_character_)) {
    error <- expect_error(band_importance(mean, x, client = wrong), class = "bandlens_error_option")
    expect_match(conditionMessage(error$parent), "`client` is none.", fixed = TRUE)
  }
})

test_that("cells of a scene are not shared out from R", {
  skip_if_not_installed("terra")
  scene <- terra::rast(array(0, c(8, 8, 4)))
  error <- expect_error(band_maps(mean, scene, client = 2), class = "bandlens_error_option")
  expect_match(conditionMessage(error$parent), "computed in this session")
})

test_that("an address at which nobody answers is named", {
  skip_without_python()
  x <- array(rnorm(3 * 5 * 5 * 4), c(3, 5, 5, 4))
  error <- expect_error(
    band_importance(small_model(), x, client = "tcp://127.0.0.1:1"), class = "bandlens_error_cluster"
  )
  expect_match(conditionMessage(error$parent), "No scheduler answers")
})
