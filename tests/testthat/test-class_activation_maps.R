test_that("maps before global pooling are the classic ones", {
  skip_without_python()
  x <- array(runif(3 * 48, -1, 1), c(3, 4, 4, 3))
  maps <- class_activation_maps(known_cnn(), x, target = "all", relu = FALSE, layer = "second")
  # output 1 is the mean over pixels of the third band where it is positive, output 2 is 0
  expect_equal(dim(as.array(maps)), c(3, 2, 4, 4))
  expect_equal(as.array(maps)[, 1, , ], pmax(x[, , , 3], 0) / 16, tolerance = 1e-6)
  expect_true(all(as.array(maps)[, 2, , ] == 0))
  expect_identical(maps$layer, "second")
  expect_identical(class_activation_maps(known_cnn(), x)$layer, "second")
  expect_identical(class_activation_maps(known_cnn(), x, layer = 1)$layer, "first")
  model <- known_cnn()
  expect_identical(class_activation_maps(model, x, layer = model$layers[[2]])$layer, "relu")
  pixels <- tidy(maps, "pixel")
  expect_named(pixels, c("image", "class", "output", "row", "col", "value"))
  at <- cbind(pixels$image, as.integer(pixels$output), pixels$row, pixels$col)
  expect_identical(pixels$value, maps$values[at])
  expect_identical(glance(maps)$n_empty, 3L)
  expect_identical(is.na(tidy(maps)$row), tidy(maps)$peak == 0) # what is nowhere has no place
  expect_type(tidy(maps)$col, "integer")
  expect_false(holds_live_objects(maps))
})

test_that("the band that is looked at draws the attention", {
  skip_without_python()
  x <- array(runif(3 * 48, 0, 1), c(3, 4, 4, 3))
  maps <- class_activation_maps(
    known_cnn(), x,
    target = 1, by = "band", replacement = "zero", layer = "second", bands = c("b", "a", "c"), method = "hirescam"
  )
  expect_equal(dim(maps$values), c(3, 1, 3, 4, 4))
  expect_identical(dimnames(maps$values)[[3]], c("b", "a", "c"))
  expect_true(all(maps$values[, , c("b", "a"), , ] == 0))
  expect_equal(maps$values[, 1, "c", , ], x[, , , 3] / 16, tolerance = 1e-6, ignore_attr = TRUE)
  table <- tidy(maps, "class")
  expect_equal(table$importance[table$band == "c"], mean(x[, , , 3]) / 16, tolerance = 1e-6)
  expect_identical(levels(table$band), c("b", "a", "c"))
  pixels <- tidy(maps, "pixel")
  at <- cbind(pixels$image, 1, as.integer(pixels$band), pixels$row, pixels$col)
  expect_identical(pixels$value, as.vector(maps$values[at]))
})

test_that("occlusion maps of a function are what windows hold", {
  skip_without_python()
  x <- array(runif(3 * 48), c(3, 4, 4, 3))
  sums <- function(x) cbind(rowSums(x[, , , 1, drop = FALSE]), rowSums(x[, , , 3, drop = FALSE]))
  maps <- occlusion_maps(sums, x, target = 2, window = 2, stride = c(2, 1), by = "band", replacement = "zero")
  expect_equal(dim(maps$values), c(3, 1, 3, 2, 3))
  expect_equal(unname(maps$values[2, 1, 3, 2, 3]), sum(x[2, 3:4, 3:4, 3]), tolerance = 1e-5)
  expect_true(all(abs(maps$values[, , 1:2, , ]) < 1e-6))
  expect_null(maps$layer)
  expect_identical(maps$options$window, c(2L, 2L))
})

test_that("maps survive saving, and say what they are", {
  file <- withr::local_tempfile()
  for (maps in list(made_where(), made_where("band"), made_where(k = 2, method = "occlusion"))) {
    saveRDS(maps, file)
    expect_identical(readRDS(file), maps)
    expect_identical(as.data.frame(maps), as.data.frame(tidy(maps)))
  }
  expect_snapshot({
    made_where()
    made_where("band")
    summary(made_where("band"), top = 2)
    as.data.frame(glance(made_where("band", method = "occlusion")))
    tidy(made_where("band"))
  })
})

test_that("what can't be asked is refused", {
  skip_without_python()
  x <- array(0, c(1, 4, 4, 3))
  expect_snapshot(error = TRUE, {
    class_activation_maps(known_cnn(), x, layer = "out")
    class_activation_maps(known_cnn(), x, layer = 1.5)
    class_activation_maps(known_cnn(), x, layer = 6)
    class_activation_maps(known_cnn(), x, method = "cam")
    class_activation_maps(known_cnn(), x, metod = "gradcam")
    class_activation_maps(function(x) x, x)
    occlusion_maps(known_cnn(), x, window = 5)
    occlusion_maps(known_cnn(), x, stride = 0)
    tidy(made_where(), "class")
  })
})
