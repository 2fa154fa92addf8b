# Errors: what goes wrong is a "cause" (raised where it is noticed, here or in Python), and the verb the user called
# turns it into one classed condition with the cause as its parent. Texts go through rlang only, never through cli or
# glue: a band may be called "{x}".

#' Errors that bandlens raises
#'
#' Every error that bandlens raises on purpose has the class `bandlens_error` and one that says what is wrong, so that
#' code can tell them apart: `tryCatch(band_importance(...), bandlens_error_labels = function(e) ...)`. The cause, with
#' what was expected, what was given and how to mend it, is the condition's `parent`; its parts are in the fields
#' `message`, `expected`, `given` and `fix`.
#'
#' | class | what is wrong |
#' | --- | --- |
#' | `bandlens_error_input` | the images have a wrong shape, are none, or hold missing or infinite values |
#' | `bandlens_error_input_type` | the images are not an array of numbers |
#' | `bandlens_error_bands` | band names, wavelengths or the band axis don't fit the images |
#' | `bandlens_error_labels` | labels or class names don't fit the images or the model |
#' | `bandlens_error_background` | the background is empty, has a wrong shape or holds values that are not finite |
#' | `bandlens_error_model` | the model can't take these images, or doesn't return one row of scores per image |
#' | `bandlens_error_model_type` | the model is nothing that can be explained, or was lost with an earlier session |
#' | `bandlens_error_layer` | the model has no such layer, or the layer has not what was asked for |
#' | `bandlens_error_unsupported_operation` | the model holds an operation that the method can't explain |
#' | `bandlens_error_option` | an argument has a value that is not among those allowed |
#' | `bandlens_error_result` | a result can't be shown as asked |
#' | `bandlens_error_source` | a file or a stream of images can't be read, ends early, or changed while it was read |
#' | `bandlens_error_raster` | a scene is no raster that can be read, or holds nothing |
#' | `bandlens_error_locations` | places don't fit the scene: no reference system, over the edge, no data there |
#' | `bandlens_error_cluster` | workers of a cluster can't be reached, or are not like this session |
#' | `bandlens_error_missing_package` | a package or program that only some functions need isn't there |
#' | `bandlens_error_download` | data that is downloaded on request can't be had, or is not what it should be |
#' | `bandlens_error_python_missing` | Python, or a Python package, isn't there or doesn't fit |
#' | `bandlens_error_python` | any other error in Python |
#'
#' Warnings have the class `bandlens_warning` and one of their own, too:
#'
#' | class | what it says |
#' | --- | --- |
#' | `bandlens_warning_completeness` | scores can't be right: see [band_importance()], section Warnings |
#' | `bandlens_warning_no_derivative` | a method that needs derivatives gives 0 for bands that have none |
#' | `bandlens_warning_dead_feature` | a feature stays silent, or nothing excites it more: its images show nothing |
#' | `bandlens_warning_data` | images, background or wavelengths look unlike what the model takes them for |
#' | `bandlens_warning_accuracy` | the model is hardly better than chance, or labels look shifted |
#' | `bandlens_warning_precision` | shares are not known as well as it was asked for: see [band_importance()] |
#' | `bandlens_warning_interrupted` | a computation was interrupted, and what it had found so far is returned |
#' | `bandlens_warning_check` | a check of a report can't be made |
#'
#' @name bandlens_errors
#' @keywords internal
NULL

# Raise a cause. `in_verb()` makes it an error of the verb the user called.
cause <- function(kind, message, ..., expected = NULL, given = NULL, fix = NULL) {
  rlang::check_dots_empty()
  bullets <- c(
    i = if (!is.null(expected)) paste("Expected:", expected),
    x = if (!is.null(given)) paste("Given:", given),
    ">" = if (!is.null(fix)) sentence(fix)
  )
  rlang::cnd_signal(rlang::error_cnd(
    class = c(paste0("bandlens_cause_", kind), "bandlens_cause"),
    message = message, body = if (!is.null(bullets)) rlang::format_error_bullets(bullets),
    kind = kind, expected = expected, given = given, fix = fix
  ))
}

# Evaluate the body of a verb; causes in it become errors that name the verb.
in_verb <- function(can_not, body, call = rlang::caller_env()) {
  withCallingHandlers(body, bandlens_cause = function(cause) {
    cause$trace <- NULL # the way to the user's call is of interest, not the one inside
    rlang::abort(
      paste0("Can't ", can_not, "."),
      class = c(paste0("bandlens_error_", cause$kind), "bandlens_error"),
      parent = cause, call = call, trace = rlang::trace_back(bottom = call)
    )
  })
}

# What the core warned of, as warnings of R.
warn_of <- function(warnings) {
  for (one in warnings) {
    rlang::warn(one$message, class = c(paste0("bandlens_warning_", one$kind), "bandlens_warning"))
  }
}

# The user's choice among fixed ones; the first is the default.
choose <- function(value, choices, name) {
  if (identical(value, choices)) {
    return(choices[[1]])
  }
  if (!rlang::is_string(value) || !value %in% choices) {
    cause("option", paste0("`", name, "` has a value that is not among those allowed."),
      expected = paste(paste0("\"", choices, "\""), collapse = ", "), given = shown(value),
      fix = nearest(value, choices)
    )
  }
  value
}

sentence <- function(text) {
  paste0(toupper(substr(text, 1, 1)), substr(text, 2, nchar(text)))
}

# A short, one-line picture of a value for messages.
shown <- function(value) {
  if (is.null(value)) {
    return("NULL")
  }
  if (is.atomic(value) && is.null(dim(value)) && !is.object(value)) {
    quoted <- if (is.character(value)) paste0("\"", value, "\"") else format(value, trim = TRUE, digits = 7)
    return(some(quoted))
  }
  size <- if (is.null(dim(value))) length(value) else paste(dim(value), collapse = " x ")
  paste0("<", class(value)[[1]], " [", size, "]>")
}

# The first few of several, and how many there are.
some <- function(values, most = 8L) {
  if (length(values) == 0) {
    return("none")
  }
  text <- paste(utils::head(values, most), collapse = ", ")
  if (length(values) > most) paste0(text, ", ... (", length(values), " in all)") else text
}
