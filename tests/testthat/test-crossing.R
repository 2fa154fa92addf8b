# What becomes of R values in Python and back, for every kind that crosses.

# One row per kind of value that crosses: its name, what R holds, what Python must be given (as an expression), what our
# rules make of R's value on the way there (`to`), and of Python's on the way back (`from`).
equivalence <- function(name, r, python, to = identity, from = identity) {
  list(name = name, r = r, python = python, to = to, from = from)
}

equivalences <- list(
  equivalence("NULL", NULL, "None"),
  equivalence("logical", TRUE, "True"),
  equivalence("integer", 3L, "3"),
  equivalence("double", 0.5, "0.5"),
  equivalence("whole double", 3, "3.0"),
  equivalence("text", "a", "'a'"),
  equivalence("UTF-8 text, with braces", "n\u00e9ar {infrared} \u03bb", "'n\\u00e9ar {infrared} \\u03bb'"),
  equivalence("names: one text", "a", "['a']", as.list),
  equivalence("names: several texts", c("a", "\u00e9"), "['a', '\\u00e9']", as.list),
  equivalence("band names, which are a factor", factor(c("b", "a"), c("b", "a")), "['b', 'a']",
    to = function(names) as_bands(names), from = function(names) factor(names, names)
  ),
  equivalence("labels: a factor", factor(c("a", "c", "a"), c("c", "a")), "['a', 'c', 'a']",
    to = function(labels) as_labels(labels)$y, from = function(labels) factor(labels, c("c", "a"))
  ),
  equivalence("labels: positions", c(1L, 3L), "np.array([0, 2], np.int32)",
    to = function(labels) as_labels(labels)$y, from = function(codes) as.vector(codes) + 1L
  ),
  equivalence("labels: one position", 2L, "np.array([1], np.int32)",
    to = function(labels) as_labels(labels)$y, from = function(codes) as.vector(codes) + 1L
  ),
  equivalence("wavelengths with NA", c(480, NA), "[480.0, np.nan]", as_wavelengths, from_numbers),
  equivalence("one wavelength, NA", NA_real_, "[np.nan]", as_wavelengths, from_numbers),
  equivalence("numbers with NA", array(c(1.5, NA), c(2, 1)), "np.array([[1.5], [np.nan]])", as_numbers, from_numbers),
  equivalence("integers 1-D", array(1:3), "np.array([1, 2, 3], np.int32)"),
  equivalence("integer 1-D of length 1", array(1L), "np.array([1], np.int32)"),
  equivalence("logicals 1-D", array(c(TRUE, FALSE)), "np.array([True, False])"),
  equivalence("doubles 1-D", array(c(0.5, 2)), "np.array([0.5, 2.0])"),
  equivalence("doubles 2-D", matrix(c(1, 2.5, 3, 4), 2), "np.array([[1, 3], [2.5, 4]])"),
  equivalence("doubles 2-D, 1 x 1", matrix(1), "np.array([[1.0]])"),
  equivalence("doubles 3-D", array(1:24 / 2, c(2, 3, 4)), "np.arange(1, 25).reshape(2, 3, 4, order='F') / 2"),
  equivalence("doubles 4-D", array(1:120 / 2, 2:5), "np.arange(1, 121).reshape(2, 3, 4, 5, order='F') / 2"),
  equivalence("integers 4-D", array(1:120, 2:5), "np.arange(1, 121, dtype=np.int32).reshape(2, 3, 4, 5, order='F')"),
  equivalence("images with dimnames, which go as names", array(1:4 / 2, c(2, 2), list(NULL, c("red", "nir"))),
    "np.array([[0.5, 1.5], [1.0, 2.0]])",
    to = as_images, from = function(values) named_numbers(values, NULL, c("red", "nir"))
  ),
  equivalence("positions of images", 3:4, "np.array([2, 3], np.int32)",
    to = function(images) as_image_positions(images, 5), from = function(at) as.vector(at) + 1L
  ),
  equivalence("target", 2L, "1", as_target, function(target) target + 1L),
  equivalence("names and values", list(a = 1L, b = "x", c = NULL), "{'a': 1, 'b': 'x', 'c': None}"),
  equivalence("groups", list(visible = c("blue", "red"), one = "nir"), "{'visible': ['blue', 'red'], 'one': ['nir']}",
    to = as_groups
  ),
  equivalence("features: positions", c(1L, 4L), "[0, 3]", as_features, function(at) as.integer(unlist(at)) + 1L),
  equivalence("features: one position", 3L, "[2]", as_features, function(at) as.integer(unlist(at)) + 1L),
  equivalence("features: names", "n\u00e9", "['n\\u00e9']", as_features),
  equivalence("a position in a layer", c(2L, 1L), "[1, 0]", as_feature_position, function(at) unlist(at) + 1L),
  equivalence("layers with weights", c(a = 1, b = 0.5), "{'a': 1.0, 'b': 0.5}", as_layer, unlist),
  equivalence("one layer with a weight", c(a = 2), "{'a': 2.0}", as_layer, unlist),
  equivalence("several layers", c("a", "b/c"), "['a', 'b/c']", as_layer),
  equivalence("a range", c(0, 255), "[0.0, 255.0]", as_value_range, unlist),
  equivalence("a range per band", list(c(0, 1), c(2, 3)), "[np.array([0.0, 1.0]), np.array([2.0, 3.0])]",
    as_value_range, function(ends) lapply(ends, as.vector)
  ),
  equivalence("one direction", c(1, 0), "np.array([[1.0, 0.0]])", as_directions, function(rows) rows[1, ]),
  equivalence("the shape of an image", c(8L, 7L, 3L), "[8, 7, 3]", as_shape, unlist)
)

# Whether two Python values are the same, in type too; the order of an array in memory does not matter.
same_in_python <- function() {
  reticulate::py_run_string(paste(
    "def same(a, b):",
    "    import numpy as np",
    "    if type(a) is not type(b):",
    "        return False",
    "    if isinstance(a, np.ndarray):",
    "        equal = np.array_equal(a, b, equal_nan=a.dtype.kind == 'f')",
    "        return a.dtype == b.dtype and a.shape == b.shape and bool(equal)",
    "    if isinstance(a, dict):",
    "        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)",
    "    if isinstance(a, list):",
    "        return len(a) == len(b) and all(map(same, a, b))",
    "    return a == b or a != a and b != b",
    sep = "\n"
  ), local = FALSE)$same
}

test_that("R values are in Python what the table says, and come back as they were", {
  skip_without_python()
  reticulate::py_run_string("import numpy as np")
  same <- same_in_python()
  echo <- reticulate::py_eval("lambda value: value")
  for (row in equivalences) {
    expected <- reticulate::py_eval(row$python, convert = FALSE)
    expect_true(same(row$to(row$r), expected), label = row$name)
    expect_identical(row$from(echo(row$to(row$r))), row$r, label = row$name)
  }
  expect_false(same(1L, reticulate::py_eval("1.0", convert = FALSE))) # a table that can fail
  expect_false(same(list("a"), reticulate::py_eval("'a'", convert = FALSE)))
})

test_that("Python values are in R what the table says, and go back as they were", {
  skip_without_python()
  reticulate::py_run_string("import numpy as np")
  same <- same_in_python()
  for (row in equivalences) {
    value <- row$from(reticulate::py_eval(row$python))
    expect_identical(value, row$r, label = row$name)
    expect_true(same(row$to(value), reticulate::py_eval(row$python, convert = FALSE)), label = row$name)
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
