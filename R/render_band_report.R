# The whole answer in one file that can be handed on: tables, pictures, checks, and what is needed to repeat it.

#' Write a report on band importance
#'
#' Computes [band_importance()], or takes a result that is ready, makes checks, and writes a report of one file: the
#' answer in words, the class x band table, pictures, checks with their verdicts, what the numbers mean, the method with
#' its reference, and the call, versions and settings that are needed to repeat it.
#'
#' @param model A model as for [band_importance()]; or a [band_importance()] that is ready, which is then reported on as
#'   it is, without Python.
#' @param x,y Images and their classes, as for [band_importance()]. With `importance`, the images that it explains.
#' @param ... Other arguments of [band_importance()], by name, such as `background` or `method`, and options of the
#'   method. Checks have them too. With `importance` they are needed by checks only, and only those that the result does
#'   not know: `background`, where it was given, and `band_axis`.
#' @param importance A [band_importance()] of `model` and `x`, which then need not be computed again.
#' @param checks Which checks to make, as far as the model is given:
#'   * `TRUE`: all four, `"stability"`, `"deletion"`, `"randomization"` and `"null"`. They may take ten times as long as
#'     the table itself;
#'   * some of these names; or `FALSE`: none;
#'   * a list with options of checks by their names, such as `list(stability = list(backgrounds = 5), null = list())`.
#'     It may also hold outcomes that are ready, also those of [compare_importance()].
#'
#'   A check that can't be made does not stop the report: it is a warning, and the report says why.
#' @param output_file Path of the report; a file that is there is replaced. `NULL` writes `band_report.html` or
#'   `band_report.pdf` into the working directory.
#' @param format `"html"`, one file that needs nothing else, or `"pdf"`, which needs LaTeX. If it is not given, the name
#'   of `output_file` decides.
#' @param title Title, in Markdown; `NULL` asks which bands the model relies on.
#' @param author Authors, or `NULL`.
#' @param quiet Whether to say nothing of the progress. Inside knitr documents, and with
#'   `options(bandlens.quiet = TRUE)`, nothing is said.
#'
#' @returns The path of the report, invisibly.
#'
#' @details
#' Needs the packages rmarkdown and knitr, and pandoc, which comes with RStudio.
#'
#' Tables of more than 13 bands show those with the largest share of importance, and say so.
#'
#' For a report with text of your own, make an R Markdown document of it: in RStudio by File > New File > R Markdown >
#' From Template > Band report, elsewhere by `rmarkdown::draft("report.Rmd", "band_report", package = "bandlens")`. It
#' has the same contents, and a place for your model and data.
#'
#' @seealso [band_importance()]; [check_stability()], [check_deletion()], [check_randomization()] and [check_null()] for
#'   the checks and their options.
#' @examplesIf requireNamespace("rmarkdown", quietly = TRUE) && rmarkdown::pandoc_available()
#' \donttest{
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' report <- render_band_report(importance, output_file = tempfile(fileext = ".html"), quiet = TRUE)
#' if (interactive()) browseURL(report)
#' }
#'
#' # with a model, everything in one go
#' \dontrun{
#' render_band_report(model, x_test, y_test, background = x_train, output_file = "report.html")
#' }
#' @export
render_band_report <- function(model = NULL,
                               x = NULL,
                               y = NULL,
                               ...,
                               importance = NULL,
                               checks = TRUE,
                               output_file = NULL,
                               format = c("html", "pdf"),
                               title = NULL,
                               author = NULL,
                               quiet = FALSE) {
  call <- match.call()
  in_verb("write the report", {
    if (inherits(model, "pooled_importance")) {
      cause("result", "A report is about one model, and this result is pooled over several.",
        expected = "a result of `band_importance()` for one model", fix = "report on the result of one of the runs"
      )
    }
    if (inherits(model, "band_importance")) {
      importance <- model
      model <- NULL
    }
    given <- list(...)
    one_method(given$method)
    file <- report_file(output_file, if (!missing(format)) format)
    plan <- check_plan(checks)
    check_report_input(model, x, importance, given, plan, by_default = isTRUE(checks))
    check_report_text(title, "title")
    check_report_text(author, "author")
    needs_report_tools(file)
    quiet <- as_flag(quiet, "quiet") || is_quiet() || isTRUE(getOption("knitr.in.progress"))
    progress <- if (quiet) FALSE
    say <- if (quiet) function(...) NULL else report_progress()

    if (is.null(importance)) {
      say("Computing band importance")
      importance <- rlang::inject(band_importance(model, x, y, !!!given, progress = progress))
    } else {
      given <- utils::modifyList(settings_of(importance), given)
      y <- if (is.null(y)) classes_of(importance, x) else y
    }
    done <- do_checks(plan, say, importance, model, x, y, given, progress)
    say("Writing the report")
    write_report(importance, done, call_lines(call), file, title, author)
    invisible(file)
  })
}

