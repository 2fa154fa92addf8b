# Pictures of several inputs and of a time axis: which cell is where, and what the types say that don't suit.

test_that("steps last from midway to midway, at their dates", {
  spans <- step_spans(timed())
  expect_identical(spans$left[1:2], as.Date(c("2024-03-17", "2024-04-16")))
  expect_identical(spans$right[1:2], spans$left[2:3])
  expect_equal(spans$right[[3]], as.Date("2024-06-30"))
  numbers <- step_spans(timed(c("10", "1", "4"), "number")) # not in order
  expect_equal(numbers$left[1:3], c(7, -0.5, 2.5))
  expect_equal(numbers$right[1:3], c(13, 2.5, 7))
  expect_identical(step_places(timed(c("sowing", "harvest"), "name")), c(1, 2, 1, 2))
  whole <- step_spans(fused(c("1", "2"), "number"))
  expect_identical(c(utils::tail(whole$left, 1), utils::tail(whole$right, 1)), c(0.5, 2.5))
  expect_equal(unlist(step_spans(timed("5", "number"))), c(left1 = 4.5, left2 = 4.5, right1 = 5.5, right2 = 5.5))
  hours <- timed(c("2024-04-01T06:30:00", "2024-04-01T18:30:00"))
  expect_equal(step_spans(hours)$right[[1]], as.POSIXct("2024-04-01 12:30", tz = "UTC"))
  expect_identical(labelled_steps(0:4, 0.4), c(1L, 3L, 5L))
  expect_identical(labelled_steps(c(0, 1, 2, 9, 10), 0.15), c(1L, 3L, 4L))
  expect_identical(labelled_steps(3, 0.5), 1L)
})

test_that("a result with a time axis is drawn as band x time tiles by default", {
  result <- timed(n = 6)
  plot <- autoplot(result)
  expect_picture("time tiles", plot)
  tiles <- drawn(plot)
  expect_identical(nrow(tiles), 18L)
  expect_equal(tiles$ymin[1:6], rep(c(-0.5, -1.5), each = 3))
  expect_equal(plot$data$value[1:6], 100 * tidy(result)$share[1:6])
  expect_identical(y_labels(plot), c("NDVI", "red"))
  expect_match(plot$labels$subtitle, "each panel adds up to 100 %", fixed = TRUE)
  free <- autoplot(result, scales = "free")
  expect_match(free$labels$subtitle, "between panels")
  expect_equal(as.vector(tapply(free$data$value, free$data$class, max)), c(100, 100, 100))
  expect_error(autoplot(result, values = TRUE), "no room for values", class = "bandlens_error_option")
  expect_picture("effects over time of all outputs", autoplot(timed(n = 6, all_outputs = TRUE), "effect", width = 85))
})

test_that("rows of inputs stand apart, and those without steps are whole", {
  plot <- autoplot(fused(dates, "date", n = 6))
  expect_picture("time tiles of three inputs", plot)
  rows <- unique(plot$data$low)
  expect_equal(rows, c(-0.5, -1.5, -3, -4, -5.5))
  slope <- plot$data[plot$data$input == "terrain", ]
  expect_true(all(slope$left == min(plot$data$left) & slope$right == max(plot$data$right)))
  expect_match(plot$labels$subtitle, "bands without steps")
})

test_that("curves have a line per class with its interval, and a panel per band", {
  result <- timed(n = 6)
  plot <- autoplot(result, "curves")
  expect_picture("curves along time", plot)
  water <- plot$data[plot$data$class == "water" & plot$data$panel == "red", ]
  expect_equal(water$importance, tidy(result)$importance[4:6])
  expect_identical(water$place, as.Date(dates))
  many <- timed(bands = paste0("B", 0:11), n = 6)
  panels <- function(...) levels(autoplot(many, "curves", ...)$data$panel)
  expect_length(panels(), 6)
  expect_identical(panels(bands = c("B3", "B0")), c("B0", "B3"))
  shares <- tapply(tidy(many)$share, tidy(many)$band, sum)
  expect_identical(panels(top = 1), names(which.max(shares)))
  sums <- autoplot(result, "curves", level = "time")
  expect_equal(sums$data$importance, tidy(result, "time")$importance)
  several <- autoplot(fused(dates, "date", n = 6), "curves")
  expect_match(several$labels$subtitle, "without steps, so not here: terrain: slope")
  expect_silent(ggplot2::ggplotGrob(autoplot(timed("2024-05-01", n = 6), "curves")))
  expect_silent(ggplot2::ggplotGrob(autoplot(timed(c("a", "b"), "name", all_outputs = TRUE, n = 6), "curves")))
})

