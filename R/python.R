# Finding Python and importing the core. Nothing here runs before the first call that needs it.

session <- new.env(parent = emptyenv())

# The one Python module that R talks to.
bridge <- function() {
  if (is.null(session$bridge)) {
    session$bridge <- load_bridge()
    reg.finalizer(session, finish_python, onexit = TRUE)
  }
  session$bridge
}

# R ends the process without Python's own end, which waits for threads: one that still compiles then would crash it.
finish_python <- function(session) {
  try(session$bridge$finish(), silent = TRUE)
}

# Call a function of the bridge. Errors and warnings of bandlens come back as values, so that they look the same
# whatever reticulate does with Python's; all other exceptions are errors of Python.
call_bridge <- function(name, ...) {
  arguments <- list(...)
  tf32 <- as_flag(getOption("bandlens.tf32", FALSE), "options(\"bandlens.tf32\")")
  say_first_call(name)
  module <- bridge()
  module$allow_tf32(tf32)
  session$interrupted <- FALSE
  answer <- tryCatch(
    with_interrupts_in_python(
      do.call(reticulate::py_call, c(list(module[[name]]), lapply(arguments, hearing)), quote = TRUE),
      isTRUE(module$hears_interrupts)
    ),
    error = function(error) {
      if (session$interrupted) {
        rlang::interrupt()
      }
      cause("python", python_message(error), fix = "see `reticulate::py_last_error()`")
    }
  )
  if (inherits(answer, "python.builtin.object")) {
    answer <- reticulate::py_to_r(answer)
  }
  take_answer(answer)
}

# The value of an answer, after its warnings, or its error.
take_answer <- function(answer) {
  for (text in answer$messages) {
    rlang::inform(text, class = "bandlens_message")
  }
  warn_of(answer$warnings)
  if (identical(answer$kind, "python_missing")) {
    answer$given <- which_python()
    answer$fix <- install_hint()
  }
  if (identical(answer$kind, "missing_package")) {
    answer$given <- which_python()
    answer$fix <- package_hint(answer$packages)
  }
  if (!isTRUE(answer$ok)) {
    cause(answer$kind, answer$message, expected = answer$expected, given = answer$given, fix = answer$fix)
  }
  answer$value
}

load_bridge <- function() {
  require_python()
  found <- tryCatch(reticulate::py_available(initialize = TRUE), error = function(error) error)
  if (!isTRUE(found)) {
    cause(
      "python_missing", "R has found no Python it can use.",
      expected = "Python 3.10 or later with TensorFlow 2.16 or later, NumPy and SciPy",
      given = if (inherits(found, "error")) python_message(found),
      fix = install_hint()
    )
  }
  check_numpy(utils::packageVersion("reticulate"), numpy_version())
  folder <- system.file("python", package = "bandlens")
  if (!file.exists(file.path(folder, "bandlens", "r", "bridge.py"))) {
    cause(
      "python_missing", "This installation of bandlens lacks its Python core.",
      expected = "a folder \"python\" inside the installed package",
      fix = "install bandlens again, from a built package"
    )
  }
  module <- tryCatch(
    reticulate::import_from_path("bandlens.r.bridge", path = folder),
    error = function(error) cause("python_missing", python_message(error), fix = install_hint())
  )
  theirs <- module$version()
  ours <- as.character(utils::packageVersion("bandlens"))
  if (!identical(theirs, ours)) {
    cause(
      "python_missing", "Another version of bandlens has been imported in this Python session.",
      expected = paste("version", ours), given = paste("version", theirs),
      fix = "restart R, and don't import the Python package yourself before using the R package"
    )
  }
  module
}

# reticulate from 1.41 on installs what is asked for before Python starts; older ones use what the user has set up. The
# function is looked up because older reticulates don't have it.
declare_python <- function(packages) {
  py_require <- get0("py_require", asNamespace("reticulate"), mode = "function")
  if (!is.null(py_require) && !reticulate::py_available()) {
    packages <- not_yet_asked_for(packages, py_require()$packages)
    if (length(packages) > 0) {
      py_require(packages)
    }
  }
  invisible()
}

