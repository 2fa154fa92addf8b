# One table of several trainings: other seeds, folds or architectures. The core pools; here are the verb and what comes
# back.

#' Pool the importance of bands over training runs
#'
#' One trained network is one draw: trained again, from another seed, it relies on other bands to some extent.
#' `pool_importance()` makes one table of the results of several trainings, with intervals that cover how trainings
#' differ, too. `band_importance(models = list(...))` explains several models and pools them in one call.
#'
#' @param results A list of two or more results of [band_importance()], of models that were trained separately. They
#'   have the same bands, classes, outputs, method, options and statistic. For intervals of the right width, give all
#'   calls the same images, `background` and `seed`. Names of the list are the names of the runs.
#' @param names What to call the runs, if not by the names of the list; `NULL` counts those that have none.
#' @param level For results with a time axis or several inputs: `"band"`, `"time"` or `"input"` pools scores that were
#'   summed over steps, over bands, or over both, as [tidy()][tidy.band_importance] gives them. `NULL` pools the tables
#'   themselves.
#'
#' @returns An object of class `pooled_importance`: a list of plain vectors, arrays and tibbles, which [saveRDS()] can
#'   save. [tidy()][tidy.pooled_importance] gives its tables, [glance()][glance.pooled_importance] one row about it, and
#'   [autoplot()][autoplot.pooled_importance] pictures.
#'
#' @section Intervals:
#' As for multiple imputation, the variance is within and between: that between the runs over their number, and what
#' other images, or another background, would change for all runs alike, which is the mean covariance of two runs. Runs
#' that explain other images, or have backgrounds of their own, do not share these errors, which then are between runs.
#' `between_runs` is the part of the variance that more runs would make smaller; the rest needs more images or a larger
#' background. With two or three runs, intervals are wide, and yet may hold somewhat less than 95 %; five or more are
#' better.
#'
#' Intervals are about further trainings of the same kind: on the same data from other seeds, or on data that were drawn
#' anew. *Folds of a cross-validation* share most of their training images. Runs are then more alike than trainings on
#' other data would be, and intervals over folds are too narrow, by an amount that folds themselves can't tell (Bengio
#' and Grandvalet 2004, JMLR 5, 1089-1105; Nadeau and Bengio 2003, Machine Learning 52, 239-281).
#'
#' Classes (with their outputs) that only some of the runs have images of, which happens without labels `y`, are left
#' out with a warning of class `bandlens_warning_data`.
#'
#' ```r
#' results <- list()
#' for (seed in 1:10) {
#'   model <- train(seed) # yours: a new model for each seed
#'   results[[paste("seed", seed)]] <- band_importance(model, x_test, y_test, background = x_train)
#' }
#' pool_importance(results)
#' ```
#'
#' @seealso [compare_importance()] for how far the rankings of runs agree.
#' @examplesIf bandlens:::has_tensorflow()
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' # you will take results of models that were trained separately, not parts of one
#' odd <- seq(1, length(importance$image_class), by = 2)
#' pooled <- pool_importance(list(odd = importance[odd], even = importance[-odd]))
#' pooled
#' tidy(pooled)
#' autoplot(pooled, "runs")
#' @export
pool_importance <- function(results, names = NULL, level = NULL) {
  in_verb("pool the results", {
    if (inherits(results, "band_importance") || !is.list(results)) {
      cause("result", "`results` is no list of results.",
        expected = "a list of two or more results of `band_importance()`", given = shown(results)
      )
    }
    runs <- run_names(results, names)
    which <- if (is.null(runs)) paste0("results[[", seq_along(results), "]]") else paste0("results$", runs)
    results <- Map(as_result, unname(results), which, USE.NAMES = FALSE)
    arguments <- list(names = runs, level = if (!is.null(level)) choose(level, sum_levels, "level"))
    as_pooled_importance(call_bridge("pool_importance", results, Filter(Negate(is.null), arguments)))
  })
}

