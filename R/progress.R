# A progress bar that Python moves on. Silent wherever nobody is watching.

progress_bar <- function(progress, doing = "Explaining images", frame = rlang::caller_env()) {
  if (is.null(progress)) {
    progress <- interactive() && !isTRUE(getOption("knitr.in.progress")) && Sys.getenv("TESTTHAT") != "true"
  }
  if (!rlang::is_bool(progress)) {
    cause("option", "`progress` must be TRUE, FALSE or NULL.", given = shown(progress))
  }
  if (!progress) {
    return(NULL)
  }
  force(frame) # the bar goes when the verb that called does, also after an error
  bar <- NULL
  function(done, total) {
    if (is.null(bar)) {
      bar <<- cli::cli_progress_bar(doing, total = total, .envir = frame)
    }
    if (done < total) {
      cli::cli_progress_update(set = done, id = bar, .envir = frame)
    } else {
      cli::cli_progress_done(id = bar, .envir = frame)
    }
    invisible()
  }
}
