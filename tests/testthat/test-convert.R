# Rules about positions, axes, labels and missing values (convert-*.R). None of these needs Python.

kind_of <- function(expr) class(error_of(in_verb("do it", expr)))[[1]]

test_that("labels of every kind go as Python takes them, and bring the names they have", {
  expect_equal(as_labels(labels(3)), list(y = list("water", "forest", "city"), classes = as.list(classes)))
  expect_equal(as_labels(c("a", "b", "a"), c("b", "a")), list(y = list("a", "b", "a"), classes = list("b", "a")))
  # numbers are classes counted from 1, or values of a regression: the model tells
  expect_identical(as_labels(c(0.5, 3)), list(y = array(c(0.5, 3)), classes = NULL))
  expect_identical(as_labels(c(2L, 1L), c("a", "b")), list(y = array(c(2, 1)), classes = list("a", "b")))
  expect_identical(as_labels(2L), list(y = array(2), classes = NULL))
  expect_equal(as_labels(matrix(1:3)), as_labels(1:3))
  expect_equal(as_labels(array(1:3)), as_labels(1:3))
  expect_equal(as_labels(c(TRUE, FALSE))$classes, list("FALSE", "TRUE"))
  expect_equal(as_labels(NULL, c("a", "b")), list(y = NULL, classes = list("a", "b")))
  expect_equal(as_labels(labels(3), c("x", "y", "z"))$classes, list("x", "y", "z"))
  one_hot <- diag(3)
  colnames(one_hot) <- classes
  expect_equal(as_labels(one_hot), list(y = diag(3), classes = as.list(classes)))
  expect_equal(as_labels(one_hot == 1)$y, diag(3) == 1)
})

test_that("labels that mean nothing are refused", {
  expect_equal(kind_of(as_labels(c(1, NA))), "bandlens_error_labels")
  expect_equal(kind_of(as_labels(factor(c("a", NA)))), "bandlens_error_labels")
  expect_equal(kind_of(as_labels(c("a", "b"))), "bandlens_error_labels")
  expect_equal(kind_of(as_labels(list(1, NA))), "bandlens_error_labels")
  expect_equal(kind_of(as_labels(list(1, mean))), "bandlens_error_labels")
  expect_equal(kind_of(as_labels(1:2, c("a", NA))), "bandlens_error_labels")
})

test_that("`band_axis` counts from 1, after the images, or is -1", {
  size <- c(12L, 5L, 5L, 4L)
  expect_identical(as_band_axis(-1, size), -1L)
  expect_identical(as_band_axis(2, size), 1L)
  expect_identical(as_band_axis(4L, size), 3L)
  for (wrong in list(0, 1, 5, -2, 2.5, NA, "2", c(2, 3), TRUE, NULL)) {
    expect_equal(kind_of(as_band_axis(wrong, size)), "bandlens_error_bands")
  }
})

test_that("band names come from the argument and from the dimnames of the band axis", {
  x <- images(2)
  expect_equal(own_bands(x, -1L), as.list(bands))
  expect_equal(as_bands(1:4), list("1", "2", "3", "4"))
  expect_equal(as_bands("only"), list("only"))
  expect_equal(as_bands(factor(c("b", "a"))), list("b", "a"))
  expect_null(own_bands(unname(x), -1L))
  expect_null(own_bands(x, 1L))
  expect_equal(own_bands(aperm(x, c(1, 4, 2, 3)), 1L), as.list(bands))
  expect_equal(own_bands(list(x[1, , , ], x[2, , , ]), -1L), as.list(bands))
  expect_null(own_bands(list(1:3, 4:6), -1L))
  expect_equal(kind_of(as_bands(c("a", NA))), "bandlens_error_bands")
})

test_that("wavelengths that are missing are NaN for Python", {
  expect_identical(as_wavelengths(c(480L, NA)), list(480, NaN))
  expect_identical(as_wavelengths(NA), list(NaN))
  expect_null(as_wavelengths(NULL))
  expect_equal(kind_of(as_wavelengths("red")), "bandlens_error_bands")
})

test_that("groups hold names, or positions that count from 0 for Python", {
  expect_null(as_groups(NULL))
  expect_null(as_groups(list()))
  expect_equal(
    as_groups(list(visible = c("blue", "red"), infrared = c(a = 4, 5), one = "x", mixed = list(1, "y"))),
    list(visible = list("blue", "red"), infrared = list(3L, 4L), one = list("x"), mixed = list(0L, "y"))
  )
  expect_equal(as_groups(list(visible = factor(c("red", "blue")))), list(visible = list("red", "blue")))
  expect_equal(as_groups(c(visible = "blue")), list(visible = list("blue")))
  expect_equal(as_groups(list(none = character())), list(none = list())) # which the core refuses
  wrong <- list(
    list("blue"), c("blue", "red"), list(a = "x", "y"), list(a = 1.5), list(a = NA), list(a = TRUE),
    list(a = list(1:2)), list(a = "x", a = "y"), array(1, 1, list("a")), factor(c(a = "x")), iris
  )
  for (groups in wrong) {
    expect_equal(kind_of(as_groups(groups)), "bandlens_error_bands")
  }
})

