# What was found of all that bandlens needs, for users who can't get it to run and for those who help them.

#' Is everything there?
#'
#' Prints what bandlens has found of R, Python and the Python packages it needs, whether TensorFlow sees a GPU, and for
#' everything that is missing or does not fit the command that mends it. Put its output into a report of a problem.
#'
#' @param start Whether to start Python if it does not run yet, as the first call of [band_importance()] would; with a
#'   current reticulate, this may install Python and packages. `FALSE` looks at what is there without it. TensorFlow is
#'   imported, which takes seconds; no memory of a GPU is taken.
#'
#' @returns A tibble, invisibly, with one row per component:
#' \describe{
#'   \item{`component`}{what it is}
#'   \item{`version`}{its version; for `"Python program"` its path, for `"GPU"` the names of those that TensorFlow sees;
#'     `NA` where there is none}
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
    tensorflow_side(),
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

tensorflow_side <- function() {
  tensorflow <- tryCatch(reticulate::import("tensorflow"), error = identity)
  if (inherits(tensorflow, "error")) {
    return(rbind(not_imported("TensorFlow", tensorflow, install_hint()), component("GPU", status = "unknown")))
  }
  rbind(
    of_version("TensorFlow", tensorflow[["__version__"]], "2.16", package_hint("tensorflow>=2.16")),
    keras_side(),
    gpu_side(tensorflow)
  )
}

keras_side <- function() {
  keras <- tryCatch(reticulate::import("keras"), error = identity)
  if (inherits(keras, "error")) {
    return(not_imported("Keras", keras, package_hint("keras")))
  }
  version <- of_version("Keras", keras[["__version__"]], "3.0", package_hint("keras>=3"))
  backend <- tryCatch(keras$config$backend(), error = function(error) "tensorflow")
  if (version$status == "ok" && backend != "tensorflow") {
    return(component("Keras", paste0(version$version, " on ", backend), "wrong", backend_hint()))
  }
  version
}

backend_hint <- function() "restart R and, before anything else, `Sys.setenv(KERAS_BACKEND = \"tensorflow\")`"

gpu_side <- function(tensorflow) {
  name <- function(gpu) {
    details <- tensorflow$config$experimental$get_device_details(gpu)
    if (is.null(details$device_name)) gpu$name else details$device_name
  }
  # lists what there is, without setting it up
  gpus <- tryCatch(
    vapply(tensorflow$config$list_physical_devices("GPU"), name, ""),
    error = function(error) character()
  )
  if (length(gpus) > 0) {
    return(component("GPU", paste(gpus, collapse = ", ")))
  }
  component("GPU", status = "optional", fix = if (nzchar(Sys.which("nvidia-smi"))) gpu_hint())
}

gpu_hint <- function() {
  paste0(package_hint("tensorflow[and-cuda]"), ", as this machine seems to have a GPU that TensorFlow does not see")
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
