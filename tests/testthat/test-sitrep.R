# What is said of an installation.

test_that("what is there is said, and nothing has to be mended here", {
  skip_without_python()
  lines <- utils::capture.output(found <- bandlens_sitrep())
  expect_named(found, c("component", "version", "status", "fix"))
  expect_identical(found$component, c(
    "R", "bandlens", "reticulate", "Python", "Python program", "NumPy", "SciPy", "pandas", "TensorFlow", "Keras", "GPU",
    "bandlens' Python core"
  ))
  expect_true(all(found$status[-11] == "ok"))
  version <- function(name) found$version[found$component == name]
  expect_identical(version("R"), as.character(getRversion()))
  expect_identical(version("bandlens"), version("bandlens' Python core"))
  expect_identical(version("reticulate"), as.character(utils::packageVersion("reticulate")))
  expect_identical(version("NumPy"), numpy_version())
  expect_identical(version("TensorFlow"), reticulate::import("tensorflow")[["__version__"]])
  expect_match(lines, "All that is needed is there", all = FALSE)
})

test_that("what is wrong is printed with what mends it", {
  found <- rbind(
    component("R", "4.2.2"),
    component("NumPy", "2.3.1", "wrong", "`install.packages(\"reticulate\")`; then restart R"),
    component("SciPy", status = "missing", fix = package_hint("scipy")),
    component("GPU", status = "optional"),
    component("{x}", status = "unknown")
  )
  expect_snapshot({
    cat(format_sitrep(found), sep = "\n")
    cat(format_sitrep(found[c(1, 3), ]), sep = "\n")
    cat(format_sitrep(found[c(1, 5), ]), sep = "\n")
    cat(format_sitrep(found[c(1, 4), ]), sep = "\n")
  })
  expect_snapshot(cat(conditionMessage(error_of(bandlens_sitrep(start = NA)))))
})

test_that("Python is started only if that is wanted", {
  output <- run_r(c(
    "found <- bandlens_sitrep(start = FALSE)",
    "stopifnot(!reticulate::py_available(), found$status[[4]] == 'unknown', nrow(found) == 4)",
    "cat('done')"
  ))
  expect_match(output, "done", all = FALSE)
  expect_match(output, "bandlens_sitrep\\(\\)` starts Python", all = FALSE)
})

test_that("a machine without Python is told so", {
  output <- run_r(
    c("found <- bandlens_sitrep()", "cat(found$status[[4]], nrow(found))"),
    env = c("RETICULATE_PYTHON=/nowhere/python", "RETICULATE_MINICONDA_ENABLED=FALSE")
  )
  expect_null(attr(output, "status"), info = paste(output, collapse = "\n"))
  expect_match(output, "missing 4", all = FALSE)
  expect_match(output, "keras3::install_keras()", fixed = TRUE, all = FALSE)
  expect_match(output, "1 thing to mend", all = FALSE)
})

test_that("a Python without TensorFlow is told so", {
  skip_without_python()
  output <- run_r(c(
    "reticulate::py_run_string('import sys; sys.modules[\"tensorflow\"] = None')",
    "found <- bandlens_sitrep()",
    "cat(found$status[found$component == 'TensorFlow'], nrow(found))"
  ))
  expect_match(output, "missing 11", all = FALSE)
  expect_match(output, "TensorFlow - missing", all = FALSE)
})

test_that("each component knows what does not fit", {
  skip_without_python()
  expect_match(package_side("No", "no-such-package")$fix, "py_install(\"no-such-package\")", fixed = TRUE)
  expect_identical(package_side("No", "no-such-package")$status, "missing")
  expect_identical(package_side("No", "no-such-package", needed = FALSE)$status, "optional")
  old <- of_version("TensorFlow", "2.15.1", "2.16", "do it")
  expect_identical(old[3:4], tibble::tibble(status = "wrong", fix = "Do it"))
  expect_identical(of_version("TensorFlow", "2.21.0rc1", "2.16", "do it")$status, "ok")
  broken <- not_imported("TensorFlow", simpleError("ImportError: DLL load failed\n more"), "do it")
  expect_identical(broken$status, "wrong")
  expect_identical(broken$version, "can't be imported: ImportError: DLL load failed")
})

test_that("GPUs are named", {
  tensorflow <- function(gpus, details) {
    module <- list(config = list(
      list_physical_devices = function(kind) gpus,
      experimental = list(get_device_details = function(gpu) details)
    ))
    gpu_side(frameworks$tensorflow, module)
  }
  two <- list(list(name = "/gpu:0"), list(name = "/gpu:1"))
  expect_identical(tensorflow(two, list(device_name = "H200"))$version, "H200, H200")
  expect_identical(tensorflow(two, list())$version, "/gpu:0, /gpu:1")
  device <- function(kind, platform) list(device_kind = kind, platform = platform)
  jax <- list(devices = function() list(device("H200", "gpu"), device("cpu", "cpu")))
  expect_identical(gpu_side(frameworks$jax, jax)$version, "H200")
  torch <- list(cuda = list(device_count = function() 2L, get_device_name = function(gpu) paste0("H", gpu)))
  expect_identical(gpu_side(frameworks$torch, torch)$version, "H0, H1")
  withr::local_envvar(PATH = "")
  expect_identical(tensorflow(list(), NULL), component("GPU", status = "optional"))
  expect_identical(gpu_side(frameworks$jax, list(devices = function() list(device("cpu", "cpu"))))$status, "optional")
  expect_match(gpu_hint(frameworks$tensorflow), "tensorflow[and-cuda]", fixed = TRUE)
})

test_that("the framework that Keras runs on is looked at and asked for, and no other", {
  expect_identical(withr::with_envvar(c(KERAS_BACKEND = "jax"), keras_backend()), "jax")
  expect_identical(withr::with_envvar(c(KERAS_BACKEND = ""), keras_backend()), "tensorflow")
  expect_identical(framework_packages("tensorflow"), "tensorflow>=2.16")
  expect_match(install_hint("torch"), "keras3::install_keras(backend = \"torch\")", fixed = TRUE)
  expect_match(install_hint("jax"), "py_install(c(\"jax\", \"keras\", \"numpy\", \"scipy\"))", fixed = TRUE)
  skip_without_python()
  output <- run_r(
    c(
      "reticulate::py_run_string('import sys; sys.modules[\"jax\"] = None; sys.modules[\"tensorflow\"] = None')",
      "found <- bandlens_sitrep()",
      "cat(found$status[found$component == 'JAX'], 'TensorFlow' %in% found$component)"
    ),
    env = "KERAS_BACKEND=jax"
  )
  expect_match(output, "missing FALSE", all = FALSE)
  expect_match(output, "install_keras(backend = \"jax\")", fixed = TRUE, all = FALSE)
})
