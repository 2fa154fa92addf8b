# Models of several labels, numbers, heads, and of classes for every pixel.

of_outputs <- function(kind) {
  keras <- reticulate::import("keras")
  image <- keras$Input(reticulate::tuple(4L, 4L, 3L))
  means <- keras$layers$GlobalAveragePooling2D()(image)
  weights <- list(diag(3), array(0, 3))
  outputs <- switch(kind,
    labels = keras$layers$Dense(3L, activation = "sigmoid", name = "last")(means),
    numbers = keras$layers$Dense(3L, name = "last")(means),
    pixels = keras$layers$Conv2D(3L, 1L, activation = "softmax", name = "last")(image),
    heads = reticulate::dict(
      cover = keras$layers$Dense(3L, activation = "softmax")(means), soil = keras$layers$Dense(2L)(means)
    )
  )
  model <- keras$Model(image, outputs)
  if (kind != "heads") {
    if (kind == "pixels") {
      weights[[1]] <- array(diag(3), c(1, 1, 3, 3))
    }
    model$get_layer("last")$set_weights(unname(weights))
  }
  model
}

some_images <- function() {
  set.seed(3)
  array(stats::rnorm(12 * 4 * 4 * 3), c(12, 4, 4, 3), list(NULL, NULL, NULL, c("red", "nir", "swir")))
}

flags <- matrix(c(1, 1, 0, 0, 0, 1), 12, 3, byrow = TRUE, dimnames = list(NULL, c("water", "city", "forest")))

test_that("an image counts for each of its labels", {
  skip_without_python()
  x <- some_images()
  model <- of_outputs("labels")
  found <- band_importance(model, x, flags, method = "occlusion", background = x[1:3, , , ])
  expect_identical(found$task, "multilabel")
  expect_identical(unique(tidy(found)[c("class", "n")])$n, c(6L, 6L, 6L))
  expect_identical(levels(tidy(found)$class), colnames(flags))
  expect_identical(augment(found)$image, rep(1:12, times = rowSums(flags)))
  expect_identical(glance(found)$n, 12L)
  expect_identical(tidy(found, "image")$image, rep(augment(found)$image, each = 3))
  # only the band of its own matters for a label
  expect_equal(found$table$share, rep(as.vector(diag(3)), 1), tolerance = 1e-6)
  expect_identical(c(found[1:5], found[6:12])$table, found$table)

  # pictures of single images know which image a row is about
  explained <- band_importance(model, x, flags, background = x[1:3, , , ])
  points <- autoplot(explained, "dependence")$data
  means <- apply(x, c(1, 4), mean)
  expect_equal(points$level, means[cbind(points$image, as.integer(points$band))], tolerance = 1e-6)
  last <- length(explained$images)
  expect_match(autoplot(explained, "waterfall", image = last)$labels$subtitle, "image 12: forest", fixed = TRUE)

  names <- lapply(seq_len(12), function(i) colnames(flags)[flags[i, ] == 1])
  numbers <- lapply(seq_len(12), function(i) which(flags[i, ] == 1))
  for (y in list(names, numbers, flags == 1, as.data.frame(flags))) {
    again <- band_importance(
      model, x, y, method = "occlusion", background = x[1:3, , , ], classes = colnames(flags)
    )
    expect_identical(again$table, found$table)
  }
})

test_that("several numbers have rows of their own", {
  skip_without_python()
  x <- some_images()
  observed <- data.frame(apply(x, c(1, 4), mean))
  names(observed) <- c("ph", "clay", "sand")
  found <- band_importance(of_outputs("numbers"), x, observed, method = "permutation")
  expect_identical(found$task, "regression")
  expect_identical(levels(tidy(found)$output), names(observed))
  expect_identical(as.character(unique(tidy(found)$class)), "all")
  expect_equal(found$table$share, as.vector(diag(3)))
  expect_equal(found$accuracy, 1, tolerance = 1e-6)
  assumed <- band_importance(of_outputs("numbers"), x, method = "saliency")
  expect_match(format(assumed)[[2]], "task: classification", fixed = TRUE)
})

