# Finding Python, and what is said when it isn't there.

test_that("loading the package starts no Python, and works where there is none", {
  output <- run_r(
    c(
      "stopifnot(!reticulate::py_available())",
      "x <- array(0, c(2, 3, 3, 4))",
      "result <- tryCatch(band_importance('model.keras', x), error = identity)",
      "cat(class(result)[[1]], '\n')",
      "cat(conditionMessage(result))"
    ),
    env = c("RETICULATE_PYTHON=/nowhere/python", "RETICULATE_MINICONDA_ENABLED=FALSE")
  )
  expect_null(attr(output, "status"), info = paste(output, collapse = "\n"))
  expect_match(output, "bandlens_error_python_missing", all = FALSE)
  text <- paste(output, collapse = "\n")
  expect_match(text, "Can't compute band importance", fixed = TRUE)
  expect_match(text, "keras3::install_keras()", fixed = TRUE)
  expect_match(text, "reticulate::py_install(c(\"tensorflow\"", fixed = TRUE)
})

test_that("TensorFlow is asked to keep memory before Python starts, unless somebody has decided", {
  skip_on_os(c("mac", "windows", "solaris"))
  keeps <- c("TF_CPU_ALLOCATOR_USE_BFC", "TF_CPU_BFC_MEM_LIMIT_IN_MB")
  code <- sprintf("cat('kept:', Sys.getenv(c('%s', '%s'), NA))", keeps[[1]], keeps[[2]])
  withr::local_envvar(setNames(rep(NA, 2), keeps))
  expect_match(run_r(code), "kept: true 1048576", fixed = TRUE, all = FALSE)
  expect_match(run_r(code, env = paste0(keeps, "=", c("false", "64"))), "kept: false 64", fixed = TRUE, all = FALSE)
  expect_match(run_r(code, env = "TF_CPU_BFC_MEM_LIMIT_IN_MB=64"), "kept: true 64", fixed = TRUE, all = FALSE)
})

test_that("a NumPy that this reticulate can't use is named, with what helps", {
  expect_silent(check_numpy(package_version("1.28"), "1.26.4"))
  expect_silent(check_numpy(package_version("1.41"), "2.3.1"))
  expect_silent(check_numpy(package_version("1.28"), "1.26.0rc1"))
  expect_snapshot(error = TRUE, {
    in_verb("compute band importance", check_numpy(package_version("1.28"), "2.3.1"), call = NULL)
  })
})

test_that("a Python package that is missing is named, with what helps", {
  skip_without_python()
  without_numpy <- error_of(in_verb("do it", check_numpy(package_version("1.28"), NULL)))
  expect_s3_class(without_numpy, "bandlens_error_python_missing")
  expect_match(conditionMessage(without_numpy), "Python lacks NumPy")
  output <- run_r(c(
    "reticulate::py_run_string('import sys; sys.modules[\"tensorflow\"] = None; sys.modules[\"keras\"] = None')",
    "path <- tempfile(fileext = '.keras')",
    "file.create(path)",
    "cat(conditionMessage(tryCatch(band_importance(path, array(0, c(2, 3, 3, 4))), error = identity)))"
  ))
  text <- paste(output, collapse = "\n")
  expect_match(text, "Python lacks the module 'keras'", fixed = TRUE)
  expect_match(text, "keras3::install_keras()", fixed = TRUE)
})

test_that("what Python still compiles when R ends comes to its end, also after an error", {
  skip_without_python()
  output <- run_r(c(
    "bandlens:::bridge()",
    "reticulate::py_run_string('",
    "import os, time",
    "import bandlens.engine.backends.tensorflow.fusing as fusing",
    "def compiling():",
    "    time.sleep(1)",
    "    os.write(1, b\"compiled\\\\n\")",
    "fusing.pool().submit(compiling)",
    "for _ in range(8): fusing.pool().submit(time.sleep, 600)",
    "')",
    "stop('the end')"
  ))
  expect_identical(attr(output, "status"), 1L, info = paste(output, collapse = "\n"))
  expect_match(output, "compiled", all = FALSE)
})

test_that("Python packages are declared where reticulate can install them, unless somebody has done so", {
  expect_identical(
    not_yet_asked_for(c("tensorflow>=2.16", "numpy", "scipy"), c("numpy", "tensorflow-cpu")),
    "scipy"
  )
  expect_identical(not_yet_asked_for(c("numpy", "scipy"), character()), c("numpy", "scipy"))
  expect_silent(declare_python("numpy"))
})

test_that("a package has been asked for only where the whole name is the same", {
  expect_identical(not_yet_asked_for("keras", c("keras-hub", "keras_tuner", "tf-keras")), "keras")
  expect_identical(not_yet_asked_for("jax", c("jaxlib", "jax-metal")), "jax")
  expect_identical(not_yet_asked_for("numpy", "numpydoc>=1.5"), "numpy")
  expect_identical(not_yet_asked_for("tensorflow>=2.16", c("tensorflow-metal", "tensorflow-hub")), "tensorflow>=2.16")
  expect_identical(not_yet_asked_for("tensorflow>=2.16", c("tensorflow_cpu==2.18.*", "numpy")), character())
  expect_identical(not_yet_asked_for("tensorflow>=2.16", "tf-nightly"), character())
})

test_that("the name of a package is what remains without extras, versions, conditions and address", {
  expect_identical(
    package_name(c(
      "numpy", " numpy<2,>=1.26", "NumPy ~= 1.26", "jax[cuda12]>=0.4.36", "torch==2.2; python_version > '3.9'",
      "keras@git+https://example.org/keras.git", "scikit_image", "Scikit.Image==0.25", "tf--keras"
    )),
    c("numpy", "numpy", "numpy", "jax", "torch", "keras", "scikit-image", "scikit-image", "tf-keras")
  )
  expect_identical(package_name(character()), character())
})

test_that("Python's words are kept, without traceback and advice", {
  expect_identical(python_message(simpleError("ValueError: no\n\nDetailed traceback:\n  File x")), "ValueError: no")
  expect_identical(
    python_message(simpleError("ValueError: no\nRun `reticulate::py_last_error()` for details.")),
    "ValueError: no"
  )
})

test_that("the core has the version of the package", {
  skip_without_python()
  expect_identical(bridge()$version(), as.character(utils::packageVersion("bandlens")))
})

test_that("TF32 is allowed by an option, and results tell", {
  skip_without_python()
  x <- array(stats::runif(3 * 100), c(3, 5, 5, 4))
  versions <- function() summary(band_importance(small_model(), x, method = "saliency"))$versions
  expect_false("float32" %in% names(versions()))
  local({
    withr::local_options(bandlens.tf32 = TRUE)
    expect_identical(versions()[["float32"]], "TF32 allowed")
    options(bandlens.tf32 = "yes")
    expect_snapshot(error = TRUE, band_importance("model.keras", x))
  })
  expect_false("float32" %in% names(versions()))
})
