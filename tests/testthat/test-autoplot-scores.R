# Pictures of scores over a scene. They need no Python.

made_scores <- function(n_rows = 6, n_cols = 8, names = c("green", "red", "nir")) {
  scores <- terra::rast(
    nrows = n_rows, ncols = n_cols, nlyrs = length(names), crs = "EPSG:32633",
    extent = c(500000, 500000 + 20 * n_cols, 5000000, 5000000 + 40 * n_rows)
  )
  cells <- expand.grid(cell = seq_len(n_rows * n_cols), band = seq_along(names))
  scores <- terra::setValues(scores, matrix(sin(cells$cell * cells$band) * cells$band, ncol = length(names)))
  names(scores) <- names
  scores
}

fills <- function(plot, layer = 1) ggplot2::layer_data(plot, layer)$fill

test_that("all bands share one scale, symmetric about zero, and gaps are blank", {
  skip_without_rasters()
  scores <- made_scores()
  scores[2, 3] <- NA
  plot <- autoplot_scores(scores)
  expect_picture("scores", plot)
  expect_identical(strips(plot), c("green", "red", "nir"))
  expect_equal(nrow(drawn(plot)), 3 * 47)
  limits <- plot$scales$get_scales("fill")$limits
  expect_equal(sum(limits), 0)
  expect_equal(limits[[2]], max(abs(terra::values(scores)), na.rm = TRUE))
  # the value of the second row and first column, which lies where it should
  at <- drawn(plot)
  value <- plot$data$value[plot$data$panel == "3" & plot$data$row == -2 & plot$data$col == 1]
  expect_equal(value, scores[2, 1]$nir)
  expect_equal(plot$coordinates$ratio, 2)
  # users may add to it
  expect_s3_class(ggplot2::ggplotGrob(plot + ggplot2::labs(title = "Mine")), "gtable")
})

test_that("a composite of the scene stands in front", {
  skip_without_rasters()
  scores <- made_scores()
  # two by two pixels in each cell, and a margin around
  scene <- terra::rast(
    nrows = 16, ncols = 20, nlyrs = 4, crs = "EPSG:32633", extent = c(499980, 500180, 4999960, 5000280)
  )
  scene <- terra::setValues(scene, matrix(rep(seq_len(320), 4) * rep(1:4, each = 320), ncol = 4))
  names(scene) <- bands
  plot <- autoplot_scores(scores, scene)
  expect_picture("scores-composite", plot)
  expect_identical(strips(plot), c("RGB", "green", "red", "nir"))
  expect_equal(nrow(drawn(plot, 2)), 48)
  other <- autoplot_scores(scores, scene, rgb = c("nir", "red", "green"), layers = "red")
  expect_identical(strips(other), c("RGB: nir, red, green", "red"))
  expect_identical(autoplot_scores(scores, stars::st_as_stars(scene))$data, plot$data)
  scene[9:16, ] <- NA
  expect_lt(nrow(drawn(autoplot_scores(scores, scene), 2)), 48)
})

test_that("predictions are no scores, and of many layers the strongest are shown", {
  skip_without_rasters()
  scores <- made_scores(names = c("prediction", paste0("b", 1:40)))
  plot <- autoplot_scores(scores)
  expect_length(strips(plot), 25)
  expect_false("prediction" %in% strips(plot))
  expect_match(plot$labels$subtitle, "25 of 40 layers")
  expect_identical(strips(autoplot_scores(scores, layers = c("b1", "b3"))), c("b1", "b3"))
  expect_identical(strips(autoplot_scores(scores, layers = 3)), "b2")
})

test_that("of large rasters a sample is drawn, which is said", {
  skip_without_rasters()
  plot <- autoplot_scores(made_scores(600, 700, "red"))
  expect_lt(nrow(plot$data), 300000)
  expect_gt(nrow(plot$data), 200000)
  expect_match(plot$labels$subtitle, "a regular sample of 420000 cells")
})

test_that("values far beyond all others don't take the colours from them", {
  skip_without_rasters()
  scores <- made_scores(40, 50)
  scores[1, 1] <- 1e4
  expect_match(autoplot_scores(scores)$labels$subtitle, "the darkest colours stand for all beyond")
})

test_that("what can't be drawn is named", {
  skip_without_rasters()
  scores <- made_scores()
  said <- function(...) cat(conditionMessage(error_of(autoplot_scores(...))), "\n")
  expect_snapshot({
    said(3)
    said(scores, rgb = 1:3)
    said(scores, layers = "uv")
    said(scores, layers = c(1, 1))
    said(scores * NA)
    said(scores, terra::shift(scores, 1e6))
    said(scores, scores, rgb = c("a", "b", "c"))
    said(scores[[1]], layers = 2)
    said(scores, width = 0)
  })
})
