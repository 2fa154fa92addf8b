# Patches around points and inside polygons.

test_that("a patch lies around the pixel of its point", {
  skip_without_rasters()
  scene <- small_scene()
  points <- pixel_points(scene, row = c(4, 8), col = c(6, 2))
  odd <- extract_patches(scene, points, 3)
  expect_equal(odd$x[, 2, 2, "blue"], c(1406, 1802))
  expect_equal(unname(odd$x[1, , , "red"]), outer(100 * 3:5, 5:7, "+") + 3000)
  # its centre is that of the pixel
  expect_equal(as.matrix(odd$places[c("x", "y")]), terra::crds(points), ignore_attr = TRUE)
  even <- extract_patches(scene, points[1], 4)
  expect_equal(even$x[, 2, 2, "blue"], 1406, ignore_attr = TRUE)
  expect_equal(even$places$x, terra::xFromCol(scene, 6) + 5)
  expect_equal(even$places$y, terra::yFromRow(scene, 4) - 10)
  expect_equal(even$places[c("row", "col")], tibble::tibble(row = 3L, col = 5L))
})

test_that("patches are plain, labelled data, with the bands' names", {
  skip_without_rasters()
  scene <- small_scene()
  patches <- extract_patches(scene, pixel_points(scene, 2:5, 2:5), 3, wavelengths = c(480, NA, 660))
  expect_s3_class(patches, "band_patches", exact = TRUE)
  expect_named(patches, c("x", "y", "wavelengths", "places", "crs", "resolution", "dropped"))
  expect_identical(patches$y, factor(c("water", "forest", "water", "forest")))
  expect_identical(patches$wavelengths, c(480, NA, 660))
  expect_identical(dimnames(patches$x), list(NULL, NULL, NULL, bands[1:3]))
  expect_identical(patches$crs, terra::crs(scene))
  expect_identical(patches$resolution, c(10, 20))
  expect_false(holds_live_objects(patches))
  expect_snapshot({
    patches
    summary(patches)
  })
  unlabelled <- extract_patches(scene, pixel_points(scene, 2:5, 2:5), 3, label = NULL)
  expect_null(unlabelled$y)
  expect_identical(unlabelled$wavelengths, rep(NA_real_, 3))
  expect_snapshot({
    unlabelled
    summary(unlabelled)
  })
})

test_that("the Landsat scene gives the same patches from terra, stars and a file's proxy", {
  skip_without_rasters()
  scene <- terra::rast(landsat_scene())
  points <- pixel_points(scene, c(200, 10, 341), c(100, 40, 300), c("a", "b", "a"))
  patches <- extract_patches(scene, points, 9)
  for (i in 1:3) {
    place <- patches$places[i, ]
    half <- 4.5 * terra::res(scene)
    window <- terra::ext(place$x - half[[1]], place$x + half[[1]], place$y - half[[2]], place$y + half[[2]])
    expected <- terra::as.array(terra::crop(scene, window))
    expect_equal(unname(patches$x[i, , , ]), expected, ignore_attr = TRUE)
  }
  given <- sf::st_as_sf(points)
  for (other in list(stars::read_stars(landsat_scene()), stars::read_stars(landsat_scene(), proxy = TRUE))) {
    again <- extract_patches(other, given, 9)
    expect_identical(unname(again$x), unname(patches$x))
    expect_equal(again$places, patches$places)
    expect_identical(again$y, patches$y)
  }
})

test_that("locations in another reference system are reprojected, and that is said", {
  skip_without_rasters()
  scene <- terra::rast(landsat_scene())
  points <- pixel_points(scene, c(200, 10), c(100, 40))
  there <- terra::project(points, "EPSG:4326")
  expect_snapshot(cat(message_of(patches <- extract_patches(scene, there, 5))))
  expect_identical(patches$x, extract_patches(scene, points, 5)$x)
  expect_message(extract_patches(scene, sf::st_as_sf(there), 5), class = "bandlens_message_reprojected")
  # the same system in other words
  expect_silent(extract_patches(stars::read_stars(landsat_scene()), points, 5))
})

