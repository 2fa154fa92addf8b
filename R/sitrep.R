# What was found of all that bandlens needs, for users who can't get it to run and for those who help them.

#' Is everything there?
#'
#' Prints what bandlens has found of R, Python and the Python packages it needs, which framework Keras runs on, whether
#' that sees a GPU, and for
#' everything that is missing or does not fit the command that mends it. Put its output into a report of a problem.
#'
#' @param start Whether to start Python if it does not run yet, as the first call of [band_importance()] would; with a
#'   current reticulate, this may install Python and packages. `FALSE` looks at what is there without it. The framework
#'   that Keras runs on is imported, which takes seconds; TensorFlow then takes no memory of a GPU.
#'
#' @returns A tibble, invisibly, with one row per component:
#' \describe{
#'   \item{`component`}{what it is}
#'   \item{`version`}{its version; for `"Python program"` its path, for `"GPU"` the names of those that the framework
#'     sees; `NA` where there is none}
#'   \item{`status`}{`"ok"`, `"missing"`, `"wrong"` (it is there, but does not fit), `"optional"` (not there, and not
#'     needed by most functions) or `"unknown"` (Python has not been started)}
#'   \item{`fix`}{what to do, `NA` where there is nothing to do}
#' }
#' @examples
#' bandlens_sitrep(start = FALSE)
#' @export
bandlens_sitrep <- function(start = TRUE) {
  found <- in_verb("look at the installation", {
    if (!rlang::is_bool(start)) {
      cause("option", "`start` must be TRUE or FALSE.", given = shown(start))
    }
    rbind(r_side(), python_side(start))
  })
  cat(format_sitrep(found), sep = "\n")
  invisible(found)
}

component <- function(name, version = NULL, status = "ok", fix = NULL) {
  fix <- if (is.null(fix)) NA_character_ else sentence(fix)
  version <- if (is.null(version)) NA_character_ else as.character(version)
  tibble::tibble(component = name, version = version, status = status, fix = fix)
}

r_side <- function() {
  rbind(
    component("R", getRversion()),
    component("bandlens", utils::packageVersion("bandlens")),
    component("reticulate", utils::packageVersion("reticulate"))
  )
}

python_side <- function(start) {
  if (!start && !reticulate::py_available()) {
    return(component("Python", status = "unknown", fix = "`bandlens_sitrep()` starts Python and looks"))
  }
  require_python()
  found <- tryCatch(reticulate::py_available(initialize = TRUE), error = identity)
  if (!isTRUE(found)) {
    return(component("Python", if (inherits(found, "error")) python_message(found), "missing", install_hint()))
  }
  config <- reticulate::py_config()
  old <- package_version(config$version) < "3.10"
  rbind(
    component("Python", config$version, if (old) "wrong" else "ok", if (old) python_hint()),
    component("Python program", config$python),
    numpy_side(),
    package_side("SciPy", "scipy"),
    package_side("pandas", "pandas", needed = FALSE),
    framework_side(),
    core_side()
  )
}

python_hint <- function() {
  "name a Python of version 3.10 or later in the environment variable RETICULATE_PYTHON; then restart R"
}

numpy_side <- function() {
  version <- numpy_version()
  problem <- tryCatch(
    check_numpy(utils::packageVersion("reticulate"), version),
    bandlens_cause = identity
  )
  if (is.null(problem)) {
    return(component("NumPy", version))
  }
  component("NumPy", version, if (is.null(version)) "missing" else "wrong", problem$fix)
}

# A package that need not be imported to be known.
package_side <- function(name, package, needed = TRUE) {
  version <- tryCatch(
    as.character(reticulate::import("importlib.metadata")$version(package)),
    error = function(error) NULL
  )
  if (!is.null(version)) {
    return(component(name, version))
  }
  component(name, status = if (needed) "missing" else "optional", fix = package_hint(package))
}

# The frameworks that Keras can run on: their names, the oldest versions that fit, what makes them see a GPU, and how
# they say which they see.
frameworks <- list(
  tensorflow = list(
    name = "TensorFlow", least = "2.16", for_gpu = "tensorflow[and-cuda]",
    gpus = function(tensorflow) {
      name <- function(gpu) {
        details <- tensorflow$config$experimental$get_device_details(gpu)
        if (is.null(details$device_name)) gpu$name else details$device_name
      }
      # lists what there is, without setting it up
      vapply(tensorflow$config$list_physical_devices("GPU"), name, "")
    }
  ),
  jax = list(
    name = "JAX", least = "0.4.36", for_gpu = "jax[cuda12]",
    gpus = function(jax) {
      gpus <- Filter(function(device) device$platform != "cpu", jax$devices())
      vapply(gpus, function(device) device$device_kind, "")
    }
  ),
  torch = list(
    name = "PyTorch", least = "2.2", for_gpu = "torch",
    gpus = function(torch) {
      vapply(seq_len(torch$cuda$device_count()) - 1L, function(gpu) torch$cuda$get_device_name(gpu), "")
    }
  )
)

