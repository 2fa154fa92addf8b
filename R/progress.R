# What a call says while it works: a bar that Python moves on, and messages. Silent wherever nobody is watching, and
# where options say so.

#' Options of bandlens
#'
#' Set them with [options()], for a session or in your `.Rprofile`. An argument of a call, such as `progress`, goes
#' before an option.
#'
#' \describe{
#'   \item{`bandlens.progress`}{`TRUE` or `FALSE`: whether calls that take more than two seconds show a progress bar,
#'     which says what they do. By default they do in interactive sessions, outside of knitr.}
#'   \item{`bandlens.quiet`}{`TRUE` silences messages, but no warnings: what the first call starts, that something is
#'     downloaded, the steps of a report, how many patches were dropped or scored. `FALSE` by default.}
#'   \item{`bandlens.tf32`}{`TRUE` allows GPUs to round numbers of 32 bits to TF32 before they multiply them. That is
#'     faster, but scores are less complete; a result's `versions` tell. `FALSE` by default, whatever Keras does for the
#'     model itself.}
#'   \item{`bandlens.block_values`}{How many numbers of a scene are explained at once, see [score_raster()].}
#' }
#'
#' @section Environment variables:
#' `KERAS_BACKEND` says which framework Keras runs on, as for Keras itself. On Linux, where nobody has set
#' `TF_CPU_ALLOCATOR_USE_BFC`, loading bandlens sets it to `true` before Python starts, and
#' `TF_CPU_BFC_MEM_LIMIT_IN_MB` to 1 TB: TensorFlow then keeps the memory of its tensors for the next ones, which makes
#' calls up to twice as fast on processors on which it uses no oneDNN. Set it to `false` before, if your process should
#' give memory back sooner.
#'
#' @examples
#' old <- options(bandlens.progress = FALSE, bandlens.quiet = TRUE)
#' options(old)
#' @name bandlens_options
NULL

# Is there somebody to watch?
watched <- function() {
  interactive() && !isTRUE(getOption("knitr.in.progress")) && Sys.getenv("TESTTHAT") != "true"
}

shows_progress <- function() {
  asked <- getOption("bandlens.progress")
  if (is.null(asked)) watched() else as_flag(asked, "options(\"bandlens.progress\")")
}

is_quiet <- function() as_flag(getOption("bandlens.quiet", FALSE), "options(\"bandlens.quiet\")")

# A message, unless messages are not wanted.
say <- function(text, class) {
  if (!is_quiet()) {
    rlang::inform(text, class = class)
  }
}

# What goes on, for as long as the function that calls runs.
say_meanwhile <- function(text, frame = rlang::caller_env()) {
  if (watched() && !is_quiet()) {
    cli::cli_progress_message(text, .envir = frame) # which is code for cli: no text of users
  }
}

# The first call to compute with a model takes seconds before anything moves: frameworks start, the model is followed.
say_first_call <- function(verb, frame = rlang::caller_env()) {
  if (is.null(session$called) && verb %in% calls_with_model) {
    session$called <- TRUE
    framework <- switch(keras_backend(), jax = "JAX", torch = "PyTorch", "TensorFlow")
    text <- paste0("Starting Python and ", framework, ", following the model: the first call takes longest")
    say_meanwhile(text, frame)
  }
}

calls_with_model <- c(
  "band_importance", "band_interactions", "band_maps", "band_response", "loaded_model", "check_deletion", "check_null",
  "check_quality", "check_randomization", "check_stability", "layer_activations", "list_layers", "layer_kernels",
  "top_images", "visualize_features", "window_outputs", "pixel_scores", "class_activation_maps", "occlusion_maps",
  "select_bands", "counterfactual_spectra"
)

# Names of their own, so that tests can look.
cli_bar <- function(...) cli::cli_progress_bar(...)
seconds <- function() proc.time()[["elapsed"]]

progress_bar <- function(progress, doing = "Explaining images", frame = rlang::caller_env()) {
  if (is.null(progress)) {
    progress <- shows_progress()
  }
  if (!rlang::is_bool(progress)) {
    cause("option", "`progress` must be TRUE, FALSE or NULL.", given = shown(progress))
  }
  if (!progress) {
    return(NULL)
  }
  force(frame) # the bar goes when the verb that called does, also after an error
  started <- seconds()
  bar <- NULL
  # beside the bar stands what has been reached; what is said is read once
  function(done, total, beside = NULL, said = NULL) {
    if (!is.null(said)) {
      say(said, "bandlens_message_time")
      return(invisible())
    }
    if (is.null(bar)) {
      # two seconds of the call, some of which are over
      wait <- getOption("cli.progress_show_after", 2) - (seconds() - started)
      old <- options(cli.progress_show_after = max(0, wait))
      on.exit(options(old))
      bar <<- cli_bar(doing, total = total, .envir = frame)
    }
    if (done < total) {
      status <- if (!is.null(beside)) paste0(beside, " | ")
      cli::cli_progress_update(set = done, status = status, id = bar, .envir = frame)
    } else {
      cli::cli_progress_done(id = bar, .envir = frame)
    }
    invisible()
  }
}