test_that("what can't be placed is named", {
  skip_without_rasters()
  said <- function(...) cat(conditionMessage(error_of(extract_patches(...))), "\n")
  scene <- small_scene()
  points <- pixel_points(scene, 4:5, 4:5)
  nowhere <- points
  terra::crs(nowhere) <- ""
  lost <- scene
  terra::crs(lost) <- ""
  unlabelled <- pixel_points(scene, 4:5, 4:5, c("a", NA))
  lines <- terra::vect("LINESTRING (500000 5000000, 500010 5000010)", crs = terra::crs(scene))
  expect_snapshot({
    said(scene, nowhere, 3)
    said(lost, points, 3)
    said(scene, iris, 3)
    said(scene, lines, 3, label = NULL)
    said(scene, points[0], 3)
    said(scene, points, 3, label = "class")
    said(scene, sf::st_geometry(sf::st_as_sf(points)), 3)
    said(scene, unlabelled, 3)
    said(scene, points, 3, classes = c("water", "city"))
    said(scene, points, 10)
    said(scene, points, 0)
    said(scene, points, 3, wavelengths = 480)
  })
  expect_error(extract_patches(scene, nowhere, 3), class = "bandlens_error_locations")
  expect_error(extract_patches(scene, points, 3, lable = "class"), "Did you mean \"label\"?", fixed = TRUE)
})

test_that("patches over the edge or with missing values are an error, or dropped and counted", {
  skip_without_rasters()
  scene <- small_scene()
  scene[["green"]][terra::cellFromRowCol(scene, 5, 6)] <- NA
  points <- pixel_points(scene, row = c(1, 4, 4, 8, 9), col = c(5, 3, 7, 10, 11))
  outside <- rbind(points, terra::shift(points[1], dx = 1e4))
  said <- function(...) cat(conditionMessage(error_of(extract_patches(...))), "\n")
  expect_snapshot({
    said(scene, outside, 3)
    said(scene, points[3], 3)
    said(scene, points[c(1, 3, 5)], 3, on_missing = "drop")
    cat(message_of(patches <- extract_patches(scene, outside, 3, on_missing = "drop")))
    patches
  })
  expect_identical(patches$places$location, c(2L, 4L))
  expect_equal(patches$x[, 2, 2, "blue"], c(1403, 1810))
  expect_identical(as.character(patches$y), c("forest", "forest"))
  expect_identical(levels(patches$y), c("forest", "water"))
  expect_identical(patches$dropped, c(edge = 3L, missing = 1L, empty = 0L))
})

test_that("levels are the classes in the order of the model, if they are given", {
  skip_without_rasters()
  scene <- small_scene()
  points <- sf::st_as_sf(pixel_points(scene, 2:4, 2:4, factor(c("b", "a", "b"), levels = c("c", "b", "a"))))
  expect_identical(levels(extract_patches(scene, points, 3)$y), c("c", "b", "a"))
  expect_identical(
    extract_patches(scene, points, 3, classes = c("a", "d", "b"))$y,
    factor(c("b", "a", "b"), levels = c("a", "d", "b"))
  )
  points$number <- c(3, 1, 1)
  expect_identical(extract_patches(scene, points, 3, label = "number")$y, factor(c(3, 1, 1)))
})

test_that("several points of one location are several patches", {
  skip_without_rasters()
  scene <- small_scene()
  both <- terra::aggregate(pixel_points(scene, c(3, 6), c(3, 6), "water"))
  both$label <- "water"
  expect_equal(nrow(both), 1)
  patches <- extract_patches(scene, both, 3)
  expect_identical(patches$places$location, c(1L, 1L))
  expect_equal(patches$x[, 2, 2, 1], c(1303, 1606))
  expect_identical(patches$y, factor(c("water", "water")))
})

test_that("patches on a grid tile a polygon, and those of neighbours don't overlap", {
  skip_without_rasters()
  scene <- small_scene(12, 12)
  # rows 2 to 10 and columns 1 to 8: of the tiles of 3 x 3, rows 4 and 7, columns 1 and 4 fit as a whole
  box <- pixel_box(scene, c(2, 10), c(1, 8))
  patches <- extract_patches(scene, box, 3)
  expect_equal(patches$places$row, c(4, 4, 7, 7))
  expect_equal(patches$places$col, c(1, 4, 1, 4))
  # with their middles inside, also those that reach over it
  centres <- extract_patches(scene, box, 3, inside = "centre")
  expect_equal(centres$places$row, rep(c(1, 4, 7), each = 3))
  expect_equal(centres$places$col, rep(c(1, 4, 7), times = 3))
  # the other half of the scene; the tile between the two belongs to neither as a whole
  two <- extract_patches(scene, rbind(box, pixel_box(scene, c(2, 10), c(9, 12), "forest")), 3)
  expect_equal(two$places$col, c(1, 4, 1, 4, 10, 10))
  expect_identical(as.character(two$y), rep(c("water", "forest"), c(4, 2)))
  spaced <- extract_patches(scene, pixel_box(scene, c(1, 12), c(1, 12)), 3, spacing = 9)
  expect_equal(spaced$places$row, c(1, 1, 10, 10))
})