# ---- Before anything is computed -------------------------------------------------------------------------------------

known_checks <- c("stability", "deletion", "randomization", "null")

# Options of checks, or their outcomes, by name.
check_plan <- function(checks) {
  if (rlang::is_bool(checks)) {
    checks <- if (checks) known_checks else character()
  }
  if (inherits(checks, "band_check")) {
    checks <- list(checks)
  }
  if (is.character(checks)) {
    checks <- stats::setNames(rep(list(list()), length(checks)), checks)
  }
  expected <- paste0(
    "TRUE, FALSE, some of ", paste0("\"", known_checks, "\"", collapse = ", "),
    ", or a list with options of checks by these names, or with outcomes of checks"
  )
  if (!is.list(checks)) {
    cause("option", "`checks` does not say which checks to make.", expected = expected, given = shown(checks))
  }
  ready <- vapply(checks, inherits, NA, "band_check")
  names <- rlang::names2(checks)
  names[ready] <- vapply(checks[ready], function(check) check$name, "")
  names <- sub("^check_", "", names)
  wrong <- !ready & !(names %in% known_checks & vapply(checks, is_options, NA))
  if (any(wrong)) {
    cause("option", "`checks` asks for what is no check.", expected = expected, given = shown(names[wrong]),
      fix = nearest(names[wrong], known_checks)
    )
  }
  stats::setNames(checks, names)
}

is_options <- function(value) is.list(value) && !is.object(value) && all(nzchar(rlang::names2(value)))

check_report_input <- function(model, x, importance, given, plan, by_default) {
  unnamed <- sum(rlang::names2(given) == "")
  if (unnamed > 0) {
    cause("option", "Arguments after `y` must be named.", given = paste(unnamed, "without a name"))
  }
  check_report_names(names(given))
  if (is.null(importance)) {
    if (is.null(model) || is.null(x)) {
      cause("input", "There is nothing to report on.",
        expected = "a result of `band_importance()`, or a model and images to explain",
        given = paste(if (is.null(model)) "no model" else "a model", "and", if (is.null(x)) "no images" else "images")
      )
    }
    return(invisible())
  }
  check_result(importance, "importance")
  to_make <- !all(vapply(plan, inherits, NA, "band_check"))
  if (is.null(model)) {
    check_report_alone(given, to_make && !by_default)
  } else if (to_make) {
    check_report_data(importance, x, given)
  }
}

# What is no argument of this verb is one of band_importance() or an option of a method, which the core knows; what is
# nearly one of this verb is named here.
check_report_names <- function(given) {
  own <- setdiff(names(formals(render_band_report)), "...")
  unknown <- setdiff(given, setdiff(names(formals(band_importance)), "models")) # a report is about one
  meant <- Filter(function(name) min(utils::adist(tolower(name), own)) <= 2, unknown)
  if (length(meant) > 0) {
    cause("option", paste0("There is no such argument: ", paste0("`", meant, "`", collapse = ", "), "."),
      expected = paste0("`", own, "`", collapse = ", "), given = some(paste0("`", meant, "`")),
      fix = nearest(meant, own)
    )
  }
}

check_report_alone <- function(given, to_make) {
  if (to_make || length(given) > 0) {
    cause("option", "Without the model the result is reported on as it is.",
      expected = "no other arguments, and `checks` that are ready, if any",
      given = shown(c(if (to_make) "checks", names(given))),
      fix = "for checks use `render_band_report(model, x, y, importance = )`"
    )
  }
}

