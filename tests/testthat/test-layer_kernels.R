test_that("kernels are the weights that the model has", {
  skip_without_python()
  model <- small_model()
  kernels <- layer_kernels(model, bands = bands, wavelengths = c(480, 560, 660, NA))
  weights <- model$layers[[1]]$get_weights()[[1]] # rows x cols x bands x kernels
  expect_equal(as.array(kernels), aperm(weights, c(4, 1, 2, 3)), ignore_attr = TRUE)
  expect_identical(dimnames(as.array(kernels))[[4]], bands)
  table <- tidy(kernels)
  expect_named(table, c("kernel", "row", "col", "band", "wavelength", "weight"))
  expect_equal(table$weight, kernels$values[cbind(table$kernel, table$row, table$col, as.integer(table$band))])
  expect_identical(table$wavelength, c(480, 560, 660, NA)[as.integer(table$band)])
  bands <- tidy(kernels, "band")
  expect_named(bands, c("kernel", "band", "wavelength", "norm", "share", "sum"))
  expect_equal(bands$sum, as.vector(apply(weights, c(3, 4), sum)))
  expect_equal(bands$norm, as.vector(apply(weights, c(3, 4), function(w) sqrt(sum(w^2)))))
  expect_false(holds_live_objects(kernels))
})

test_that("kernels are chosen by position from 1, layers by name", {
  skip_without_python()
  model <- known_cnn()
  chosen <- layer_kernels(model, "second", features = 2)
  expect_identical(chosen$kernel, 2L)
  expect_equal(as.vector(as.array(chosen)), c(0, 1))
  expect_identical(unique(tidy(chosen)$kernel), 2L)
  expect_equal(tidy(layer_kernels(model), "band")$share, c(0, 0, 1, NA, NA, NA))
})

test_that("kernels survive saving, and say what they are", {
  kernels <- made_kernels()
  file <- withr::local_tempfile()
  saveRDS(kernels, file)
  expect_identical(readRDS(file), kernels)
  expect_snapshot({
    kernels
    as.data.frame(glance(kernels))
  })
  expect_identical(as.data.frame(kernels), as.data.frame(tidy(kernels)))
  expect_identical(kernels$kernel, 3:7)
})

test_that("what has no kernels is named", {
  skip_without_python()
  model <- known_cnn()
  expect_snapshot(error = TRUE, {
    layer_kernels(model, "pool")
    layer_kernels(model, "frist")
    layer_kernels(model, features = 3)
    layer_kernels(model, features = 0)
    layer_kernels(model, features = "1")
    layer_kernels(model, bands = c("a", "b"))
  })
  expect_error(layer_kernels(model, "pool"), class = "bandlens_error_layer")
  expect_error(layer_kernels(model, bands = "a"), class = "bandlens_error_bands")
  expect_error(tidy(made_kernels(), "pixel"), class = "bandlens_error_option")
})