test_that("holes and slanted edges count", {
  skip_without_rasters()
  scene <- small_scene(12, 12)
  whole <- pixel_box(scene, c(1, 12), c(1, 12))
  hole <- terra::erase(whole, pixel_box(scene, c(5, 5), c(5, 5)))
  places <- extract_patches(scene, hole, 3)$places
  expect_equal(nrow(places), 15)
  expect_false(any(places$row == 4 & places$col == 4))
  # a triangle of the upper left half
  corner <- terra::vect(
    "POLYGON ((500000 5000240, 500120 5000240, 500000 5000000, 500000 5000240))", crs = terra::crs(scene)
  )
  places <- extract_patches(scene, corner, 3, label = NULL)$places
  expect_equal(places$row, c(1, 1, 1, 4, 4, 7))
  expect_equal(places$col, c(1, 4, 7, 1, 4, 1))
})

test_that("random patches are different places inside, and repeatable", {
  skip_without_rasters()
  scene <- small_scene(30, 30)
  boxes <- rbind(pixel_box(scene, c(2, 20), c(3, 14)), pixel_box(scene, c(5, 30), c(20, 30), "forest"))
  draw <- function(...) extract_patches(scene, boxes, 4, placement = "random", n = 25, ...)
  patches <- draw()
  expect_identical(as.vector(table(patches$y)), c(25L, 25L))
  expect_equal(anyDuplicated(patches$places), 0)
  first <- patches$places[patches$places$location == 1, ]
  expect_true(all(first$row >= 2 & first$row + 3 <= 20 & first$col >= 3 & first$col + 3 <= 14))
  expect_identical(draw()$places, patches$places)
  expect_false(identical(draw(seed = 1)$places, patches$places))
  # a patch may cross the polygon's edge, but never the scene's
  centres <- draw(inside = "centre")$places
  expect_true(all(centres$row >= 1 & centres$row + 3 <= 30 & centres$col + 3 <= 30))
  # 5 x 4 places and no more
  small <- pixel_box(scene, c(2, 9), c(3, 9))
  expect_snapshot(cat(message_of(all <- extract_patches(scene, small, 4, placement = "random", n = 25))))
  expect_equal(nrow(all$places), 20)
  expect_setequal(paste(all$places$row, all$places$col), paste(rep(2:6, each = 4), 3:6))
})

test_that("polygons without room for a patch are an error, or dropped and counted", {
  skip_without_rasters()
  scene <- small_scene()
  boxes <- rbind(pixel_box(scene, c(1, 6), c(1, 6)), pixel_box(scene, c(2, 3), c(2, 3)))
  far <- terra::shift(boxes[1], dx = 1e5)
  said <- function(...) cat(conditionMessage(error_of(extract_patches(scene, ...))), "\n")
  expect_snapshot({
    said(boxes, 3)
    said(rbind(boxes[1], far), 3, placement = "random", n = 1)
    said(far, 3, on_missing = "drop")
    cat(message_of(patches <- extract_patches(scene, boxes, 3, on_missing = "drop")))
  })
  expect_identical(patches$dropped, c(edge = 0L, missing = 0L, empty = 1L))
})

# ---- Data frames and several scenes ----------------------------------------------------------------------------------

test_that("a data frame of coordinates is points", {
  skip_without_rasters()
  scene <- small_scene()
  points <- pixel_points(scene, c(4, 5, 6), c(4, 6, 8), c("water", "forest", "water"))
  frame <- data.frame(name = letters[1:3], terra::crds(points), label = factor(points$label, c("water", "forest")))
  patches <- extract_patches(scene, points, 3, classes = c("water", "forest"))
  expect_identical(extract_patches(scene, frame, 3), patches)
  expect_identical(extract_patches(scene, tibble::as_tibble(frame), 3), patches)
  expect_null(extract_patches(scene, frame[c("x", "y")], 3, label = NULL)$y)
  degrees <- data.frame(terra::crds(terra::project(points, "EPSG:4326")), label = frame$label)
  names(degrees)[1:2] <- c("Longitude", "Latitude")
  expect_message(found <- extract_patches(scene, degrees, 3), "Reprojecting")
  expect_identical(found$x, patches$x)
  nowhere <- scene
  terra::crs(nowhere) <- ""
  expect_identical(extract_patches(nowhere, frame, 3)$x, patches$x) # coordinates of the scene need no system
  expect_error(suppressMessages(extract_patches(nowhere, degrees, 3)), class = "bandlens_error_locations")
})

