# Patches of several rasters of one ground, and masks of labels.

# Classes 1 and 2 in columns, and pixels without one.
striped_mask <- function(scene) terra::setValues(scene[[1]], rep(c(1, 2, NA), terra::ncell(scene) / 3))

test_that("patches of several rasters cover the same ground", {
  skip_without_rasters()
  scenes <- fine_and_coarse()
  # in the second coarse pixel from the left and the top
  points <- pixel_points(scenes$fine, c(4, 3), c(4, 3))
  patches <- extract_patches(scenes, points, size = 4, inputs = TRUE, wavelengths = list(coarse = c(1600, 2200)))
  expect_identical(lapply(patches$x, dim), list(fine = c(2L, 4L, 4L, 3L), coarse = c(2L, 2L, 2L, 2L)))
  expect_identical(dimnames(patches$x$coarse)[[4]], c("swir1", "swir2"))
  expect_identical(patches$places[c("row", "col")], tibble::tibble(row = c(3L, 3L), col = c(3L, 3L)))
  expect_equal(unname(patches$x$fine[1, , , 1]), outer(100 * 3:6, 3:6, "+") + 1000)
  expect_equal(unname(patches$x$coarse[1, , , 1]), outer(100 * c(3.5, 5.5), c(3.5, 5.5), "+") + 1000)
  expect_identical(patches$y, factor(c("water", "forest")))
  expect_identical(patches$wavelengths, list(fine = rep(NA_real_, 3), coarse = c(1600, 2200)))
  expect_identical(patches$resolution, list(fine = c(10, 20), coarse = c(20, 40)))
  expect_false(holds_live_objects(patches))
  expect_snapshot({
    patches
    summary(patches)
  })
  # in polygons they lie on whole pixels of all rasters, and missing values of any count
  scenes$coarse[["swir1"]][1] <- NA
  box <- pixel_box(scenes$fine, c(1, 8), c(1, 12))
  text <- message_of(tiles <- extract_patches(scenes, box, size = 4, inputs = TRUE, on_missing = "drop", spacing = 2))
  expect_match(text, "1 patch with missing values")
  expect_true(all(tiles$places$row %% 2 == 1 & tiles$places$col %% 2 == 1))
  expect_equal(nrow(tiles$places), 14)
})

test_that("labels of pixels are cut in the same windows", {
  skip_without_rasters()
  scene <- small_scene(8, 12)
  mask <- striped_mask(scene)
  # all of the scene is cut where there are no places
  patches <- extract_patches(scene, size = 4, label = mask, classes = c("water", "city"))
  expect_identical(dim(patches$y), c(6L, 4L, 4L))
  expect_identical(levels(patches$y), c("water", "city"))
  expect_identical(patches$places$row, rep(c(1L, 5L), each = 3))
  expect_identical(patches$places$col, rep(c(1L, 5L, 9L), 2))
  for (i in 1:6) {
    cols <- patches$places$col[[i]] + 0:3
    expected <- c("water", "city", NA)[(cols - 1) %% 3 + 1]
    expect_identical(as.character(patches$y[i, , ]), rep(expected, each = 4))
  }
  expect_snapshot({
    patches
    summary(patches)
  })
  named <- mask
  levels(named) <- data.frame(value = 1:2, cover = c("water", "city"))
  expect_identical(extract_patches(scene, size = 4, label = named)$y, patches$y)
  swapped <- extract_patches(scene, size = 4, label = named, classes = c("city", "water"))
  expect_identical(levels(swapped$y), c("city", "water"))
  expect_identical(as.character(swapped$y), as.character(patches$y))
  expect_identical(levels(extract_patches(scene, size = 4, label = mask)$y), c("1", "2"))
  # several scenes, and several inputs
  both <- extract_patches(list(scene, scene), size = 4, label = list(named, named))
  expect_identical(dim(both$y), c(12L, 4L, 4L))
  expect_identical(as.integer(both$y[7:12, , ]), as.integer(patches$y))
  inputs <- extract_patches(fine_and_coarse(), size = 4, label = named, inputs = TRUE)
  expect_identical(inputs$y, patches$y)
  coarse <- terra::setValues(fine_and_coarse()$coarse[[1]], rep(1:2, 12))
  halves <- extract_patches(scene, size = 4, label = coarse)
  expect_identical(dim(halves$y), c(6L, 2L, 2L))
  of_stars <- extract_patches(stars::st_as_stars(scene), size = 4, label = stars::st_as_stars(mask))
  expect_identical(as.integer(of_stars$y), as.integer(patches$y))
})

test_that("patches of several inputs and with masks are what models are explained with", {
  skip_without_rasters()
  skip_without_python()
  keras <- reticulate::import("keras")
  scenes <- fine_and_coarse()
  inputs <- list(keras$Input(list(4L, 4L, 3L), name = "fine"), keras$Input(list(2L, 2L, 2L), name = "coarse"))
  pooled <- keras$layers$Concatenate()(lapply(inputs, function(input) keras$layers$GlobalAveragePooling2D()(input)))
  model <- keras$Model(inputs, keras$layers$Dense(2L, activation = "softmax")(pooled))
  points <- pixel_points(scenes$fine, c(4, 4, 5), c(4, 7, 9))
  patches <- extract_patches(scenes, points, size = 4, inputs = TRUE, wavelengths = list(coarse = c(1600, 2200)))
  found <- suppressWarnings(band_importance(model, patches, method = "gradient_x_input"))
  expect_identical(cell_names(found), c(paste("fine:", bands[1:3]), "coarse: swir1", "coarse: swir2"))
  expect_identical(found$wavelengths, c(NA, NA, NA, 1600, 2200))

  image <- keras$Input(list(4L, 4L, 3L))
  maps <- keras$Model(image, keras$layers$Conv2D(2L, 1L, activation = "softmax")(image))
  masked <- extract_patches(scenes$fine, size = 4, label = striped_mask(scenes$fine), classes = c("water", "city"))
  found <- suppressWarnings(band_importance(maps, masked, ignore = NA, method = "gradient_x_input"))
  expect_identical(levels(tidy(found)$class), c("water", "city"))
  expect_identical(unique(tidy(found)$n), 6L)
})

test_that("rasters and masks that don't fit are named", {
  skip_without_rasters()
  scenes <- fine_and_coarse()
  fine <- scenes$fine
  mask <- striped_mask(fine)
  said <- function(..., size = 4) cat(conditionMessage(error_of(extract_patches(..., size = size))), "\n")
  other <- function(raster) list(fine = fine, coarse = raster)
  expect_snapshot({
    said(fine, inputs = TRUE)
    said(unname(scenes), inputs = TRUE)
    said(scenes, inputs = 1)
    said(scenes, size = 3, inputs = TRUE)
    said(scenes, inputs = TRUE, spacing = 1)
    said(scenes, inputs = TRUE, wavelengths = 1:5)
    said(scenes, inputs = TRUE, wavelengths = list(corse = 1:2))
    said(other(terra::shift(scenes$coarse, 10)), inputs = TRUE)
    said(fine, label = terra::disagg(mask, 2))
    said(fine, label = terra::shift(mask, 10))
    said(fine, label = c(mask, mask))
    said(fine, label = mask, classes = "water")
    said(list(fine, fine), label = list(mask))
  })
})
