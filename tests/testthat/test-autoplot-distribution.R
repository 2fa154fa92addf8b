# The picture "distribution". It is drawn from plain results, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

test_that("pictures of distributions stay as they are", {
  expect_picture("distribution", autoplot(landsat_result(), "distribution"))
  expect_picture("distribution of 40 bands, one column", autoplot(many_scored(40, 4), "distribution", width = 85))
  expect_picture("distribution of all outputs", autoplot(scored(all_outputs = TRUE), "distribution"))
})

test_that("no distribution warns", {
  for (object in list(
    many_scored(4, 1), many_scored(13, 20), many_scored(200, 2), scored(n = 1), scored("water", n = 1),
    scored(n = c(5, 0, 3))
  )) {
    for (width in c(85, 175)) {
      expect_no_warning(ggplot2::ggplotGrob(autoplot(object, "distribution", width = width)))
    }
  }
})

test_that("a distribution has a point per image and band, and marks the means", {
  object <- scored()
  plot <- autoplot(object, "distribution")
  points <- drawn(plot, 2)
  expect_identical(points$x, tidy(object, "image")$score)
  expect_identical(round(points$y), 5 - as.double(tidy(object, "image")$band))
  expect_lte(max(abs(points$y - round(points$y))), half_width)
  expect_identical(strips(plot), c("water (n = 5)", "forest (n = 8)", "city (n = 3)"))
  expect_identical(rev(y_labels(plot)), rev(object$bands))
  marks <- drawn(plot, 3)
  expect_equal(marks$x, object$table$effect)
  expect_identical(marks$xend, marks$x)

  unsigned <- scored(signed = FALSE)
  expect_equal(drawn(autoplot(unsigned, "distribution"), 3)$x, unsigned$table$importance)
})

test_that("colours are the ranks of band means, or classes where those are unknown or tell nothing", {
  expect_equal(brightness(cbind(c(5, 1, 1), c(2, 3, 4))), cbind(c(1, 0.25, 0.25), c(0, 0.5, 1)))
  expect_identical(brightness(matrix(0, 3, 2)), matrix(NA_real_, 3, 2))
  object <- scored()
  expect_identical(autoplot(object, "distribution")$scales$get_scales("colour")$name, "Band mean of the image")
  object$band_means[[3]] <- NA
  points <- drawn(autoplot(object, "distribution"), 2)
  expect_identical(unique(points$colour), unname(palette_colours("class")[1:3]))
})

test_that("few of many images are drawn, and the subtitle says so", {
  object <- scored(n = c(600, 20, 30))
  plot <- autoplot(object, "distribution")
  expect_identical(as.vector(table(drawn(plot, 2)$PANEL)), c(1000L, 80L, 120L))
  expect_match(plot$labels$subtitle, "points: at most 250 images per class, drawn with seed 0", fixed = TRUE)
  other <- object
  other$seed <- 5L
  expect_false(setequal(drawn(plot, 2)$x, drawn(autoplot(other, "distribution"), 2)$x))
  expect_false(grepl("drawn", autoplot(scored(), "distribution")$labels$subtitle, fixed = TRUE))
})

test_that("of many bands those that matter most are shown", {
  object <- many_scored(40)
  plot <- autoplot(object, "distribution")
  best <- sort(order(-tapply(object$table$share, object$table$band, mean))[1:10])
  expect_identical(y_labels(plot), sprintf("%.0f", object$wavelengths[best]))
  expect_match(plot$labels$subtitle, "10 of 40 bands, those with the largest mean share", fixed = TRUE)
  expect_length(y_labels(autoplot(object, "distribution", top = 3)), 3)
  expect_length(y_labels(autoplot(many_scored(13), "distribution")), 13)
})

test_that("a distribution of all outputs is a grid", {
  points <- drawn(autoplot(scored(all_outputs = TRUE), "distribution"), 2)
  expect_identical(as.vector(table(points$PANEL)), rep(c(20L, 32L, 12L), each = 3))
})

test_that("a distribution needs scores of images", {
  object <- scored()
  object$method <- "permutation"
  object$scores[] <- NA
  object$drops <- array(0.5, c(2, 4, 4))
  expect_snapshot(error = TRUE, autoplot(object, "distribution"))
  expect_no_error(autoplot(object, "spectrum"))
  expect_no_error(autoplot(object, "ranks"))
})

test_that("places of points are those of Python", {
  cases <- utils::read.csv(test_path("..", "fixtures", "point_places.csv"))
  for (case in split(cases, cases$case)) {
    expect_equal(spread_out(case$value), case$place, tolerance = 1e-8)
    expect_identical(drawn_images(seq_len(nrow(case)), 4, 7), which(case$drawn == "yes"))
  }
})