test_that("data frames that hold no places are named", {
  skip_without_rasters()
  said <- function(...) cat(conditionMessage(error_of(extract_patches(small_scene(), ..., size = 3))), "\n")
  expect_snapshot({
    said(data.frame(east = 1, north = 2))
    said(data.frame(x = 1, y = 2, lon = 3, lat = 4))
    said(data.frame(x = c(500050, NA, Inf), y = 5000050, label = "a"))
    said(data.frame(x = "500050", y = "5000050", label = "a"))
    said(data.frame(lon = c(15, 52), lat = c(0, 145), label = "a"))
    said(data.frame(x = numeric(), y = numeric(), label = character()))
    said(data.frame(x = 500050, y = 5000050))
  })
})

test_that("patches of several scenes are in one array", {
  skip_without_rasters()
  scene <- small_scene()
  here <- pixel_points(scene, 4:5, 4:5, c("water", "forest"))
  there <- pixel_points(scene, 6:8, 6:8, c("city", "water", "city"))
  both <- extract_patches(list(one = scene, two = 2 * scene), list(here, there), 3, wavelengths = c(480, 560, 660))
  parts <- list(extract_patches(scene, here, 3), extract_patches(2 * scene, there, 3))
  expect_identical(both$x[1:2, , , ], parts[[1]]$x[, , , ])
  expect_identical(both$x[3:5, , , ], parts[[2]]$x[, , , ])
  expect_identical(dimnames(both$x)[[4]], bands[1:3])
  expect_identical(as.character(both$y), c("water", "forest", "city", "water", "city"))
  expect_identical(both$places$raster, rep(c("one", "two"), 2:3))
  expect_identical(both$places$location, c(1:2, 1:3))
  expect_named(both$crs, c("one", "two"))
  expect_identical(both$wavelengths, c(480, 560, 660))
  expect_identical(names(unclass(both)), names(unclass(parts[[1]])))
  same <- extract_patches(list(scene, scene), here, 3)
  expect_identical(same$places$raster, rep(1:2, each = 2))
  expect_identical(nrow(summary(same)), 2L)
  expect_error(
    extract_patches(list(scene, scene[[3:1]]), here, 3), "its layers in another order",
    class = "bandlens_error_bands"
  )
  expect_error(
    extract_patches(list(scene, small_scene(n_bands = 2)), here, 3), "Raster 2 has other layers",
    class = "bandlens_error_bands"
  )
  expect_error(
    extract_patches(list(scene, scene), list(here, there, here), 3), "one for all rasters",
    class = "bandlens_error_locations"
  )
})

test_that("patches are those that Python is held to", {
  skip_without_rasters()
  fixture <- utils::read.csv(test_path("..", "fixtures", "scene_patches.csv"))
  scene <- small_scene(20, 24)
  shapes <- function(texts, labels) {
    found <- terra::vect(texts, crs = "EPSG:32633")
    found$label <- labels
    found
  }
  polygons <- shapes(c(
    "POLYGON ((500013 5000355, 500121 5000331, 500094 5000185, 500031 5000190, 500013 5000355))",
    paste(
      "POLYGON ((500130 5000300, 500230 5000300, 500230 5000040, 500130 5000040, 500130 5000300),",
      "(500160 5000240, 500160 5000160, 500190 5000160, 500190 5000240, 500160 5000240))"
    )
  ), c("a", "b"))
  points <- shapes(
    c("POINT (500045 5000290)", "POINT (500200 5000190)", "POINT (500085.5 5000321)"), c("a", "b", "a")
  )
  found <- list(
    points_3 = extract_patches(scene, points, 3),
    points_4 = extract_patches(scene, points, 4),
    patch_3 = extract_patches(scene, polygons, 3),
    centre_3 = extract_patches(scene, polygons, 3, inside = "centre"),
    centre_4_by_2 = extract_patches(scene, polygons, 4, spacing = 2, inside = "centre"),
    patch_2_by_1 = extract_patches(scene, polygons, 2, spacing = 1)
  )
  expect_setequal(fixture$kind, names(found))
  for (kind in names(found)) {
    own <- fixture[fixture$kind == kind, ]
    places <- found[[kind]]$places
    columns <- c("location", "row", "col", "x", "y")
    expect_equal(as.data.frame(places[columns]), own[columns], ignore_attr = TRUE)
    expect_identical(as.character(found[[kind]]$y), own$label)
    expect_equal(as.vector(found[[kind]]$x[, 1, 1, 1]), own$first)
  }
})
