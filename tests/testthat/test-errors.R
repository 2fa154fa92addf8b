# Every error of the list in the design notes: its class, and how it reads.

test_that("errors have the class of their cause, and the cause as parent", {
  wrong <- function() cause("labels", "It is {wrong}.", expected = "a {b}", given = "<c>", fix = "try d")
  error <- error_of(in_verb("do it", wrong()))
  expect_s3_class(error, c("bandlens_error_labels", "bandlens_error", "rlang_error"), exact = FALSE)
  expect_s3_class(error$parent, "bandlens_cause_labels")
  expect_identical(error$parent[c("expected", "given", "fix")], list(expected = "a {b}", given = "<c>", fix = "try d"))
  expect_snapshot(error = TRUE, in_verb("do it", cause("option", "It is {wrong}.", expected = "a {b}", given = "<c>")))
})

test_that("wrong images are named", {
  expect_snapshot(error = TRUE, {
    band_importance("model.keras", "x.png")
    band_importance("model.keras", 1:12)
    band_importance("model.keras", iris)
    band_importance("model.keras", array(c(1L, NA), c(2, 2, 2, 4)))
    band_importance("model.keras", images(), background = factor("train"))
  })
})

test_that("wrong labels are named", {
  expect_snapshot(error = TRUE, {
    band_importance("model.keras", images(), as.character(labels()))
    band_importance("model.keras", images(), replace(labels(), 3, NA))
  })
})

test_that("wrong arguments are named", {
  expect_snapshot(error = TRUE, {
    band_importance("model.keras", images(), labels(), "saliency")
    band_importance("model.keras", images(), labels(), output = "logits")
    band_importance("model.keras", images(), labels(), n_background = 0)
    band_importance("model.keras", images(), labels(), target = 0)
    band_importance("model.keras", images(), labels(), band_axis = 1)
    band_importance("model.keras", images(), labels(), wavelengths = "red")
  })
})

test_that("models that are none are named", {
  expect_snapshot(error = TRUE, {
    band_importance(list(function(x) x), images())
    band_importance(structure(list(), class = "keras_training_history"), images())
    band_importance(lm(dist ~ speed, cars), images())
  })
})

test_that("a model from a session that has ended is recognised", {
  skip_without_python()
  lost <- unserialize(serialize(small_model(), NULL))
  expect_snapshot(error = TRUE, band_importance(lost, images()))
})

test_that("values that are not finite are named where they are, counted from 1", {
  skip_without_python()
  x <- images()
  x[3, 2, 2, 4] <- NaN
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), x, labels())
    band_importance(small_model(), images(), labels(), background = x)
  })
  x[3, 2, 2, 4] <- NA
  expect_error(band_importance(small_model(), x, labels()), class = "bandlens_error_input")
  x[3, 2, 2, 4] <- Inf
  expect_error(band_importance(small_model(), x, labels()), class = "bandlens_error_input")
})

test_that("labels that don't match are named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(), labels()[1:5])
    band_importance(small_model(), images(), as.integer(labels()) - 1L)
    band_importance(small_model(), images(), as.integer(labels()) / 2)
    band_importance(small_model(), images(), rep(1:4, 3))
    band_importance(small_model(), images(), as.character(labels()), classes = c("water", "forest", "field"))
    band_importance(small_model(), images(), labels(), classes = c("water", "forest"))
    band_importance(small_model(), images(), factor(rep(c("a", "b"), 6)))
    band_importance(small_model(), images(), labels(), target = "field")
    band_importance(small_model(), images(), labels(), target = 4)
  })
})

test_that("bands that don't match are named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(), labels(), bands = c("red", "{nir}"))
    band_importance(small_model(), images(), labels(), bands = c("a", "b", "b", "c"))
    band_importance(small_model(), images(), labels(), wavelengths = c(480, 560))
    band_importance(small_model(), images(), labels(), wavelengths = c(480, 560, -1, 700))
  })
})

