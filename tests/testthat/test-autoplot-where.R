# Pictures of class activation maps. They are drawn from plain maps, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

test_that("pictures of where stay as they are", {
  x <- where_x()
  expect_picture("class activation maps over composites", autoplot(made_where(k = 2), 1:2, x = x))
  expect_picture("class activation maps by band", autoplot(made_where("band", signed = TRUE), x = x))
  expect_picture("class activation maps alone", autoplot(made_where()))
})

test_that("no picture of where warns", {
  for (maps in list(
    made_where(), made_where(signed = TRUE), made_where("band"), made_where(k = 2), made_where(size = c(1, 1)),
    made_where("band", bands = paste0("b", 1:30)), made_where(size = c(40, 30)), made_where(method = "occlusion")
  )) {
    for (width in c(85, 175)) expect_no_warning(ggplot2::ggplotGrob(autoplot(maps, width = width)))
    x <- where_x(bands = length(maps$bands))
    expect_no_warning(ggplot2::ggplotGrob(autoplot(maps, x = x)))
  }
})

test_that("images stand in rows with their composite first", {
  plot <- autoplot(made_where(k = 2), c(1, 3), x = where_x())
  expect_identical(strips(plot), c("1: forest", "forest", "water", "3: forest, as water", "forest", "water"))
  expect_match(plot$labels$subtitle, "Grad-CAM, layer 'conv'; panels: logit of the class that is named", fixed = TRUE)
  expect_identical(strips(autoplot(made_where())), c("1: forest", "2: water", "3: forest, as water", "4: water"))
  by_band <- autoplot(made_where("band", signed = TRUE), x = where_x())
  expect_identical(strips(by_band), c("1: forest", "blue", "green", "red", "nir"))
  expect_match(by_band$labels$subtitle, "logit of forest; panels: bands")
  many <- autoplot(made_where("band", bands = paste0("b", 1:30)))
  expect_match(many$labels$subtitle, "25 of 30 bands")
})

test_that("maps are interpolated as in Python, and colours mixed with grey", {
  rows <- (1:4 - 0.5) / 4
  cols <- (1:3 - 0.5) / 3
  plane <- outer(rows, cols, function(row, col) 2 + 3 * row - 5 * col)
  inside <- function(at, n) pmin(pmax((seq_len(n) - 0.5) / n, min(at)), max(at))
  expected <- outer(inside(rows, 16), inside(cols, 12), function(row, col) 2 + 3 * row - 5 * col)
  expect_equal(between_places(plane, rows, cols, c(16, 12)), expected)
  expect_equal(between_places(matrix(4), 0.5, 0.5, c(3, 2)), matrix(4, 3, 2))
  grey <- matrix("#646464", 1, 2)
  expect_identical(as.vector(coloured_over(grey, matrix("#FF0000", 1, 2), matrix(0:1, 1))), c("#745A5A", "#E01414"))
  limit <- max(made_where()$values)
  plot <- autoplot(made_where())
  strongest <- ramp("band_ramp", 1)
  at <- arrayInd(which.max(made_where()$values), dim(made_where()$values))
  drawn_at <- drawn(plot)
  expect_identical(
    drawn_at$fill[as.integer(drawn_at$PANEL) == at[[1]] & drawn_at$x == at[[4]] & drawn_at$y == -at[[3]]], strongest
  )
  expect_equal(ggplot2::ggplot_build(plot)$plot$scales$get_scales("colour")$limits, c(0, limit))
})

test_that("of several inputs the first with pixels is shown", {
  value <- where_value()
  value$bands <- c("t", value$bands)
  value$wavelengths <- as.list(rep(NaN, 5))
  value$inputs <- as.list(c("weather", rep("image", 4)))
  value$band_axes <- array(c(1L, 3L, 3L, 3L, 3L))
  maps <- as_activation_maps(value)
  plot <- autoplot(maps, x = list(weather = matrix(0, 4, 1), image = where_x()))
  expect_identical(plot$data, autoplot(made_where(), x = where_x())$data)
  expect_identical(autoplot(maps, x = list(matrix(0, 4, 1), where_x()))$data, plot$data)
  expect_error(autoplot(maps, x = where_x()), "list of the images of the inputs")
})

test_that("what can't be drawn is refused", {
  expect_snapshot(error = TRUE, {
    autoplot(made_where(), 5)
    autoplot(made_where(), rep(1, 13))
    autoplot(made_where(), rgb = c("red", "green", "blue"))
    autoplot(made_where(), x = where_x(), rgb = c("red", "green"))
    autoplot(made_where(), x = where_x(3))
    autoplot(made_where(), x = where_x(bands = 3))
  })
})