check_report_data <- function(importance, x, given) {
  if (is.null(x)) {
    cause("input", "Checks need the images that were explained.", expected = "`x`", given = "NULL")
  }
  if (identical(importance$background_source, "background") && is.null(given$background)) {
    cause("background", "Checks need the background that `importance` was computed with.",
      expected = "`background`, the same images", given = "NULL"
    )
  }
  if (!is.null(importance$times) && is.null(given$time_axis)) {
    cause("bands", "Checks need to know which axis of `x` holds the steps of `importance`.",
      expected = "`time_axis`, as in the call that made it", given = "NULL"
    )
  }
}

check_report_text <- function(text, name) {
  if (!is.null(text) && (!is.character(text) || anyNA(text) || (name == "title" && length(text) != 1))) {
    cause("option", paste0("`", name, "` is no text."), given = shown(text))
  }
}

check_report_path <- function(file) {
  if (!is.null(file) && (!rlang::is_string(file) || !nzchar(file))) {
    cause("option", "`output_file` is no path.", given = shown(file))
  }
}

# Where the report goes, with the ending of its format. Of a folder that isn't there we say so now, not after an hour.
report_file <- function(file, format) {
  formats <- c("html", "pdf")
  check_report_path(file)
  ending <- if (!is.null(file)) tolower(sub("^[^.]*$|.*[.]", "", basename(file)))
  # what looks like another kind of document is none; dots in names, such as "area.1", are no endings
  if (!is.null(file) && ending %in% other_documents) {
    cause("option", "A report is HTML or PDF.", expected = "an `output_file` that ends in .html or .pdf",
      given = shown(file), fix = "to go on from HTML, convert it with `rmarkdown::pandoc_convert()`"
    )
  }
  if (is.null(format)) {
    format <- if (identical(ending, "pdf")) "pdf" else "html"
  }
  format <- choose(format, formats, "format")
  if (is.null(file)) {
    file <- paste0("band_report.", format)
  } else if (ending %in% setdiff(formats, format)) {
    cause("option", "The name of `output_file` doesn't fit the format.",
      expected = paste0("a name that ends in .", format), given = shown(file)
    )
  } else if (!ending %in% c(format, "htm")) {
    file <- paste0(file, ".", format)
  }
  in_folder(file)
}

# A path in a folder that can be written to.
in_folder <- function(file) {
  folder <- dirname(file)
  if (!dir.exists(folder) || file.access(folder, 2) != 0) {
    cause("option", "There is no folder for the report that can be written to.", given = shown(folder),
      fix = "make it with `dir.create()`, or choose another `output_file`"
    )
  }
  file.path(normalizePath(folder), basename(file))
}

other_documents <- c(
  "doc", "docx", "docm", "odt", "rtf", "tex", "md", "markdown", "rmd", "qmd", "rst", "txt", "ppt", "pptx", "epub",
  "xml", "csv", "xls", "xlsx", "json", "rds", "png", "jpg", "jpeg", "svg", "eps", "ps", "tif", "tiff"
)

needs_report_tools <- function(file) {
  needs_packages(c("rmarkdown", "knitr"), "render_band_report()")
  if (!has_pandoc()) {
    cause("missing_package", "There is no pandoc, which writes the report.",
      expected = "pandoc 1.12.3 or later", fix = "run this in RStudio, or install pandoc from <https://pandoc.org>"
    )
  }
  if (grepl("[.]pdf$", file, ignore.case = TRUE) && is.null(latex_engine())) {
    cause("missing_package", "There is no LaTeX, which PDF needs.",
      expected = paste(latex_engines, collapse = ", "),
      fix = "use `format = \"html\"`, or install LaTeX with `tinytex::install_tinytex()`"
    )
  }
}

has_pandoc <- function() rmarkdown::pandoc_available("1.12.3")

latex_engines <- c("xelatex", "lualatex", "pdflatex") # the first two know all letters

latex_engine <- function() {
  found <- latex_engines[nzchar(Sys.which(latex_engines))]
  if (length(found) > 0) found[[1]]
}

# ---- Results and checks ----------------------------------------------------------------------------------------------

# A step of the progress after the other; the last ends with the verb.
report_progress <- function(frame = rlang::caller_env()) {
  force(frame)
  function(text) cli::cli_progress_step(text, .envir = frame)
}