# Names of runs, as a list for Python; NULL where none has a name.
run_names <- function(runs, names = NULL) {
  names <- if (is.null(names)) rlang::names2(runs) else as.character(names)
  if (!any(nzchar(names))) {
    return(NULL)
  }
  counted <- paste("run", seq_along(names))
  as.list(ifelse(nzchar(names), names, counted))
}

# Several models as the core takes them: what each is called in errors is where it stands in the list.
as_models <- function(models, bands, axis) {
  names <- rlang::names2(models)
  which <- ifelse(nzchar(names), paste0("models$", names), paste0("models[[", seq_along(models), "]]"))
  Map(function(model, name) as_model(model, bands, axis, name), unname(models), which, USE.NAMES = FALSE)
}

# The models of a call that has either `model` or `models`; NULL for one model.
check_models <- function(model, models) {
  if (is.null(models)) {
    if (is_list_of_models(model)) {
      cause("model_type", "`model` is a list of models.",
        expected = "one model", given = count(length(model), "model"),
        fix = "give the list as `models`, which pools models that were trained separately; or one of them, `model[[1]]`"
      )
    }
    return(NULL)
  }
  if (!is.null(model)) {
    cause("option", "Give either `model` or `models`.",
      expected = "one of both", given = "both"
    )
  }
  if (!is.list(models) && !is.character(models) || is.object(models)) {
    cause("model_type", "`models` is no list of models.",
      expected = "a list of models that were trained separately, or the paths of saved ones", given = shown(models)
    )
  }
  as.list(models)
}

# With `models`, what a call gives without a name is images and their classes, not a model. `given`: what it has of
# `model`, `x` and `y`; `named`: its names.
beside_models <- function(given, named) {
  placed <- given[setdiff(names(given), named)]
  open <- setdiff(c("x", "y"), named)
  if ("model" %in% named || length(placed) > length(open)) {
    return(given)
  }
  c(given[intersect(names(given), named)], stats::setNames(placed, open[seq_along(placed)]))
}

# What the bridge returns -> a plain `pooled_importance` object.
as_pooled_importance <- function(value) {
  classes <- as.character(value$classes)
  levels <- c(list(run = as.character(value$runs), class = classes, output = as.character(value$outputs)))
  levels <- c(levels, cell_levels(value))
  fields <- from_fields(value, "pooled_importance", list(band = cell_names(value)))
  tables <- list(
    table = from_columns(value$class, levels, value$time_kind),
    overall = from_columns(value$overall, utils::modifyList(levels, list(class = value$whole)), value$time_kind),
    run_table = from_columns(value$run, levels, value$time_kind)
  )
  known <- known_numbers(value, c("accuracy", "runs_part"))
  structure(c(in_order(c(tables, fields), names(tables)), known), class = "pooled_importance")
}

#' Tables of a pooled importance
#'
#' @param x A [pooled importance][pool_importance()].
#' @param level `"class"` for one row per class x output x band, `"overall"` for one row per output x band over the
#'   images of all classes, `"run"` for one row per run x class x output x band.
#' @param ... Not used.
#' @param row.names,optional Not used.
#'
#' @returns A tibble. `run`, `class`, `output` and `band` are ordered factors.
#'
#' At levels `"class"` and `"overall"`, the columns that [tidy()][tidy.band_importance] gives there of one result, and
#' two more:
#' \describe{
#'   \item{`class`, `output`, `input`, `band`, `time`, `wavelength`}{as there}
#'   \item{`importance`, `effect`}{means over the runs}
#'   \item{`share`}{importance divided by the sum of importances over bands}
#'   \item{`rank`}{1 is the most important band}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % confidence interval of `importance`, over
#'     training runs, images and background}
#'   \item{`n`}{number of different images: those of each run where all runs explained the same, else of all runs}
#'   \item{`share_low`, `share_high`, `p_first`}{95 % interval of `share`, and the probability that the band is the most
#'     important one, over the same}
#'   \item{`se_images`, `se_background`, `se_runs`}{the parts of `std_error`: what other images, and another background,
#'     would change for all runs alike, and what other runs would; its square is the sum of theirs. The first two are 0
#'     where runs have no images, or no background images, in common, and `NA` where they are not known, as there}
#'   \item{`between_runs`}{the part of the variance that is between runs (0 to 1)}
#' }
#' At level `"run"`, `run` and those of the runs' own tables: `class`, `output`, `input`, `band`, `time`, `wavelength`,
#' `importance`, `effect`, `share`, `rank`, `std_error` (over images and background), `n`.
#' @export
tidy.pooled_importance <- function(x, level = c("class", "overall", "run"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    switch(choose(level, c("class", "overall", "run"), "level"),
      class = x$table,
      overall = x$overall,
      run = x$run_table
    )
  })
}