test_that("pixels have labels, counted from 1", {
  skip_without_python()
  x <- some_images()
  model <- of_outputs("pixels")
  masks <- apply(x, 1:3, which.max)
  found <- band_importance(model, x, masks, classes = c("a", "b", "c"), background = x)
  expect_identical(found$task, "segmentation")
  expect_identical(found$accuracy, 1)
  expect_identical(found$table$rank[found$table$share > 0.5], c(1L, 1L, 1L))
  levels <- factor(c("a", "b", "c")[masks], c("a", "b", "c"))
  dim(levels) <- dim(masks)
  expect_identical(band_importance(model, x, levels, background = x)$table, found$table)

  holes <- masks
  holes[, 1, ] <- NA
  some <- band_importance(model, x, holes, ignore = NA, background = x, classes = c("a", "b", "c"))
  holes[is.na(holes)] <- 255
  expect_identical(
    band_importance(model, x, holes, ignore = 255, background = x, classes = c("a", "b", "c"))$table, some$table
  )
  zone <- array(FALSE, dim(masks))
  zone[, 2, ] <- TRUE
  maps <- band_maps(model, x, masks, zone = zone, background = x)
  expect_true(all(as.array(maps)[, , 1, , ] == 0))
  expect_identical(max(tidy(maps)$image), 12L)
  expect_s3_class(autoplot(maps, image = 2, x = x), "ggplot")
  expect_s3_class(autoplot(maps, image = 1:3, x = x), "ggplot")
  curves <- band_response(model, x, masks)
  expect_identical(glance(curves)$n, 12L)
})

test_that("bands are removed from images whose pixels have labels", {
  skip_without_python()
  x <- some_images()
  model <- of_outputs("pixels")
  masks <- apply(x, 1:3, which.max)
  holes <- masks
  holes[, 1, ] <- NA
  found <- band_importance(model, x, holes, ignore = NA, background = x, classes = c("a", "b", "c"))
  check <- check_deletion(model, found, x, holes, ignore = NA, orders = 2)
  expect_identical(levels(tidy(check)$measure), c("probability", "accuracy", "fidelity", "iou"))
  whole <- tidy(check)[tidy(check)$removed == 0, ]
  expect_equal(whole$estimate[whole$measure %in% c("accuracy", "iou")], rep(1, 24))
  expect_identical(glance(check)$zone, "label")
  expect_identical(glance(check)$n, n_images(found))
  plot <- autoplot(check, measure = "iou")
  expect_identical(plot$labels$y, "Intersection over union")
  expect_match(gsub("\n", " ", plot$labels$subtitle), "zones: labelled pixels")
  expect_identical(autoplot(check, measure = "accuracy")$labels$y, "Part of the zone taken for the class")

  zone <- array(FALSE, dim(masks))
  zone[, 2, ] <- TRUE
  own <- band_importance(model, x, masks, zone = zone, background = x)
  expect_identical(glance(check_deletion(model, own, x, masks, zone = zone, orders = 2))$zone, "mask")
  error <- error_of(check_deletion(model, own, x, masks))
  expect_match(error$parent$expected, "the mask that the result was made with")
  expect_match(error_of(check_deletion(model, found, x))$parent$message, "made with labels of pixels")
  other <- error_of(check_deletion(model, found, x, masks))
  expect_match(other$parent$message, "classes that are labelled in the images are not those of the result")
  of_rows <- band_importance(small_model(), images(), labels(), method = "saliency")
  error <- error_of(check_deletion(small_model(), of_rows, images(), zone = "label"))
  expect_match(error$parent$message, "for models that give outputs for every pixel")
})

test_that("what is said of outputs is said in R's words", {
  skip_without_python()
  x <- some_images()
  labels <- of_outputs("labels")
  numbers <- of_outputs("numbers")
  pixels <- of_outputs("pixels")
  heads <- of_outputs("heads")
  masks <- apply(x, 1:3, which.max)
  expect_snapshot(error = TRUE, {
    band_importance(heads, x)
    band_importance(heads, x, head = "sol")
    band_importance(heads, x, head = 3)
    band_importance(heads, x, head = -1)
    band_importance(labels, x, task = "labels")
    band_importance(numbers, x, task = "segmentation")
    band_importance(labels, x, rep(list(4), 12))
    band_importance(labels, x, rep(list(NA), 12))
    band_importance(heads, x, rep(list(1), 12), head = "cover")
    band_importance(labels, x, flags[, 1:2])
    band_importance(labels, x, flags * 2, task = "multilabel")
    band_importance(numbers, x, matrix(0.5, 12, 2))
    band_importance(numbers, x, task = "regression", target = "predicted")
    band_importance(pixels, x, masks * 3)
    band_importance(pixels, x, replace(masks, 1, NA))
    band_importance(pixels, x, masks[, 1:2, ])
    band_importance(pixels, x, zone = "label")
    band_importance(pixels, x, zone = "labelled")
    band_importance(pixels, x, zone = 1:3)
    band_importance(labels, x, zone = "image")
    band_importance(pixels, x, masks, method = "permutation", metric = "log_loss")
  })
})

test_that("what outputs were taken for is printed", {
  skip_without_python()
  x <- some_images()
  of_head <- band_importance(of_outputs("heads"), x, head = "soil", task = "regression", method = "saliency")
  expect_snapshot({
    band_importance(of_outputs("labels"), x, flags, method = "saliency")
    writeLines(format(of_head[1:3])[1:2])
  })
})