test_that("groups that don't match are named, their bands counted from 1", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(), labels(), groups = c("blue", "green"))
    band_importance(small_model(), images(), labels(), groups = list(a = "blue", a = "red"))
    band_importance(small_model(), images(), labels(), groups = list(visible = 1.5))
    band_importance(small_model(), images(), labels(), groups = list(visible = 0:2))
    band_importance(small_model(), images(), labels(), groups = list(visible = c(1, 5)))
    band_importance(small_model(), images(), labels(), groups = list(visible = "{blue}"))
    band_importance(small_model(), images(), labels(), groups = list(visible = 1:2, infrared = 2:4))
    band_importance(small_model(), images(), labels(), groups = list(none = character()))
  })
})

test_that("a package that only one method needs is named, with what installs it", {
  skip_without_python()
  bridge()
  lime <- reticulate::import("bandlens.methods.lime")
  found <- lime$find_spec
  lime$find_spec <- python("lambda name: None")
  withr::defer(lime$find_spec <- found)
  error <- error_of(band_importance(small_model(), images(), labels(), method = "lime"))
  expect_s3_class(error, c("bandlens_error_missing_package", "bandlens_error"), exact = FALSE)
  expect_match(conditionMessage(error), "needs the Python package scikit-learn", fixed = TRUE)
  expect_match(conditionMessage(error), "reticulate::py_install(c(\"scikit-learn\", \"scikit-image\"))", fixed = TRUE)
  expect_match(package_hint("one"), "py_install(\"one\")", fixed = TRUE)
  expect_match(package_hint(list()), "py_install()", fixed = TRUE)
})

test_that("a background that is none is named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(), labels(), background = images()[0, , , , drop = FALSE])
    band_importance(small_model(), images(), labels(), background = images()[, 1:3, , , drop = FALSE])
  })
})

test_that("images that the model can't take are named", {
  skip_without_python()
  expect_snapshot(error = TRUE, {
    band_importance(small_model(), images(n_bands = 3), labels())
    band_importance(small_model(), images()[0, , , , drop = FALSE], labels(0))
    band_importance(small_model(), list(images()[1, , , ], images()[2, , 1:3, ]), labels(2))
    band_importance(small_model(), list(), labels(0))
  })
})

test_that("methods and options that don't exist are named", {
  skip_without_python()
  expect_error(band_importance(small_model(), images(), labels(), method = "magic"), class = "bandlens_error_option")
  expect_error(
    band_importance(small_model(), images(), labels(), method = "saliency", stepz = 3),
    "stepz", class = "bandlens_error_option"
  )
  expect_error(
    band_importance(file.path(tempdir(), "none.keras"), images(), labels()),
    "none.keras", class = "bandlens_error_model"
  )
})

test_that("an operation that DeepSHAP can't explain is named with its layer", {
  skip_without_python()
  keras <- reticulate::import("keras")
  layers <- keras$layers
  shape <- reticulate::tuple(100L)
  odd <- keras$Sequential(list(
    keras$Input(list(5L, 5L, 4L)),
    layers$Flatten(),
    layers$Lambda(python("lambda z: __import__('tensorflow').argsort(z)"), name = "odd_one", output_shape = shape),
    layers$Lambda(python("lambda z: __import__('tensorflow').cast(z, 'float32')"), output_shape = shape),
    layers$Dense(3L, activation = "softmax")
  ))
  expect_error(
    band_importance(odd, images(), labels()),
    "odd_one", class = "bandlens_error_unsupported_operation"
  )
})

test_that("any other error of Python is passed on with its words", {
  skip_without_python()
  error <- error_of(in_verb("do it", call_bridge("band_importance", 1)))
  expect_s3_class(error, c("bandlens_error_python", "bandlens_error"), exact = FALSE)
  expect_match(conditionMessage(error), "TypeError: .*missing 4 required positional arguments")
  expect_match(conditionMessage(error), "py_last_error()", fixed = TRUE)
  expect_false(holds_live_objects(error$parent[c("message", "body", "kind", "expected", "given", "fix")]))

  broken <- python("lambda images: 1 / 0")
  expect_error(band_importance(broken, images(), labels()), "division by zero", class = "bandlens_error")
})
