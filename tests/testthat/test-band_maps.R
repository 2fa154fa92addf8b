test_that("maps have the shape of the images, and are plain data", {
  skip_without_python()
  x <- images(3)
  maps <- band_maps(small_model(), x, labels(3), background = images(8, seed = 2), wavelengths = c(480, 560, 660, NA))
  expect_equal(dim(as.array(maps)), c(3, 1, 5, 5, 4))
  expect_identical(dimnames(as.array(maps))[[5]], bands)
  expect_false(holds_live_objects(maps))
  file <- withr::local_tempfile()
  saveRDS(maps, file)
  expect_identical(readRDS(file), maps)
})

test_that("maps summed over pixels are band scores", {
  skip_without_python()
  explain <- function(verb) verb(small_model(), images(3), labels(3), background = images(8, seed = 2), target = "all")
  maps <- explain(band_maps)
  scores <- explain(band_importance)$scores
  expect_equal(apply(as.array(maps), c(1, 2, 5), sum), scores, tolerance = 1e-4, ignore_attr = TRUE)
})

test_that("the table of maps has every position in step with its value", {
  skip_without_python()
  maps <- band_maps(small_model(), images(3), labels(3), method = "saliency", target = "all", wavelengths = 1:4 * 200)
  table <- tidy(maps)
  expect_named(table, c("image", "class", "output", "row", "col", "band", "wavelength", "attribution"))
  expect_equal(nrow(table), 3 * 3 * 25 * 4)
  for (row in c(1, 2, 5, 30, 101, 500, 900)) {
    at <- table[row, ]
    position <- c(at$image, match(at$output, classes), at$row, at$col, match(at$band, bands))
    expect_identical(at$attribution, maps$values[t(position)])
    expect_identical(at$wavelength, 200 * match(at$band, bands))
    expect_identical(as.character(at$class), classes[[at$image]])
  }
  expect_identical(as.data.frame(maps), as.data.frame(table))
})

test_that("maps of spectra have one pixel axis, wherever the bands are", {
  maps <- as_band_maps(list(
    values = array(1:12 / 4, c(2, 1, 3, 2)), band_axis = 1L, image_class = array(0:1), prediction = array(0:1),
    image_output = matrix(0:1), classes = c("a", "b"), outputs = c("a", "b"), bands = c("b1", "b2", "b3"),
    wavelengths = c(NaN, NaN, NaN), method = "saliency", output = "logit", seed = 0L, model = "m"
  ))
  table <- tidy(maps)
  expect_named(table, c("image", "class", "output", "pixel", "band", "wavelength", "attribution"))
  expect_equal(table$attribution, maps$values[cbind(table$image, 1, as.integer(table$band), table$pixel)])
  expect_snapshot(maps)
  expect_equal(pixel_names(3), c("pixel_1", "pixel_2", "pixel_3"))
})

test_that("errors name the verb", {
  expect_error(band_maps("model.keras", 1:3), "Can't compute band maps", class = "bandlens_error_input")
})