test_that("inputs have panels as wide as their bands, and other types call bands by them", {
  result <- fused(n = 6)
  plot <- autoplot(result)
  expect_picture("heatmap of three inputs", plot)
  expect_identical(as.vector(table(drawn(plot)$PANEL)), c(6L, 6L, 3L))
  expect_identical(strips(autoplot(result, "bars"))[[1]], "water (n = 6)")
  names <- c("optical: blue", "optical: nir", "sar: VV", "sar: blue", "terrain: slope")
  expect_identical(levels(autoplot(result, "bars")$data$band), names)
  for (type in c("effect", "spectrum", "ranks", "distribution", "dependence")) {
    expect_silent(ggplot2::ggplotGrob(autoplot(result, type)))
  }
  for (type in c("ranks", "distribution", "dependence")) {
    expect_silent(ggplot2::ggplotGrob(autoplot(fused(dates, "date", n = 6), type)))
  }
  expect_silent(ggplot2::ggplotGrob(autoplot(fused(all_outputs = TRUE, n = 6))))
  figure <- figure_of(cells_in_words(result), "heatmap", FALSE)
  expect_match(figure$data[[1]]$text[[3]][[3]], "band: sar: VV", fixed = TRUE)
})

test_that("sums are drawn by what shows them", {
  result <- fused(dates, "date", n = 6)
  for (level in c("band", "time", "input")) {
    types <- c("heatmap", "effect", "bars", "ranks", switch(level, band = "spectrum", time = "curves"))
    for (type in types) {
      plot <- autoplot(result, type, level = level)
      expect_match(plot$labels$subtitle, "; scores summed over", fixed = TRUE)
    }
    for (type in setdiff(c("spectrum", "dependence", "curves"), c(types, if (level == "band") "dependence"))) {
      expect_error(autoplot(result, type, level = level), "does not show these sums", class = "bandlens_error_option")
    }
  }
  bars <- autoplot(result, "bars", level = "input")
  expect_picture("bars of inputs", bars)
  expect_identical(bars$labels$title, "Importance of each input by class")
  expect_identical(ggplot2::ggplot_build(bars)$plot$labels$x, "Input")
  expect_equal(bars$data$importance, tidy(result, "input")$importance)
  expect_identical(autoplot(result, "ranks", level = "time")$labels$title, "Steps in order of importance, by class")
  expect_identical(levels(autoplot(result, "bars", level = "time")$data$band)[[1]], paste("optical at", dates[[1]]))
})

test_that("scores of images are summed by the core", {
  skip_without_python()
  result <- landsat_result()
  result$bands <- c("a", "a", "b", "b")
  result$times <- rep(dates[1:2], 2)
  result$time_kind <- "date"
  result <- result[seq_along(result$image_class)]
  plot <- autoplot(result, "waterfall", level = "band")
  expect_identical(nrow(plot$data), 2L)
  expect_identical(levels(autoplot(result, "distribution", level = "time")$data$band), dates[1:2])
})

test_that("types that don't suit say so", {
  for (type in c("bars", "spectrum")) {
    found <- error_of(autoplot(timed(), type))
    expect_s3_class(found, "bandlens_error_option")
    expect_match(found$parent$message, "has bands at steps")
    expect_match(found$parent$expected, "level = \"band\"", fixed = TRUE)
  }
  expect_error(autoplot(fused(), "curves"), "needs a time axis", class = "bandlens_error_option")
  expect_error(autoplot(stored_result(), level = "time"), "has not a time axis", class = "bandlens_error_option")
  expect_error(autoplot(timed(), level = "class"), "not among those allowed", class = "bandlens_error_option")
})
