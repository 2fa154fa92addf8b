# Scales of their own for weak classes, which the subtitle admits; single images: points without intervals.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

with_scales <- c("heatmap", "bars", "effect", "spectrum", "distribution")
nm <- c(650, 550, 480, 850)

# Made-up scores that fall by a factor of a hundred from class to class.
weak <- function(object = scored(wavelengths = nm, ...), ...) {
  weaker <- function(class) 100^(1 - as.integer(class))
  for (column in c("importance", "effect", "std_error", "conf_low", "conf_high")) {
    object$table[[column]] <- object$table[[column]] * weaker(object$table$class)
  }
  object$scores <- object$scores * weaker(object$image_class)
  object
}

note <- function(plot) gsub("\n", " ", plot$labels$subtitle)

# Upper ends of the axes of all panels.
ends <- function(plot, axis = "y") {
  vapply(ggplot2::ggplot_build(plot)$layout$panel_params, function(one) one[[axis]]$continuous_range[[2]], 0)
}

test_that("pictures on free scales stay as they are", {
  expect_picture("bars on free scales", autoplot(weak(), "bars", scales = "free"))
  expect_picture("heatmap on free scales", autoplot(weak(), scales = "free"))
  expect_picture("effect on free scales", autoplot(weak(), "effect", scales = "free"))
  expect_picture("spectrum on free scales", autoplot(weak(), "spectrum", scales = "free"))
  expect_picture("distribution on free scales", autoplot(weak(), "distribution", scales = "free"))
  all <- weak(all_outputs = TRUE)
  expect_picture("distribution of all outputs on free scales", autoplot(all, "distribution", scales = "free"))
})

test_that("free scales are admitted, and fixed ones not mentioned", {
  for (type in with_scales) {
    tiles <- type %in% c("heatmap", "effect")
    said <- if (tiles) "colours can't be compared between rows" else "scales differ between panels"
    expect_match(note(autoplot(weak(), type, scales = "free")), said, fixed = TRUE)
    expect_no_match(note(autoplot(weak(), type)), said, fixed = TRUE)
  }
  expect_snapshot(error = TRUE, {
    autoplot(weak(), "bars", scales = "free_y")
    autoplot(weak(), "ranks", scales = "free")
  })
})

test_that("no picture on free scales warns", {
  for (object in list(many_scored(4, 1), many_scored(60, 2), many_scored(13, 20), many_scored(200, 2), scored(n = 1))) {
    for (type in with_scales) {
      expect_no_warning(ggplot2::ggplotGrob(autoplot(object, type, scales = "free", width = 85)))
    }
  }
})

test_that("bars of weak classes fill their panels", {
  object <- weak()
  highest <- vapply(split(object$table$conf_high, object$table$class), max, 0)
  expect_equal(ends(autoplot(object, "bars", scales = "free")), unname(highest) * 1.06, tolerance = 0.01)
  expect_length(unique(ends(autoplot(object, "bars"))), 1)
  grid <- autoplot(weak(all_outputs = TRUE), "bars", scales = "free")
  expect_match(note(grid), "scales differ between rows of panels", fixed = TRUE)
  expect_length(unique(ends(grid)), 3)
})

test_that("spectra of weak classes have panels of their own, without the others", {
  object <- weak()
  plot <- autoplot(object, "spectrum", scales = "free")
  expect_identical(strips(plot), c("water (n = 5)", "forest (n = 8)", "city (n = 3)"))
  highest <- vapply(split(object$table$conf_high, object$table$class), max, 0)
  expect_equal(ends(plot), unname(highest) * 1.11, tolerance = 0.03)
  nine <- autoplot(many_scored(13, 9), "spectrum", scales = "free")
  expect_length(strips(nine), 9)
  colours <- unlist(lapply(seq_along(nine$layers)[-(1:2)], function(layer) unique(drawn(nine, layer)$colour)))
  expect_false(ink("missing") %in% colours)
  expect_no_match(note(nine), "grey")
  outputs <- autoplot(weak(all_outputs = TRUE), "spectrum", scales = "free")
  expect_identical(strips(outputs), c("logit of water", "logit of forest", "logit of city"))
})

test_that("points of weak classes fill their panels", {
  for (all in c(FALSE, TRUE)) {
    object <- weak(all_outputs = all)
    plot <- autoplot(object, "distribution", scales = "free")
    points <- drawn(plot, 2)
    code <- as.integer(object$image_class)
    k <- dim(object$scores)[[2]]
    for (panel in seq_len(3 * k)) {
      scores <- object$scores[code == (panel - 1) %/% k + 1, (panel - 1) %% k + 1, ]
      expect_equal(sort(points$x[points$PANEL == panel]), sort(as.vector(scores)))
      range <- ggplot2::ggplot_build(plot)$layout$panel_params[[panel]]$x.range
      expect_lt(diff(range), 1.2 * (max(scores, 0) - min(scores, 0)))
    }
  }
})

test_that("each row of tiles has its own full colour, and digits of its own", {
  object <- weak()
  for (type in c("heatmap", "effect")) {
    plot <- autoplot(object, type, scales = "free")
    values <- if (type == "heatmap") object$table$share else object$table$effect
    parts <- values / ave(abs(values), object$table$class, FUN = max)
    tiles <- drawn(plot)
    at <- match(
      paste(4 - as.integer(object$table$class), as.integer(object$table$band)), paste(tiles$y, tiles$x)
    )
    scale <- plot$scales$get_scales("fill")
    expect_identical(tiles$fill[at], scale$map(if (type == "heatmap") 100 * parts else parts))
    expect_match(plot$labels$fill, "largest in its row", fixed = TRUE)
  }
  city <- object$table$effect[object$table$class == "city"]
  expect_equal(
    max(abs(as.numeric(drawn(plot, 2)$label[drawn(plot, 2)$y == 1]))), max(abs(city)),
    tolerance = 0.05
  )
})

test_that("a class without effects keeps its row on free scales, one without shares its empty tiles", {
  object <- weak()
  object$table$effect[object$table$class == "forest"] <- 0
  expect_identical(sum(drawn(autoplot(object, "effect", scales = "free"), 2)$label == "0.0"), 4L)
  object$table$share[object$table$class == "forest"] <- NaN
  object$table$effect[object$table$class == "forest"] <- NaN
  for (type in c("heatmap", "effect")) {
    expect_identical(sum(drawn(autoplot(object, type, scales = "free"))$fill == ink("missing")), 4L)
  }
})

test_that("single images have points that nothing hides", {
  object <- scored(n = c(5, 1, 3))
  plot <- autoplot(object, "distribution")
  expect_identical(as.vector(table(drawn(plot, 2)$PANEL)), c(20L, 4L, 12L))
  expect_identical(as.vector(table(drawn(plot, 3)$PANEL)), c(4L, 0L, 4L))
  expect_length(autoplot(scored("water", n = 1), "distribution")$layers, 2)

  object <- scored(bands = paste0("b", 1:60), n = c(5, 1, 3), wavelengths = seq(400, 2400, length.out = 60))
  plot <- autoplot(object, "spectrum")
  expect_equal(drawn(plot, 5)$y, object$table$importance[object$table$class == "forest"])
  expect_match(note(plot), "shaded: 95 % interval over images, none from single images", fixed = TRUE)
})