# Arguments of band_importance() that a result knows. What it was made with must hold for its checks, too.
settings_of <- function(importance) {
  settings <- rlang::list2(
    method = importance$method, statistic = importance$statistic,
    # "output", of models without softmax and sigmoid, is what "auto" has found, and no choice
    output = if (importance$output != "output") importance$output,
    n_background = if (!is.null(importance$background)) length(importance$background),
    task = if (isTRUE(nzchar(importance$task))) importance$task, head = importance$head,
    # a mask has to be given again
    zone = if (!identical(importance$zone, "mask")) importance$zone,
    target = target_of(importance), seed = importance$seed,
    # a regression has none
    classes = if (length(importance$classes) > 1) importance$classes,
    !!!settings_of_bands(importance)
  )
  settings <- c(settings, importance$options)
  settings[!vapply(settings, is.null, NA)]
}

# Bands, of each input where there are several, and names of their steps; or how bands were grouped.
settings_of_bands <- function(importance) {
  if (!is.null(importance$groups)) {
    return(list(groups = importance$groups))
  }
  if (!is.null(importance$zone_bands)) {
    return(list(groups = importance$zone_bands))
  }
  if (!is.null(importance$inputs) && identical(importance$inputs, importance$bands)) {
    return(list(groups = "input"))
  }
  first <- !duplicated(paste(importance$inputs, importance$bands, sep = "\r"))
  owner <- importance$inputs
  each <- function(values) {
    if (is.null(owner)) values[first] else split(values[first], factor(owner[first], unique(owner)))
  }
  list(
    bands = each(importance$bands), wavelengths = each(importance$wavelengths),
    times = if (!is.null(importance$times)) own_steps(importance)
  )
}

# Steps as they were given, of each input where there are several.
own_steps <- function(importance) {
  steps <- from_times(importance$times, importance$time_kind)
  if (is.factor(steps)) steps <- as.character(steps)
  known <- !is.na(steps)
  if (is.null(importance$inputs)) {
    return(unique(steps[known]))
  }
  lapply(split(steps[known], factor(importance$inputs[known], unique(importance$inputs[known]))), unique)
}

target_of <- function(importance) {
  explained <- importance$image_output
  if (identical(importance$task, "regression") && ncol(explained) == length(importance$outputs)) {
    return("class")
  }
  if (ncol(explained) > 1) {
    return("all")
  }
  outputs <- importance$outputs[explained[, 1]]
  if (all(outputs == as.character(importance$image_class))) {
    "class"
  } else if (all(outputs == as.character(importance$prediction))) {
    "predicted"
  } else {
    outputs[[1]]
  }
}

# Labels that give the same classes again; none for numbers, nor for pixels, whose labels no result keeps.
classes_of <- function(importance, x = NULL) {
  if (identical(importance$task, "segmentation")) {
    return(NULL)
  }
  if (identical(importance$task, "multilabel")) {
    flags <- matrix(0L, max(image_dim(x)[1], importance$images), length(importance$classes))
    flags[cbind(importance$images, as.integer(importance$image_class))] <- 1L
    return(flags)
  }
  if (length(importance$classes) > 1) {
    in_order_of(x, factor(importance$image_class, importance$classes, ordered = FALSE), importance$images)
  }
}

# Classes in the order of `x`, where they are those of images that were chosen from it (`precision`).
in_order_of <- function(x, classes, images) {
  if (is.null(images)) {
    return(classes)
  }
  n <- image_dim(x)[1]
  if (is.null(n) || !setequal(images, seq_len(n))) {
    cause("labels", "`importance` knows the classes of the images that it chose, and checks need those of all.",
      expected = paste("`y` for", if (is.null(n)) "all images" else count(n, "image")),
      given = paste("classes of", length(images))
    )
  }
  classes[order(images)]
}

# Outcomes by the plan; without a model, those that are ready.
do_checks <- function(plan, say, importance, model, ...) {
  ready <- vapply(plan, inherits, NA, "band_check")
  if (is.null(model)) {
    plan <- plan[ready]
  }
  lapply(seq_along(plan), function(i) {
    if (inherits(plan[[i]], "band_check")) {
      return(plan[[i]])
    }
    say(paste("Checking:", names(plan)[[i]]))
    told_before(make_check(names(plan)[[i]], plan[[i]], importance, model, ...))
  })
}