#' @rdname tidy.pooled_importance
#' @export
as.data.frame.pooled_importance <- function(x,
                                            row.names = NULL,
                                            optional = FALSE,
                                            ...,
                                            level = c("class", "overall", "run")) {
  as.data.frame(tidy(x, level = level))
}

#' One row about a pooled importance
#'
#' @param x A [pooled importance][pool_importance()].
#' @param ... Not used.
#'
#' @returns A tibble with one row:
#' \describe{
#'   \item{`method`, `statistic`, `output`}{what was computed, as in [glance()][glance.band_importance] of one result}
#'   \item{`n_runs`}{number of training runs}
#'   \item{`n`, `n_bands`, `n_classes`}{numbers of different images, bands (of all inputs) and classes}
#'   \item{`between_runs`}{part of the variance of an importance that is between runs, the median over the table}
#'   \item{`accuracy`}{mean accuracy of the runs (R^2 of numbers); `NA` where one had no labels}
#'   \item{`accuracy_low`, `accuracy_high`}{those of the worst and of the best run}
#'   \item{`same_images`, `same_background`}{whether all runs explained the same images, against the same background}
#'   \item{`n_background`}{mean number of background images of a run; `NA` for methods without}
#'   \item{`task`, `head`}{what the outputs stand for, and which of the model's outputs they are}
#'   \item{`seconds`}{computing time of all runs}
#'   \item{`n_inputs`, `n_steps`}{only there for results of several inputs, and with a time axis: how many}
#' }
#' @export
glance.pooled_importance <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    method = x$method,
    statistic = x$statistic,
    output = x$output,
    n_runs = length(x$runs),
    n = x$n,
    n_bands = count_bands(x),
    n_classes = length(x$classes),
    between_runs = number_or_na(x$runs_part),
    accuracy = number_or_na(x$accuracy),
    accuracy_low = if (is.null(x$accuracy)) NA_real_ else min(x$run_accuracy),
    accuracy_high = if (is.null(x$accuracy)) NA_real_ else max(x$run_accuracy),
    same_images = x$same_images,
    same_background = x$same_background,
    n_background = mean(x$run_background),
    task = text_or_na(x$task),
    head = text_or_na(x$head),
    seconds = sum(x$run_seconds),
    n_inputs = if (!is.null(x$inputs)) length(unique(x$inputs)),
    n_steps = if (!is.null(x$times)) count_steps(x)
  )
}

#' Print and summarise a pooled importance
#'
#' @param x,object A [pooled importance][pool_importance()], or its summary.
#' @param n Number of rows of the table to show. By default ten; but of more than ten bands, the most important ones of
#'   each class are shown instead, in a line.
#' @param top How many bands to name per class.
#' @param ... Not used.
#' @returns `print()` gives `x`, invisibly, and `format()` the lines. `summary()` gives a list of class
#'   `summary_pooled_importance` with `about` (as [glance()][glance.pooled_importance]), `top` (the rows of the table
#'   with the `top` most important bands of each class), `runs` (a tibble of the runs with their models, accuracies and
#'   numbers of background images) and `versions`.
#' @name print.pooled_importance
NULL

#' @rdname print.pooled_importance
#' @export
print.pooled_importance <- function(x, ..., n = NULL) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @rdname print.pooled_importance
#' @export
format.pooled_importance <- function(x, ..., n = NULL) {
  table_lines(x, about_pooled(x), n, c("importance", "std_error", "between_runs", "share", "rank", "n"))
}

