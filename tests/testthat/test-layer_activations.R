test_that("activations are the layer's outputs", {
  skip_without_python()
  x <- array(runif(2 * 48, -1, 1), c(2, 4, 4, 3))
  activations <- layer_activations(known_cnn(), x, "second")
  expect_equal(dim(as.array(activations)), c(2, 4, 4, 2))
  expect_equal(as.array(activations)[, , , 1], pmax(x[, , , 3], 0), tolerance = 1e-6, ignore_attr = TRUE)
  expect_true(all(as.array(activations)[, , , 2] == 0))
  table <- tidy(activations)
  expect_named(table, c("image", "feature", "mean", "rms", "max"))
  expect_identical(table$image, c(1L, 1L, 2L, 2L))
  expect_equal(table$mean[c(1, 3)], apply(pmax(x[, , , 3], 0), 1, mean), tolerance = 1e-6)
  expect_false(holds_live_objects(activations))
  one <- layer_activations(known_cnn(), x, "second", 2, batch_size = 1)
  expect_identical(one$feature, 2L)
  expect_identical(levels(tidy(one)$feature), "2")
})

test_that("the table of positions has every position in step with its value", {
  activations <- made_activations()
  table <- tidy(activations, "position")
  expect_named(table, c("image", "row", "col", "feature", "activation"))
  at <- cbind(table$image, table$row, table$col, as.integer(table$feature))
  expect_identical(table$activation, activations$values[at])
  expect_identical(levels(table$feature), as.character(8:12))
  expect_named(tidy(made_activations(size = 6), "position"), c("image", "pixel", "feature", "activation"))
  expect_named(tidy(made_activations(size = integer()), "position"), c("image", "feature", "activation"))
})

test_that("activations survive saving, and say what they are", {
  activations <- made_activations()
  file <- withr::local_tempfile()
  saveRDS(activations, file)
  expect_identical(readRDS(file), activations)
  expect_snapshot({
    activations
    made_activations(n = 1, size = integer(), k = 1)
    as.data.frame(glance(activations))
  })
  expect_identical(as.data.frame(activations), as.data.frame(tidy(activations)))
})

test_that("unknown layers and features are named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    layer_activations(known_cnn(), array(0, c(1, 4, 4, 3)), "thrid")
    layer_activations(known_cnn(), array(0, c(1, 4, 4, 3)), "second", 5)
  })
  expect_error(layer_activations(known_cnn(), 1:3, "second"), class = "bandlens_error_input")
})
