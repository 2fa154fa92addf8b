skip_without_rasters()

# 4 x 4 cells of 10 m; red counts up, nir is negative and twice as large.
scored_cells <- function() {
  scores <- terra::rast(nrows = 4, ncols = 4, nlyrs = 2, crs = "EPSG:32633", extent = terra::ext(0, 40, 0, 40))
  scores <- terra::setValues(scores, cbind(1:16, -2 * (1:16)))
  names(scores) <- c("red", "nir")
  scores
}

left_and_right <- function() {
  zones <- rbind(
    terra::as.polygons(terra::ext(0, 20, 20, 40), crs = "EPSG:32633"),
    terra::as.polygons(terra::ext(20, 40, 0, 40), crs = "EPSG:32633"),
    terra::as.polygons(terra::ext(1, 3, 1, 3), crs = "EPSG:32633")
  )
  terra::values(zones) <- data.frame(kind = c("wood", "field", "wood"))
  zones
}

test_that("zones have the means of the cells whose centre they hold", {
  skip_without_python()
  table <- zonal_importance(scored_cells(), left_and_right())
  left <- c(1, 2, 5, 6)
  right <- c(3, 4, 7, 8, 11, 12, 15, 16)
  expect_named(table, c("zone", "band", "wavelength", "importance", "effect", "share", "std_error", "n"))
  expect_identical(as.character(table$band), rep(c("red", "nir"), 3))
  expect_identical(table$zone, rep(1:3, each = 2))
  expect_equal(table$importance, c(mean(left), 2 * mean(left), mean(right), 2 * mean(right), NA, NA))
  expect_equal(table$effect, table$importance * c(1, -1))
  expect_equal(table$share, c(1, 2, 1, 2, NA, NA) / 3)
  expect_equal(table$std_error[1:4], c(sd(left) / 2 * 1:2, sd(right) / sqrt(8) * 1:2))
  expect_equal(table$n, c(4, 4, 8, 8, 0, 0))
  expect_true(all(is.na(table$wavelength)))
  known <- zonal_importance(scored_cells(), left_and_right(), wavelengths = c(665, NA))
  expect_equal(known$wavelength, rep(c(665, NA), 3))
  table$wavelength <- known$wavelength
  expect_identical(known, table)
  error <- expect_error(
    zonal_importance(scored_cells(), left_and_right(), wavelengths = 665), class = "bandlens_error_bands"
  )
  expect_match(conditionMessage(error$parent), "one entry per band", fixed = TRUE)
})

test_that("polygons of a kind are one zone, from sf and from a file, too", {
  skip_without_python()
  zones <- left_and_right()[1:2]
  zones$kind <- "all"
  found <- zonal_importance(scored_cells(), zones, by = "kind")
  expect_equal(found$zone, rep("all", 2))
  expect_equal(found$polygons, c(2, 2))
  cells <- list(c(1, 2, 5, 6), c(3, 4, 7, 8, 11, 12, 15, 16))
  off <- vapply(cells, function(own) sum(own) - length(own) * mean(unlist(cells)), 0)
  expect_equal(found$std_error, sqrt(2 * sum(off^2)) / 12 * 1:2)
  file <- withr::local_tempfile(fileext = ".geojson")
  terra::writeVector(zones, file, filetype = "GeoJSON", options = NULL)
  expect_equal(zonal_importance(scored_cells(), file, by = "kind"), found)
  expect_equal(zonal_importance(scored_cells(), sf::st_as_sf(zones), by = "kind"), found)
})

test_that("polygons come to the reference system of the scores", {
  skip_without_python()
  zones <- left_and_right()[2]
  expect_equal(
    zonal_importance(scored_cells(), terra::project(zones, "EPSG:4326")), zonal_importance(scored_cells(), zones)
  )
})

test_that("shares are within outputs, which have to be told from inputs", {
  skip_without_python()
  scores <- c(scored_cells(), 3 * scored_cells())
  names(scores) <- c("forest.red", "forest.nir", "water.red", "water.nir")
  zones <- left_and_right()[1]
  expect_error(zonal_importance(scores, zones), "outputs = c", class = "bandlens_error_option")
  dotted <- stats::setNames(scores, sub("forest", "bare.soil", names(scores)))
  expect_error(zonal_importance(dotted, zones), "bare.soil", class = "bandlens_error_option")
  table <- zonal_importance(scores, zones, outputs = c("forest", "water"))
  expect_identical(as.character(table$output), rep(c("forest", "water"), each = 2))
  expect_identical(levels(table$band), c("red", "nir"))
  expect_equal(table$share, rep(c(1, 2) / 3, 2))
  whole <- zonal_importance(scores, zones, outputs = character())
  expect_equal(whole$share, c(1, 2, 3, 6) / 12)
  expect_error(zonal_importance(scores, zones, outputs = c("water", "forest")), class = "bandlens_error_option")
})

test_that("what are no polygons on the scores is said", {
  scores <- scored_cells()
  expect_error(zonal_importance(scores, pixel_points(scores, 1, 1)), "points", class = "bandlens_error_locations")
  expect_error(zonal_importance(scores, left_and_right()[3]), "No cell", class = "bandlens_error_locations")
  far <- terra::shift(left_and_right()[1], dx = 1e4)
  expect_error(zonal_importance(scores, far), "No cell", class = "bandlens_error_locations")
  expect_error(zonal_importance(scores, left_and_right(), by = "sort"), "sort", class = "bandlens_error_locations")
  expect_error(zonal_importance(scores, 3), "polygons", class = "bandlens_error_locations")
  nowhere <- left_and_right()
  terra::crs(nowhere) <- ""
  expect_error(zonal_importance(scores, nowhere), "`zones`", class = "bandlens_error_locations")
})

test_that("a model that predicts numbers has no classes to draw", {
  skip_without_python()
  keras <- reticulate::import("keras")
  model <- keras$Sequential(list(keras$Input(list(3L, 3L, 3L)), keras$layers$Flatten(), keras$layers$Dense(1L)))
  expect_error(
    score_raster(model, small_scene() / 1000, prediction = TRUE, task = "regression", method = "gradient_x_input"),
    "predicts numbers", class = "bandlens_error_option"
  )
})
