# The picture "ranks". It is drawn from plain results, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

test_that("pictures of ranks stay as they are", {
  expect_picture("ranks", autoplot(landsat_result(), "ranks"))
  expect_picture("ranks of 13 bands, one column", autoplot(
    scored(paste("land cover", 1:6), paste0("B", 1:13)), "ranks",
    width = 85
  ))
  expect_picture("ranks of 60 bands", autoplot(many_scored(60), "ranks"))
  expect_picture("ranks of all outputs", autoplot(scored(all_outputs = TRUE), "ranks"))
})

test_that("no picture of ranks warns", {
  for (object in list(many_scored(4, 1), many_scored(13, 20), many_scored(200, 2), scored(n = 1))) {
    for (width in c(85, 175)) {
      expect_no_warning(ggplot2::ggplotGrob(autoplot(object, "ranks", width = width)))
    }
  }
})

test_that("ranks name the bands of each class in order", {
  object <- scored()
  plot <- autoplot(object, "ranks")
  table <- object$table
  texts <- drawn(plot, 2)
  expect_identical(texts$x, as.double(table$rank))
  expect_identical(as.integer(texts$y), 4L - as.integer(table$class))
  expect_identical(texts$label, sprintf("%s\n%.0f %%", table$band, 100 * table$share))
  expect_identical(drawn(plot)$fill, rep(unname(band_colours(object$bands)), 3))
  expect_gt(min(contrast(texts$colour, drawn(plot)$fill)), 4)
  expect_identical(y_labels(plot), rev(object$classes))
})

test_that("ranks of many bands are the first by wavelength, with a key to the colours", {
  object <- many_scored(200)
  plot <- autoplot(object, "ranks", values = FALSE)
  first <- object$table[object$table$rank <= 10, ]
  expect_identical(drawn(plot, 2)$label, sprintf("%.0f", first$wavelength))
  expect_match(plot$labels$subtitle, "first 10 of 200 bands", fixed = TRUE)
  scale <- plot$scales$get_scales("fill")
  expect_identical(scale$name, "Wavelength (nm)")
  expect_identical(scale$labels, as.character(seq(500, 2250, by = 250)))
})

test_that("there are as many ranks as fit, or as the user wants", {
  ranks <- function(object, ...) max(drawn(autoplot(object, "ranks", ...))$x)
  expect_identical(ranks(many_scored(13)), 13)
  expect_identical(ranks(many_scored(13), width = 85), 6)
  expect_identical(ranks(many_scored(13), top = 3), 3)
  expect_identical(ranks(many_scored(4), top = 9), 4)
})

test_that("shares are printed where they fit", {
  prints <- function(object, ...) grepl("%", drawn(autoplot(object, "ranks", ...), 2)$label[[1]], fixed = TRUE)
  bands <- paste0("B", 1:20)
  expect_true(prints(scored(bands = bands[1:4])))
  expect_false(prints(scored(bands = bands), width = 85))
  expect_true(prints(scored(bands = bands), width = 85, values = TRUE))
  expect_false(prints(scored(), values = FALSE))
})

test_that("a class without importance has no ranks", {
  object <- scored()
  object$table$share[object$table$class == "forest"] <- NA
  expect_identical(nrow(drawn(autoplot(object, "ranks"), 2)), 8L)
})

test_that("ranks of all outputs are facets", {
  expect_identical(
    strips(autoplot(scored(all_outputs = TRUE), "ranks")),
    c("logit of water", "logit of forest", "logit of city")
  )
})