# Whether model and data fit was said when the importance was computed.
told_before <- function(expr) {
  muffled <- function(warning) rlang::cnd_muffle(warning)
  withCallingHandlers(expr, bandlens_warning_data = muffled, bandlens_warning_accuracy = muffled)
}

make_check <- function(name, options, importance, model, x, y, given, progress) {
  given[c("precision", "max_seconds")] <- NULL # of the table alone
  tryCatch(
    if (name == "deletion") {
      # its n_background is another number: how many are drawn for each image
      needs_bands <- !is.null(importance$groups) || !is.null(importance$inputs) || !is.null(importance$times)
      same <- c("background", "band_axis", "time_axis", "reorder", "batch_size", "seed", if (needs_bands) "bands")
      arguments <- utils::modifyList(given[intersect(names(given), same)], options)
      labels <- if (length(importance$classes) > 1) y # the order of bands is the same for all values of a regression
      rlang::inject(check_deletion(model, importance, x, labels, !!!arguments, progress = progress))
    } else {
      check <- switch(name,
        stability = check_stability,
        randomization = check_randomization,
        null = check_null
      )
      if (name == "null") given[c("time_axis", "times")] <- NULL # its bands are the same at all steps
      arguments <- utils::modifyList(given, options)
      rlang::inject(check(model, x, y, !!!arguments, progress = progress))
    },
    bandlens_error = function(error) {
      rlang::warn(
        paste0("The report lacks the check \"", name, "\", which can't be made."),
        class = "bandlens_warning_check", parent = error
      )
      list(name = paste0("check_", name), reason = error$parent$message)
    }
  )
}

# ---- The file --------------------------------------------------------------------------------------------------------

# The call as the user wrote it; data that are in the call itself (after do.call()) are told by their size.
call_lines <- function(call) {
  for (i in seq_along(call)[-1]) {
    value <- call[[i]]
    if (!is.language(value) && utils::object.size(value) > 2000) {
      call[[i]] <- as.name(shown(value))
    }
  }
  if (!is.name(call[[1]])) {
    call[[1]] <- quote(render_band_report)
  }
  gsub("`(<[^`]*>)`", "\\1", deparse(call, width.cutoff = 75))
}

# Knitted in a folder of its own: beside the template, which may not be writable, nothing is left.
write_report <- function(importance, checks, code, file, title, author) {
  folder <- tempfile("band_report_")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  # What people wrote gets into the head of the document when it has been knitted: nothing of it is run as R code.
  in_yaml <- function(text) gsub("'", "''", gsub("[\r\n]+", " ", text))
  title <- if (is.null(title)) report_title(importance) else title
  source <- file.path(folder, "report.Rmd")
  contents <- system.file("rmarkdown", "band_report.Rmd", package = "bandlens", mustWork = TRUE)
  writeLines(enc2utf8(c(
    "---",
    "title: '`r in_head$title`'",
    if (length(author) > 0) c("author:", sprintf(" - '`r in_head$author[[%d]]`'", seq_along(author))),
    paste0("date: '", format(Sys.Date()), "'"),
    "---",
    "",
    readLines(contents, encoding = "UTF-8")
  )), source, useBytes = TRUE)
  is_pdf <- grepl("[.]pdf$", file, ignore.case = TRUE)
  output <- if (is_pdf) {
    rmarkdown::pdf_document(latex_engine = latex_engine())
  } else {
    rmarkdown::html_document(
      self_contained = TRUE, theme = NULL, highlight = NULL, mathjax = NULL, toc = TRUE, toc_depth = 2
    )
  }
  made <- rmarkdown::render(
    source,
    output_format = output, output_file = paste0("report.", if (is_pdf) "pdf" else "html"), quiet = TRUE,
    envir = rlang::new_environment(
      list(
        importance = importance, checks = checks, code = code,
        in_head = list(title = in_yaml(title), author = in_yaml(author))
      ),
      parent = asNamespace("bandlens") # not the user's workspace, which may hold anything
    )
  )
  if (!file.copy(made, file, overwrite = TRUE)) {
    cause("option", "The report can't be written.", given = shown(file), fix = "close the file where it is open")
  }
}
