# Scenes of terra and stars, and reading windows of them.

test_that("a stars object is the scene that terra reads from its file, whatever holds its bands", {
  skip_without_rasters()
  scene <- terra::rast(landsat_scene())
  read <- stars::read_stars(landsat_scene())
  split <- split(read)
  names(split) <- paste("band", letters[1:6])
  for (given in list(read, split, merge(split), stars::read_stars(landsat_scene(), proxy = TRUE))) {
    found <- as_scene(given)
    expect_true(same_crs(found, scene))
    expect_identical(as.vector(terra::ext(found)), as.vector(terra::ext(scene)))
    expect_identical(terra::values(found), terra::values(scene), ignore_attr = TRUE)
  }
  expect_named(as_scene(read), paste0("band", 1:6))
  expect_named(as_scene(split), paste("band", letters[1:6]))
  expect_named(as_scene(merge(split)), paste("band", letters[1:6]))
  expect_false(terra::inMemory(as_scene(stars::read_stars(landsat_scene(), proxy = TRUE))))
})

test_that("a part of a stars object lies where it lies", {
  skip_without_rasters()
  scene <- terra::rast(landsat_scene())
  part <- as_scene(stars::read_stars(landsat_scene())[, 10:100, 20:80])
  expect_equal(dim(part), c(61, 91, 6))
  expect_identical(terra::values(part), terra::values(terra::crop(scene, part)), ignore_attr = TRUE)
  expect_equal(as.vector(terra::ext(part)), as.vector(terra::ext(terra::crop(scene, part))))
})

test_that("what is no regular stack of bands is refused", {
  skip_without_rasters()
  said <- function(raster) cat(conditionMessage(error_of(in_verb("do it", as_scene(raster)))), "\n")
  file <- landsat_scene()
  upside_down <- stars::st_as_stars(matrix(1:6, 2))
  expect_snapshot({
    said(1:3)
    said(terra::rast())
    said(stars::read_stars(file, proxy = TRUE)[, 1:10, 1:10])
    said(aperm(stars::read_stars(file), c(3, 1, 2)))
    said(upside_down)
  })
})

test_that("packages that are missing are named, with what installs them", {
  said <- function(packages) cat(conditionMessage(error_of(in_verb("do it", needs_packages(packages, "raster")))), "\n")
  expect_silent(needs_packages("stats", "raster"))
  expect_snapshot({
    said("nosuchpackage")
    said(c("nosuchpackage", "stats", "nosuchother"))
  })
})

test_that("patches are what lies in the scene, however they are read", {
  skip_without_rasters()
  scene <- small_scene()
  top <- c(5, 1, 1, 7, 2, 5)
  left <- c(1, 9, 1, 9, 3, 1)
  patches <- read_patches(scene, top, left, 3)
  expect_equal(dim(patches), c(6, 3, 3, 3))
  expect_identical(dimnames(patches)[[4]], bands[1:3])
  for (i in seq_along(top)) {
    expected <- outer(outer(100 * (top[[i]] + 0:2), left[[i]] + 0:2, "+"), 1000 * (1:3), "+")
    expect_equal(unname(patches[i, , , ]), expected)
  }
  withr::local_options(bandlens.block_values = 1)
  expect_identical(read_patches(scene, top, left, 3), patches)
  expect_equal(dim(read_patches(scene, numeric(), numeric(), 3)), c(0, 3, 3, 3))
})

test_that("windows that are read are bounded, and sparse patches are read one by one", {
  withr::local_seed(1)
  withr::local_options(bandlens.block_values = 4e4)
  top <- sample(1e4, 500, replace = TRUE)
  left <- sample(200, 500, replace = TRUE)
  groups <- near_each_other(top, left, 9, 4)
  expect_setequal(unlist(groups), 1:500)
  expect_equal(anyDuplicated(unlist(groups)), 0)
  side <- vapply(groups, function(group) max(diff(range(top[group])), diff(range(left[group]))), 0)
  expect_lte(max(side), 50)
  expect_identical(near_each_other(c(1, 40), c(1, 40), 3, 4), list(1L, 2L))
  expect_identical(near_each_other(c(1, 2), c(1, 3), 3, 4), list(1:2))
})

test_that("draws have a seed of their own", {
  withr::local_seed(1, .rng_kind = "Wichmann-Hill")
  before <- .Random.seed
  drawn <- with_seed(3, stats::runif(2))
  expect_identical(.Random.seed, before)
  expect_identical(RNGkind()[[1]], "Wichmann-Hill")
  withr::local_seed(-3, .rng_kind = "Mersenne-Twister", .rng_normal_kind = "Inversion", .rng_sample_kind = "Rejection")
  expect_identical(drawn, stats::runif(2))
})

test_that("rasters are no arrays of images", {
  skip_without_rasters()
  said <- function(...) cat(conditionMessage(error_of(band_importance("model.keras", ...))), "\n")
  scene <- small_scene()
  expect_snapshot({
    said(scene)
    said(stars::read_stars(landsat_scene()))
    said(images(), background = scene)
  })
})

test_that("files are scenes, one after the other if there are several", {
  skip_without_rasters()
  withr::local_dir(withr::local_tempdir())
  scene <- small_scene()
  terra::writeRaster(scene, "scene.tif")
  terra::writeRaster(scene[[3]], "red.tif")
  expect_identical(terra::values(as_scene("scene.tif")), terra::values(scene))
  expect_false(any(terra::inMemory(as_scene("scene.tif"))))
  expect_named(as_scene(c("red.tif", "scene.tif")), bands[c(3, 1:3)])
  expect_identical(terra::values(as_scene(c("red.tif", "scene.tif"))[[1]]), terra::values(scene)[, 3, drop = FALSE])
  writeLines("text", "text.tif")
  terra::writeRaster(small_scene(5, 5), "other.tif")
  said <- function(raster) cat(conditionMessage(error_of(in_verb("do it", as_scene(raster)))), "\n")
  expect_snapshot({
    said("nowhere.tif")
    said(c("scene.tif", "a.tif", "b.tif"))
    said(character())
  })
  # the rest of the message is terra's
  expect_match(conditionMessage(error_of(as_scene("text.tif"))), "can't be opened as a raster")
  expect_match(conditionMessage(error_of(as_scene(c("scene.tif", "other.tif")))), "can't be opened as a raster")
})

test_that("a list is several scenes, each of which is named in errors", {
  skip_without_rasters()
  scene <- small_scene()
  expect_named(as_scenes(list(one = scene, two = scene)), c("one", "two"))
  expect_null(names(as_scenes(list(scene, scene))))
  expect_length(as_scenes(stars::read_stars(landsat_scene())), 1)
  expect_match(conditionMessage(error_of(as_scenes(list(scene, 3)))), "`raster[[2]]` is no raster", fixed = TRUE)
  expect_match(conditionMessage(error_of(as_scenes(list(a = "b.tif")))), "`raster$a` names a file", fixed = TRUE)
  expect_match(conditionMessage(error_of(as_scenes(list()))), "empty list")
})
