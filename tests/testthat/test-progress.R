# What calls say while they work, and how it is silenced.

test_that("options say whether there are bars, unless an argument does", {
  expect_null(progress_bar(NULL)) # tests aren't watched
  withr::local_options(bandlens.progress = TRUE)
  expect_type(progress_bar(NULL), "closure")
  expect_null(progress_bar(FALSE))
  withr::local_options(bandlens.progress = FALSE)
  local_fake("watched", function() TRUE)
  expect_null(progress_bar(NULL))
  expect_type(progress_bar(TRUE), "closure")
  withr::local_options(bandlens.progress = NULL)
  expect_type(progress_bar(NULL), "closure")
  withr::local_options(bandlens.progress = "no")
  expect_error(in_verb("do it", progress_bar(NULL)), class = "bandlens_error_option")
})

test_that("a bar waits for two seconds of the call, of which some may be over", {
  withr::local_options(cli.progress_handlers_only = "logger", cli.progress_show_after = NULL)
  waits <- function(started) {
    local_fake("seconds", function() started)
    bar <- progress_bar(TRUE)
    local_fake("seconds", function() started + 1.5)
    shown_after <- NULL
    local_fake("cli_bar", function(...) {
      shown_after <<- getOption("cli.progress_show_after")
      cli::cli_progress_bar(...)
    })
    utils::capture.output(bar(3, 3))
    shown_after
  }
  expect_equal(waits(100), 0.5)
  expect_null(getOption("cli.progress_show_after"))
})

test_that("the first call that needs a model says what starts, once and only to those who watch", {
  told <- character()
  local_fake("say_meanwhile", function(text, ...) told <<- c(told, text))
  before <- session$called
  withr::defer(session$called <- before)
  session$called <- NULL
  say_first_call("combine")
  expect_length(told, 0)
  withr::with_envvar(c(KERAS_BACKEND = "jax"), say_first_call("band_importance"))
  expect_match(told, "Starting Python and JAX")
  say_first_call("band_importance")
  expect_length(told, 1)
})

test_that("messages are for those who watch, and can be silenced", {
  shown <- function() {
    withr::local_options(cli.dynamic = FALSE, cli.progress_handlers_only = "cli")
    paste(utils::capture.output(say_meanwhile("Something goes on"), type = "message"), collapse = "")
  }
  expect_identical(shown(), "")
  local_fake("watched", function() TRUE)
  expect_match(shown(), "Something goes on")
  withr::local_options(bandlens.quiet = TRUE)
  expect_identical(shown(), "")
  expect_silent(say("Dropped: all.", "bandlens_message_dropped"))
  withr::local_options(bandlens.quiet = FALSE)
  expect_message(say("Dropped: all.", "bandlens_message_dropped"), class = "bandlens_message_dropped")
  withr::local_options(bandlens.quiet = NA)
  expect_error(in_verb("do it", say("x", "y")), class = "bandlens_error_option")
})

test_that("every verb of the core that takes a model is known to be one", {
  folder <- file.path(getNamespaceInfo("bandlens", "path"), "python", "bandlens", "r")
  files <- c(
    "bridge.py", "checks.py", "counterfactuals.py", "interactions.py", "localization.py", "selection.py", "windows.py"
  )
  text <- unlist(lapply(file.path(folder, files), readLines))
  starts <- grep("^def [a-z0-9_]+\\($|^def [a-z0-9_]+\\(.*model: Any", text)
  named <- vapply(starts, function(at) {
    takes <- any(grepl("model: Any|def loaded_model", text[at:(at + 1)]))
    if (takes) sub("^def ([a-z0-9_]+).*", "\\1", text[[at]]) else NA_character_
  }, "")
  # names of bands are kept with a model, and its inputs are looked at, without computing anything
  quick <- c("bands_of", "set_bands", "model_inputs", "check_plausibility")
  expect_setequal(setdiff(c(stats::na.omit(named), "loaded_model"), quick), calls_with_model)
})