# What was pooled, in a few lines.
about_pooled <- function(x) {
  classes <- length(unique(x$table$class))
  of <- if (classes < length(x$classes)) paste(classes, "of ")
  known <- !is.null(x$accuracy)
  c(
    cli::style_bold(paste0("Band importance by ", x$method, ", over ", length(x$runs), " training runs")),
    paste0(
      count(x$n, "image"), if (!x$same_images) " in all", ", ", of, count(length(x$classes), "class", "classes"), " x ",
      count_cells(x), "; output: ", x$output, told_task(x), "; statistic: ", x$statistic
    ),
    if (known && isTRUE(x$task == "regression")) {
      paste0("Runs predict `y` with R^2 = ", told_range(sprintf("%.2f", range(x$run_accuracy))))
    } else if (known) {
      paste0("Runs are right on ", told_range(sprintf("%.0f", 100 * range(x$run_accuracy))), " % of the images")
    },
    if (!is.null(x$runs_part)) {
      sprintf("Between runs: %.0f %% of the variance of an importance (median)", 100 * x$runs_part)
    },
    if (length(x$left_out) > 0) paste("Left out, as not all runs have images there:", some(x$left_out))
  )
}

# Each run, and how often it is right.
told_runs <- function(runs) {
  right <- ifelse(is.na(runs$accuracy), "", sprintf(" (%.2f)", runs$accuracy))
  strwrap(paste0("Runs: ", paste0(runs$run, right, collapse = ", ")), cli::console_width(), exdent = 2)
}

told_range <- function(ends) paste(unique(ends), collapse = " to ")

#' @rdname print.pooled_importance
#' @export
summary.pooled_importance <- function(object, ..., top = 3) {
  in_verb("summarise it", {
    no_other_arguments()
    top <- as_count(top, "top")
  })
  runs <- tibble::tibble(
    run = object$runs, model = object$models, accuracy = object$run_accuracy, n_background = object$run_background
  )
  structure(
    list(
      about = glance(object),
      top = top_bands(object$table, top),
      runs = runs,
      versions = object$versions,
      lines = c(about_pooled(object), told_runs(runs))
    ),
    class = c("summary_pooled_importance", "summary_band_importance")
  )
}

#' Draw a pooled importance
#'
#' `autoplot()` returns a picture of the table that was pooled over training runs as a complete ggplot; `plot()` draws
#' it.
#'
#' @param object,x A [pooled importance][pool_importance()].
#' @param type What to draw: `"heatmap"`, `"bars"`, `"effect"`, `"spectrum"`, `"ranks"` and, with a time axis,
#'   `"curves"`, as of [one result][autoplot.band_importance], with pooled intervals; or `"runs"`: the importance in
#'   each training run as a point, in the order of the runs, and beside them their mean with its 95 % interval, one
#'   panel per class; of more than 26 bands, lines.
#' @param ... Not used; for `plot()`, passed on to `autoplot()`.
#' @param values,top,bands,scales,width,base_size As for [one result][autoplot.band_importance]. `"runs"` takes
#'   `scales`.
#'
#' @returns A [ggplot2::ggplot()]; `plot()` gives it invisibly.
#' @export
autoplot.pooled_importance <- function(object,
                                       type = c("heatmap", "bars", "effect", "spectrum", "ranks", "curves", "runs"),
                                       ...,
                                       values = NULL,
                                       top = NULL,
                                       bands = NULL,
                                       scales = c("fixed", "free"),
                                       width = 175,
                                       base_size = 8) {
  in_verb("draw the picture", {
    if ("level" %in% ...names()) {
      cause("option", "A pooled importance has no sums.",
        expected = "no `level`", fix = "pool the sums: `pool_importance(results, level = )`"
      )
    }
    no_other_arguments()
    type <- choose(type, eval(formals(autoplot.pooled_importance)$type), "type")
    draw_table(object, type, NULL, values, top, bands, scales, width, base_size)
  })
}

#' @rdname autoplot.pooled_importance
#' @export
plot.pooled_importance <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}