framework_side <- function(backend = keras_backend()) {
  framework <- frameworks[[backend]]
  module <- tryCatch(reticulate::import(backend), error = identity)
  if (inherits(module, "error")) {
    return(rbind(not_imported(framework$name, module, install_hint(backend)), component("GPU", status = "unknown")))
  }
  hint <- package_hint(paste0(backend, ">=", framework$least))
  rbind(
    of_version(framework$name, module[["__version__"]], framework$least, hint),
    keras_side(backend),
    gpu_side(framework, module)
  )
}

keras_side <- function(backend) {
  keras <- tryCatch(reticulate::import("keras"), error = identity)
  if (inherits(keras, "error")) {
    return(not_imported("Keras", keras, package_hint("keras")))
  }
  version <- of_version("Keras", keras[["__version__"]], "3.0", package_hint("keras>=3"))
  runs_on <- tryCatch(keras$config$backend(), error = function(error) "tensorflow")
  version$version <- paste(version$version, "on", runs_on)
  # its own file of settings can say something else than the variable does
  if (version$status == "ok" && runs_on != backend && !nzchar(Sys.getenv("KERAS_BACKEND"))) {
    version <- component("Keras", version$version, "wrong", backend_hint(runs_on))
  }
  version
}

backend_hint <- function(backend) {
  paste0("restart R and, before anything else, `Sys.setenv(KERAS_BACKEND = \"", backend, "\")`")
}

gpu_side <- function(framework, module) {
  gpus <- tryCatch(framework$gpus(module), error = function(error) character())
  if (length(gpus) > 0) {
    return(component("GPU", paste(gpus, collapse = ", ")))
  }
  component("GPU", status = "optional", fix = if (nzchar(Sys.which("nvidia-smi"))) gpu_hint(framework))
}

gpu_hint <- function(framework) {
  paste0(
    package_hint(framework$for_gpu), ", as this machine seems to have a GPU that ", framework$name, " does not see"
  )
}

core_side <- function() {
  module <- tryCatch(bridge(), bandlens_cause = identity)
  if (inherits(module, "bandlens_cause")) {
    return(component("bandlens' Python core", status = "wrong", fix = module$fix))
  }
  component("bandlens' Python core", module$version())
}

not_imported <- function(name, error, fix) {
  missing <- grepl("No module named|ModuleNotFoundError", conditionMessage(error))
  version <- if (!missing) paste("can't be imported:", strsplit(python_message(error), "\n")[[1]][[1]])
  component(name, version, if (missing) "missing" else "wrong", fix)
}

of_version <- function(name, version, least, fix) {
  fits <- package_version(sub("[^0-9.].*", "", version)) >= least
  component(name, version, if (fits) "ok" else "wrong", if (!fits) fix)
}

format_sitrep <- function(found) {
  marks <- list(
    ok = cli::col_green(cli::symbol$tick), missing = cli::col_red(cli::symbol$cross),
    wrong = cli::col_red(cli::symbol$cross), optional = cli::symbol$info, unknown = "?"
  )
  said <- c(missing = "missing", wrong = "does not fit", optional = "none (not needed)", unknown = "not known")
  line <- function(i) {
    row <- found[i, ]
    c(
      paste(c(
        marks[[row$status]], row$component, if (!is.na(row$version)) row$version,
        if (row$status != "ok") cli::col_grey(paste0("- ", said[[row$status]]))
      ), collapse = " "),
      if (!is.na(row$fix)) paste0("  ", cli::symbol$arrow_right, " ", row$fix)
    )
  }
  bad <- sum(found$status %in% c("missing", "wrong"))
  c(
    cli::style_bold("bandlens: what it needs, and what was found"),
    unlist(lapply(seq_len(nrow(found)), line)),
    if (bad > 0) {
      cli::col_red(paste0(count(bad, "thing"), " to mend."))
    } else if (any(found$status == "unknown")) {
      "Nothing wrong so far."
    } else {
      cli::col_green("All that is needed is there.")
    }
  )
}
