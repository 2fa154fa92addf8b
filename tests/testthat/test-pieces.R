# Results cut and put together. The numbers come from the core; nothing here needs a model.

test_that("what was cut and put together is the whole", {
  skip_without_python()
  importance <- c(landsat_result()) # with the columns of this version
  n <- length(importance$image_class)
  first <- importance[1:40]
  rest <- importance[-(1:40)]
  expect_s3_class(first, "band_importance")
  expect_length(first$image_class, 40)
  expect_length(rest$image_class, n - 40)
  whole <- c(first, rest)
  expect_equal(whole$seconds, importance$seconds)
  whole$seconds <- importance$seconds
  expect_equal(unclass(whole), unclass(importance), tolerance = 1e-12)
  expect_identical(tidy(whole, "image"), tidy(importance, "image"))
  expect_identical(rbind(first, rest), c(first, rest))
  expect_identical(do.call(c, list(first, rest)), c(first, rest))
  expect_identical(importance[], importance)
  expect_false(holds_live_objects(first))
})

test_that("a part has the images, and the table of these images", {
  skip_without_python()
  importance <- c(landsat_result()) # with the columns of this version
  own <- importance$image_class == levels(importance$image_class)[[2]]
  part <- importance[own]
  expect_identical(part$scores, importance$scores[own, , , drop = FALSE])
  expect_identical(part$band_means, importance$band_means[own, ])
  expect_identical(part$classes, importance$classes)
  expect_identical(part$background, importance$background)
  expect_equal(part$completeness, max(importance$residuals[own]))
  all <- tidy(importance)
  rows <- tidy(part)
  expect_equal(rows, all[all$class == levels(all$class)[[2]], ])
  expect_identical(importance[which(own)]$table, rows)
  expect_identical(importance[-which(!own)]$table, rows)
  backwards <- importance[3:1]
  expect_identical(backwards$image_class, importance$image_class[3:1])
})

test_that("images that are none are named", {
  importance <- stored_result()
  for (i in list(0, 1.5, c(-1, 2), NA, c(TRUE, FALSE), 5, -5, "scores", list(1), c(TRUE, NA, TRUE, TRUE), NULL)) {
    if (!is.null(i)) expect_error(importance[i], class = "bandlens_error_option")
  }
  expect_snapshot(error = TRUE, {
    importance["scores"]
    importance[3:6]
  })
  skip_without_python()
  expect_error(importance[integer()], class = "bandlens_error_option")
  expect_error(importance[c(2, 2)], class = "bandlens_error_option")
})

test_that("results that are not alike are refused by what differs", {
  skip_without_python()
  importance <- stored_result()
  other <- function(...) utils::modifyList(importance, list(...))
  expect_error(c(importance, other(seed = 3L)), class = "bandlens_error_result")
  expect_error(c(importance, 1), class = "bandlens_error_result")
  expect_snapshot(error = TRUE, {
    c(importance, other(classes = c("a", "b")))
    c(importance, importance, other(background = 1:2))
    c(importance, other(base_values = importance$base_values + 1))
    c(importance, "a")
  })
})

test_that("results without scores of images can be neither cut nor put together", {
  skip_without_python()
  importance <- stored_result()
  importance$drops <- array(1, c(5, 3, 2))
  expect_error(importance[1:2], "no scores of their own", class = "bandlens_error_result")
  expect_error(c(importance, importance), "no scores of their own", class = "bandlens_error_result")
})

test_that("pieces have the table of one computation", {
  skip_without_python()
  explain <- function(part) {
    band_importance(small_model(), images()[part, , , , drop = FALSE], labels()[part], background = images(8, seed = 2))
  }
  whole <- explain(1:12)
  pieces <- c(explain(1:5), explain(6:12))
  expect_equal(pieces$scores, whole$scores, tolerance = 1e-5)
  expect_equal(tidy(pieces), tidy(whole), tolerance = 1e-5)
  expect_equal(tidy(whole[6:12]), tidy(explain(6:12)), tolerance = 1e-5)
})

test_that("a result is still a list for those who look inside", {
  importance <- stored_result()
  expect_output(utils::str(importance), "scores")
  expect_identical(importance, unserialize(serialize(importance, NULL)))
  expect_true(all.equal(importance, importance))
  expect_identical(importance[["method"]], "deepshap")
  expect_identical(lapply(importance, identity)$bands, importance$bands)
  expect_type(as_result(importance), "list")
})

test_that("results of an earlier version say that they don't know of the background", {
  skip_without_python()
  again <- tidy(c(landsat_result()))
  expect_equal(again[names(tidy(landsat_result()))], tidy(landsat_result()), tolerance = 1e-12)
  expect_true(all(is.na(again$se_background)))
  expect_equal(again$se_images, again$std_error)
  expect_identical(glance(landsat_result())$background_part, NA_real_)
})