test_that("images are arrays of numbers or lists of these", {
  x <- images(2)
  expect_identical(as_images(x), x)
  expect_identical(as_images(list(x[1, , , ])), list(x[1, , , ]))
  expect_identical(as_images(list(1:3, 4:6)), list(array(1:3), array(4:6)))
  expect_identical(as_images(x > 0.5), x > 0.5)
  expect_equal(image_dim(x), c(2, 5, 5, 4))
  expect_equal(image_dim(list(x[1, , , ], x[2, , , ])), c(2, 5, 5, 4))
  for (wrong in list("a", NULL, iris, list("a"), as.raw(1:3))) {
    expect_equal(kind_of(as_images(wrong)), "bandlens_error_input_type")
  }
  for (wrong in list(1:3, array(c(1L, NA), c(2, 1)), array(NA, c(2, 1)))) {
    expect_equal(kind_of(as_images(wrong)), "bandlens_error_input")
    expect_equal(kind_of(as_images(wrong, "background", "background")), "bandlens_error_background")
  }
})

test_that("a missing integer is found where it is", {
  x <- array(1:24, c(2, 3, 4))
  x[2, 1, 3] <- NA
  expect_equal(first_na(x), "[2, 1, 3]")
})

test_that("whole numbers become integers in options, and nothing else changes", {
  expect_identical(
    as_method_options(steps = 50, noise = 0.1, name = "a", flag = TRUE, none = NULL, several = c(1, 2), big = 1e10),
    list(steps = 50L, noise = 0.1, name = "a", flag = TRUE, none = NULL, several = 1:2, big = 1e10)
  )
  expect_identical(as_method_options(nested = list(a = 2, b = list(3))), list(nested = list(a = 2L, b = list(3L))))
  expect_identical(as_method_options(), list())
  expect_equal(kind_of(as_method_options(50)), "bandlens_error_option")
})

test_that("functions among the options are given classes counted from 1, and everything else as it is", {
  seen <- NULL
  options <- as_method_options(n = 1, metric = function(true, predicted) seen <<- list(true, predicted))
  expect_identical(options$n, 1L)
  expect_identical(attr(options$metric, "py_function_name"), "metric")
  options$metric(array(0:2), array(c(0, 0.5, 2)))
  expect_identical(seen, list(1:3, c(0, 0.5, 2)))
})

test_that("counts, targets and choices are checked", {
  expect_identical(as_count(3, "n"), 3L)
  expect_null(as_count(NULL, "n", null = TRUE))
  expect_identical(as_target(1), 0L)
  expect_identical(as_target("class"), "class")
  expect_identical(choose(c("a", "b"), c("a", "b"), "it"), "a")
  expect_identical(choose("b", c("a", "b"), "it"), "b")
  for (wrong in list(0, -1, 1.5, NA_real_, "1", 1:2, NULL, 1e10)) {
    expect_equal(kind_of(as_count(wrong, "n")), "bandlens_error_option")
  }
  for (wrong in list(0, NA, c("a", "b"), NULL, list(1))) {
    expect_equal(kind_of(as_target(wrong)), "bandlens_error_option")
  }
  expect_equal(kind_of(choose("c", c("a", "b"), "it")), "bandlens_error_option")
})

test_that("what comes back counts from 1 and says NA", {
  result <- stored_result()
  expect_equal(levels(result$table$class), c("water", "{forest}"))
  expect_true(all(vapply(result$table[c("class", "output", "band")], is.ordered, logical(1))))
  expect_equal(as.character(result$table$band), rep(c("blue", "nir\u00e9"), 2))
  expect_identical(result$wavelengths, c(480, NA))
  expect_identical(result$table$wavelength[[2]], NA_real_)
  expect_identical(result$table$std_error[[2]], NA_real_)
  expect_identical(result$background, c(1L, 3L))
  expect_identical(result$image_output[, 1], c(1L, 2L, 1L, 2L))
})

test_that("the table over all classes has no output where each image has its own", {
  expect_identical(as.character(stored_result()$overall$output), c(NA_character_, NA))
  expect_identical(levels(stored_result()$overall$output), c("water", "{forest}"))
  two <- stored_result(k = 2)$overall
  expect_identical(as.character(two$output), rep(c("water", "{forest}"), each = 2))
  expect_identical(unique(two$class), factor("all", ordered = TRUE))
  expect_identical(two$effect, c(2, NA, 2, NA))
})

test_that("what only some methods give has its names, and NA for NaN", {
  value <- bridge_value()
  value$score_errors <- value$draw_errors <- array(0.5, c(4, 1, 2))
  value$local_fit <- matrix(c(0.5, 0.75, 0.9, 1))
  value$drops <- array(c(NaN, 1:11), c(2, 3, 2))
  value$scores[] <- NaN
  value$groups <- list(visible = c("blue", "green"), one = "nir\u00e9")
  result <- as_band_importance(value)
  expect_identical(dimnames(result$score_errors), dimnames(result$scores))
  expect_identical(dimnames(result$draw_errors), dimnames(result$scores))
  expect_identical(dimnames(result$drops), list(NULL, c("water", "{forest}", "all"), c("blue", "nir\u00e9")))
  expect_identical(result$drops[1, 1, 1], NA_real_)
  expect_identical(unique(as.vector(result$scores)), NA_real_)
  expect_identical(result$groups, list(visible = c("blue", "green"), one = "nir\u00e9"))
  expect_identical(result$local_fit, value$local_fit)
  expect_false(result$directed)
})

test_that("the image x band table has image, output and band in step with the scores", {
  result <- stored_result(k = 2)
  table <- image_table(result)
  expect_equal(nrow(table), 4 * 2 * 2)
  for (row in seq_len(nrow(table))) {
    image <- table$image[[row]]
    position <- c(image, match(table$output[[row]], result$outputs), match(table$band[[row]], result$bands))
    expect_equal(table$score[[row]], result$scores[t(position)])
    expect_equal(table$class[[row]], result$image_class[[image]])
  }
})
