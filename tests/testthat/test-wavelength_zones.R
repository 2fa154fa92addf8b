# Zones of bands: their tables, print-out and picture without Python, and what the core makes of images.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

planted <- function(sizes, n = 60) {
  withr::local_seed(1)
  zone <- rep(seq_along(sizes), sizes)
  hidden <- array(stats::rnorm(n * 9 * length(sizes)), c(n, 3, 3, length(sizes)))
  x <- hidden[, , , zone] + 0.3 * array(stats::rnorm(n * 9 * length(zone)), c(n, 3, 3, length(zone)))
  dimnames(x) <- list(NULL, NULL, NULL, paste0("b", seq_along(zone)))
  x
}

test_that("zones have tables of bands and of merges", {
  zones <- made_zones()
  table <- tidy(zones)
  expect_named(table, c("band", "wavelength", "zone", "name"))
  expect_identical(table$zone, c(1L, 1L, 2L, 3L, 3L, 3L))
  expect_identical(levels(table$name), paste("zone", 1:3))
  merges <- tidy(zones, "merge")
  expect_named(merges, c("step", "n_zones", "band_1", "band_2", "unshared"))
  expect_identical(merges$step, 1:5)
  expect_identical(glance(zones)$n_zones, 3L)
  expect_equal(glance(zones)$shared, 0.9)
  expect_identical(summary(zones)$n_bands, c(2L, 1L, 3L))
  expect_identical(as.data.frame(zones), as.data.frame(table))
  expect_false(holds_live_objects(zones))
  expect_snapshot(zones)
})

test_that("the picture has a tile for every two bands, and an outline for every zone", {
  plot <- autoplot(made_zones())
  expect_identical(nrow(drawn(plot, 1)), 36L)
  expect_equal(drawn(plot, 2)$xmin, c(0.5, 2.5, 3.5))
  expect_match(plot$labels$subtitle, "3 zones of neighbours, chosen from the images", fixed = TRUE)
  for (object in list(made_zones(known = FALSE), made_zones(rep(5, 40)), made_zones(1), made_zones(c(1, 1)))) {
    expect_no_warning(ggplot2::ggplotGrob(autoplot(object, width = 85)))
  }
  expect_picture("zones of six bands", plot)
  expect_s3_class(plot(made_zones()), "ggplot")
})

test_that("zones are groups", {
  expect_identical(as_groups(made_zones())[["zone 1"]], list("B1", "B2"))
  expect_identical(as_groups("auto"), "auto")
  expect_identical(as_groups("input"), "input")
})

test_that("zones are learnt, and groups share first in Owen values", {
  skip_without_python()
  x <- planted(c(2, 2))
  zones <- wavelength_zones(x, wavelengths = c(490, 560, 850, 900))
  expect_identical(zones$groups, list(`blue-green` = c("b1", "b2"), NIR = c("b3", "b4")))
  expect_identical(levels(wavelength_zones(x, n_zones = 1)$zone), "b1-b4")
  score <- function(x) cbind(rowMeans(x[, , , 1:3], dims = 1), rowMeans(x[, , , 2:4], dims = 1)^2)
  ask <- function(...) {
    band_importance(score, x[1:6, , , ], background = x, n_background = 8, target = "all", progress = FALSE, ...)
  }
  owen <- ask(method = "owen", groups = zones)
  expect_identical(owen$zone_bands, zones$groups)
  expect_identical(levels(tidy(owen)$band), paste0("b", 1:4))
  shapley <- ask(method = "shapley", groups = zones)
  groups <- tidy(owen, "group")
  expect_identical(levels(groups$band), names(zones$groups))
  expect_equal(groups$importance, tidy(shapley)$importance, tolerance = 1e-6)
  expect_identical(levels(tidy(ask(method = "occlusion", groups = "auto"))$band), c("b1-b2", "b3-b4"))
  expect_s3_class(autoplot(owen, "bars", level = "group"), "ggplot")
  expect_s3_class(autoplot(owen, "distribution", level = "group"), "ggplot")
  expect_error(tidy(shapley, "group"), "groups of bands that share first")
})

test_that("what is no number of zones is refused", {
  skip_without_python()
  expect_error(wavelength_zones(planted(c(1, 1)), n_zones = 3), class = "bandlens_error_option")
  expect_error(wavelength_zones(planted(c(1, 1)), n_zones = 0.5), class = "bandlens_error_option")
  expect_error(wavelength_zones(planted(c(1, 1)), zones = 2), class = "bandlens_error_option")
})