# Those of the wanted packages that nobody has asked for yet; another build of TensorFlow is TensorFlow, too.
not_yet_asked_for <- function(packages, asked) {
  asked <- package_name(asked)
  asked[asked %in% tensorflow_builds] <- "tensorflow"
  packages[!package_name(packages) %in% asked]
}

# They hold the module `tensorflow` themselves, and must not be installed besides it.
tensorflow_builds <- c(
  paste0("tensorflow-", c("cpu", "cpu-aws", "gpu", "rocm", "intel", "macos", "aarch64")), "tf-nightly", "tf-nightly-cpu"
)

# The name in a requirement such as "jax[cuda12]>=0.4.36": without extras, versions, conditions and address, and as
# Python's package index compares names, where neither case matters nor which of "-", "_" and "." stands between words.
package_name <- function(requirement) {
  name <- sub("^([A-Za-z0-9._-]*[A-Za-z0-9]).*", "\\1", trimws(requirement))
  tolower(gsub("[-_.]+", "-", name))
}

# What runs the models is asked for only when nobody else has (keras3 may have asked for a build of its own).
require_python <- function() {
  declare_python(c(framework_packages(keras_backend()), "numpy", "scipy"))
}

# The framework that Keras runs on, before it is imported; `keras3::use_backend()` sets the variable, too.
keras_backend <- function() {
  name <- Sys.getenv("KERAS_BACKEND")
  if (name %in% c("jax", "torch")) name else "tensorflow"
}

framework_packages <- function(backend) {
  switch(backend, jax = c("jax", "keras"), torch = c("torch", "keras"), "tensorflow>=2.16")
}

check_numpy <- function(reticulate, numpy) {
  if (is.null(numpy)) {
    cause(
      "python_missing", "Python lacks NumPy.",
      expected = "Python with TensorFlow, NumPy and SciPy", given = which_python(), fix = install_hint()
    )
  }
  if (reticulate < "1.38" && package_version(sub("[^0-9.].*", "", numpy)) >= "2") {
    cause(
      "python_missing", "This reticulate can't use NumPy 2.",
      expected = "reticulate 1.38 or later, or NumPy before 2",
      given = paste0("reticulate ", reticulate, " and NumPy ", numpy),
      fix = "`install.packages(\"reticulate\")`, or `reticulate::py_install(\"numpy<2\")`; then restart R"
    )
  }
  invisible()
}

numpy_version <- function() {
  version <- reticulate::py_config()$numpy$version
  if (is.null(version)) NULL else as.character(version)
}

which_python <- function() {
  paste("the Python at", reticulate::py_config()$python)
}

install_hint <- function(backend = keras_backend()) {
  if (backend != "tensorflow") {
    packages <- paste0("\"", c(framework_packages(backend), "numpy", "scipy"), "\"", collapse = ", ")
    return(paste0(
      "install what is missing with `keras3::install_keras(backend = \"", backend, "\")` or `reticulate::py_install(c(",
      packages, "))`, or name a Python that has it in the environment variable RETICULATE_PYTHON; then restart R"
    ))
  }
  numpy <- if (utils::packageVersion("reticulate") < "1.38") "numpy<2" else "numpy"
  paste0(
    "install what is missing with `keras3::install_keras()` or `reticulate::py_install(c(\"tensorflow\", \"", numpy,
    "\", \"scipy\"))`, or name a Python that has it in the environment variable RETICULATE_PYTHON; then restart R"
  )
}

# For Python packages that only some methods need.
package_hint <- function(packages) {
  packages <- paste0("\"", packages, "\"", recycle0 = TRUE)
  if (length(packages) > 1) {
    packages <- paste0("c(", paste(packages, collapse = ", "), ")")
  }
  paste0("install what is missing with `reticulate::py_install(", packages, ")`")
}

# Python's own words, without the traceback and the advice that versions of reticulate add.
python_message <- function(error) {
  message <- conditionMessage(error)
  message <- sub("\n+(Detailed traceback|Traceback|Run `reticulate::py_last_error).*", "", message)
  trimws(message)
}

# For examples: is there a Python with TensorFlow, without starting one where none was chosen?
has_tensorflow <- function() {
  chosen <- reticulate::py_available() || nzchar(Sys.getenv("RETICULATE_PYTHON"))
  chosen && isTRUE(tryCatch(reticulate::py_module_available("tensorflow"), error = function(error) FALSE))
}
