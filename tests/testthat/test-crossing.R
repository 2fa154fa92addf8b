# What becomes of R values in Python and back, for every kind that crosses.

test_that("values cross to Python and back unchanged", {
  skip_without_python()
  echo <- reticulate::py_eval("lambda value: value")
  cases <- list(
    "NULL" = NULL,
    "logical" = TRUE,
    "integer" = 3L,
    "double" = 0.5,
    "text" = "a",
    "UTF-8 text, with braces" = "n\u00e9ar {infrared} \u03bb",
    "text of length 1 in a list" = list("a"),
    "several texts in a list" = list("a", "\u00e9"),
    "integers 1-D" = array(1:3),
    "integer 1-D of length 1" = array(1L),
    "logicals 1-D" = array(c(TRUE, FALSE)),
    "doubles 2-D" = matrix(c(1, 2.5, 3, 4), 2),
    "doubles 2-D, 1 x 1" = matrix(1),
    "doubles 3-D" = array(1:24 / 2, c(2, 3, 4)),
    "doubles 4-D" = array(1:120 / 2, c(2, 3, 4, 5)),
    "integers 4-D" = array(1:120, c(2, 3, 4, 5)),
    "names" = list(a = 1L, b = "x", c = NULL)
  )
  for (name in names(cases)) {
    value <- cases[[name]]
    back <- echo(value)
    expected <- if (is.list(value) && is.null(names(value))) unlist(value) else value
    expect_identical(back, expected, label = name)
  }
})

test_that("arrays reach Python as read-only views of R's memory", {
  skip_without_python()
  compare <- reticulate::py_run_string(paste(
    "def compare(a, b):",
    "    import numpy as np",
    "    return [bool(np.shares_memory(a, b)), bool(a.flags.writeable), bool(a.flags.f_contiguous), str(a.dtype)]",
    sep = "\n"
  ), local = TRUE)$compare
  x <- images()
  expect_identical(compare(as_images(x), x), list(TRUE, FALSE, TRUE, "float64"))
  whole <- array(1:24, 2:4)
  expect_identical(compare(as_images(whole), whole), list(TRUE, FALSE, TRUE, "int32"))
})

test_that("the whole of `x` is neither copied nor changed", {
  skip_without_python()
  model <- small_model()
  x <- images(n = 200000)
  before <- x[] + 0
  size <- as.numeric(utils::object.size(x))
  band_importance(model, images(), method = "saliency") # so that imports and compilation don't count
  trace <- reticulate::import("tracemalloc")
  trace$start()
  withr::defer(trace$stop())
  copies <- utils::capture.output({
    if (capabilities("profmem")) tracemem(x)
    band_importance(model, x, method = "saliency", batch_size = 4096)
    if (capabilities("profmem")) untracemem(x)
  })
  expect_length(grep("^tracemem", copies), 0)
  peak <- trace$get_traced_memory()[[2]]
  expect_gt(size, 1.5e8)
  expect_lt(peak, 1e8) # two batches of the largest kind, and the result
  expect_identical(x, before)
})
