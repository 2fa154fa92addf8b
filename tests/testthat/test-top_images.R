test_that("the images that excite a feature most are found", {
  skip_without_python()
  x <- array(0, c(6, 4, 4, 3), list(NULL, NULL, NULL, c("blue", "red", "nir")))
  x[, , , 1] <- 9 # of no interest
  bright <- c(3, 1, 6, 2, 5, 4)
  for (image in 1:6) x[image, , , 3] <- bright[[image]]
  top <- top_images(known_cnn(), x, "second", 1, n = 2, wavelengths = c(480, NA, 850))
  expect_identical(tidy(top)$image, c(3L, 5L))
  expect_equal(tidy(top)$activation, c(6, 5))
  expect_identical(tidy(top)$place, 1:2)
  bands <- tidy(top, "band")
  expect_named(bands, c("feature", "place", "image", "band", "wavelength", "mean", "std"))
  expect_equal(bands$mean, c(9, 0, 6, 9, 0, 5))
  expect_identical(levels(bands$band), c("blue", "red", "nir"))
  expect_identical(bands$wavelength, rep(c(480, NA, 850), 2))
  expect_equal(as.array(top)[1, 2, , , ], x[5, , , ], ignore_attr = TRUE)
  expect_false(holds_live_objects(top))
  expect_equal(ncol(top_images(known_cnn(), x, "second", 1, n = 50)$index), 6)
})

test_that("top images survive saving, and say what they are", {
  top <- made_top()
  file <- withr::local_tempfile()
  saveRDS(top, file)
  expect_identical(readRDS(file), top)
  expect_snapshot({
    print(top, n = 3)
    as.data.frame(glance(top))
  })
  expect_identical(top$index[2, 3], tidy(top)$image[[6]], ignore_attr = TRUE)
  expect_equal(tidy(top, "band")$mean, as.vector(aperm(top$mean, 3:1)))
})

test_that("wrong arguments are named", {
  expect_error(top_images("m", images(2), "conv", n = 0), class = "bandlens_error_option")
  expect_error(top_images("m", images(2), "conv", statistic = "median"), class = "bandlens_error_option")
  expect_error(tidy(made_top(), "pixel"), class = "bandlens_error_option")
})

test_that("features that no image excites more than another are named", {
  skip_without_python()
  keras <- reticulate::import("keras")
  model <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)),
    keras$layers$Conv2D(2L, 2L, activation = "relu", name = "first", bias_initializer = "ones"),
    keras$layers$Flatten(), keras$layers$Dense(2L)
  ))
  weights <- model$layers[[1]]$get_weights()
  weights[[1]] <- abs(weights[[1]])
  weights[[2]] <- array(c(-100, 1))
  model$layers[[1]]$set_weights(weights)
  expect_warning(
    top <- top_images(model, images(), "first", n = 3),
    "1 of 2 features of layer \"first\" are equally active in all 12 images (activation zero)",
    fixed = TRUE, class = "bandlens_warning_dead_feature"
  )
  expect_identical(tidy(top)$silent, rep(c(TRUE, FALSE), each = 3))
  expect_match(autoplot(top)$labels$subtitle, "just the first ones: feature 1", fixed = TRUE)
  expect_no_match(autoplot(made_top())$labels$subtitle, "just the first ones")
  expect_no_warning(top_images(model, images(), "first", 2, n = 3))
})
