# How few bands suffice: the core chooses and scores them, and asks R for models where the user's function makes them.

#' How few bands suffice?
#'
#' `select_bands()` gives the curve of accuracy against the number of bands, the fewest bands that are within one
#' standard error of the best, and what the bands of other sensors would be worth. Without `fit` the model stays as it
#' is, and absent bands are taken from background images: that tells what *this* model needs. With `fit` a model is made
#' for every set of bands and judged on images that it was not trained on: that tells what bands are worth.
#'
#' @inheritParams band_importance
#' @param model,x,y As for [band_importance()]; `y` is needed. Models of pixels, or with several labels per image, are
#'   refused.
#' @param ... Not used: all that follows must be named.
#' @param method `"forward"`: bands come one by one, each time the one that makes the model most right. `"backward"`:
#'   they go from all of them, each time the one that is missed least. `"importance"`: they come in a given order.
#' @param importance With `method = "importance"`: a [band_importance()] (the order of its mean importance over all
#'   images), or all names of bands, the most important first.
#' @param fit A function `(x, y, bands)` that trains and returns a model: of images that have only some bands, their
#'   labels as in `y`, and the names of the bands. The model must have the outputs of `model`.
#' @param metric How right: `"accuracy"` of classifiers and `"squared_error"` (negative) of regressions by default, or
#'   `"log_loss"` (as log-likelihood).
#' @param sensors Also score the bands nearest to those of `"landsat8"`, `"sentinel2"`, `"planetscope"` or `"rgb_nir"`,
#'   which needs `wavelengths`; or a named list of names of bands.
#' @param folds Parts of the images: each is scored with bands that the others chose and, with `fit`, by a model that
#'   was trained on the others.
#' @param repeats With `fit`: times that images are divided anew and models are made.
#' @param background Images that absent bands are taken from; other images of `x` by default.
#' @param n_background Background images for each image.
#' @param object For `summary()` and `autoplot()`, a `band_selection`; for the other methods it is `x`.
#' @param level `"curve"` for one row per number of bands, `"sensor"` for one row per sensor.
#' @param n Number of rows of the table to show.
#'
#' @returns An object of class `band_selection`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `tidy()` gives a tibble:
#' \describe{
#'   \item{`n_bands`}{how many bands there are}
#'   \item{`band`}{the one that was added last, or with `"backward"` removed last}
#'   \item{`bands`}{names of all that are there}
#'   \item{`measure`, `estimate`}{what is measured, and its mean over images}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % interval over images and, with `repeats`, runs}
#'   \item{`n`}{number of images}
#'   \item{`retrained`}{whether there is a model for each set of bands}
#'   \item{`knee`}{whether this is the fewest bands within one standard error of the best}
#' }
#' At level `"sensor"`, `sensor` and `lacking` (bands of the sensor that no band stands for) instead of `band` and
#' `knee`. `glance()` gives one row: `method`, `measure`, `retrained`, `knee`, `n`, `n_bands`, `folds`, `repeats`,
#' `n_background`, `seed`, `model`, `seconds`. `summary()` says which bands suffice, and what that does not tell.
#'
#' @references Breiman, Friedman, Olshen & Stone (1984), *Classification and Regression Trees*, section 3.4.3 (one
#'   standard error); Hastie, Tibshirani & Friedman (2009), *The Elements of Statistical Learning*, sections 3.3 and
#'   7.10.2.
#' @seealso [band_importance()] for how much each band matters.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 20) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' few <- select_bands(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = landsat$train$x, method = "backward"
#' )
#' summary(few)
#' autoplot(few)
#' @export
select_bands <- function(model,
                         x,
                         y = NULL,
                         ...,
                         method = c("forward", "backward", "importance"),
                         importance = NULL,
                         fit = NULL,
                         metric = c("auto", "accuracy", "log_loss", "squared_error"),
                         sensors = NULL,
                         folds = 5,
                         repeats = 1,
                         background = NULL,
                         n_background = 5,
                         output = c("auto", "logit", "probability"),
                         head = NULL,
                         task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                         bands = NULL,
                         wavelengths = NULL,
                         groups = NULL,
                         classes = NULL,
                         band_axis = -1,
                         reorder = FALSE,
                         batch_size = NULL,
                         seed = 0,
                         progress = NULL) {
  in_verb("select bands", {
    no_other_arguments()
    if (!is.null(fit)) {
      check_fit(fit)
    }
    asked <- table_arguments(
      background = background, n_background = n_background, output = output, head = head, task = task, bands = bands,
      wavelengths = wavelengths, groups = groups, classes = classes, band_axis = band_axis, reorder = reorder,
      batch_size = batch_size, seed = seed
    )
    own <- list(
      method = choose(method, c("forward", "backward", "importance"), "method"),
      metric = choose(metric, c("auto", "accuracy", "log_loss", "squared_error"), "metric"),
      folds = as_count(folds, "folds", least = 2),
      repeats = as_count(repeats, "repeats")
    )
    question <- as_question(model, x, y, asked)
    arguments <- c(question$arguments[setdiff(names(question$arguments), names(own))], own)
    arguments["sensors"] <- list(if (is.list(sensors)) lapply(sensors, as.list) else as.list(sensors))
    ranked <- inherits(importance, "band_importance")
    arguments["importance"] <- list(
      if (ranked) as_result(importance) else if (!is.null(importance)) as.list(as.character(importance))
    )
    y <- own_labels(x, y)
    if (!is.null(fit) && (is.null(y) || is_path(y))) {
      cause("labels", "`fit` is given labels, which R has to hold.",
        expected = "`y` in R", given = if (is.null(y)) "none" else shown(y)
      )
    }
    making <- if (!is.null(fit)) as_fit(fit, y, arguments$band_axis)
    found <- call_bridge(
      "select_bands", question$model, question$x, question$y, arguments, making,
      progress_bar(progress, "Selecting bands")
    )
    as_band_selection(found)
  })
}

# A function of three arguments, and no other.
check_fit <- function(fit) {
  wanted <- "a function (x, y, bands) that gives a model"
  if (!is.function(fit)) {
    cause("option", "`fit` makes no models.", expected = wanted, given = shown(fit))
  }
  takes <- names(formals(args(fit)))
  if (length(takes) < 3 && !"..." %in% takes) {
    cause("option", "`fit` takes too few arguments.",
      expected = wanted, given = paste0("function(", paste(takes, collapse = ", "), ")")
    )
  }
}

# The user's function as the core calls it: of images with some bands, their positions, and names of the bands.
# `axis` counts from 0; models of several inputs, which have one each, are refused before any is made.
as_fit <- function(fit, y, axis) {
  function(x, rows, bands) {
    answer_to_python({
      at <- as.integer(rows) + 1L
      labels <- if (is.null(dim(y))) y[at] else y[at, , drop = FALSE]
      names <- as.character(bands)
      list(model = as_model(fit(with_band_names(x, names, axis), labels, names), names, axis))
    })
  }
}

# What the bridge returns -> a plain `band_selection` object.
as_band_selection <- function(value) {
  tables <- list(
    curve = from_columns(value$tables$curve, list(band = as.character(value$bands), measure = value$measure)),
    sensor = from_columns(
      value$tables$sensor, list(sensor = as.character(value$sensors), measure = value$measure)
    )
  )
  said <- list(
    knee = value$knee, selected = as.character(value$selected), verdict = value$verdict, caveat = value$caveat
  )
  structure(c(list(tables = tables), from_fields(value, "band_selection"), said), class = "band_selection")
}

#' @rdname select_bands
#' @export
tidy.band_selection <- function(x, level = c("curve", "sensor"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    x$tables[[choose(level, c("curve", "sensor"), "level")]]
  })
}

#' @rdname select_bands
#' @export
glance.band_selection <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    method = x$method, measure = x$measure, retrained = x$retrained, knee = x$knee, n = nrow(x$qualities),
    n_bands = length(x$bands), folds = x$folds, repeats = x$repeats, n_background = x$n_background, seed = x$seed,
    model = x$model, seconds = x$seconds
  )
}

#' @export
as.data.frame.band_selection <- function(x, row.names = NULL, optional = FALSE, ..., level = c("curve", "sensor")) {
  as.data.frame(tidy(x, level = level))
}

#' @rdname select_bands
#' @export
summary.band_selection <- function(object, ...) {
  in_verb("summarise it", no_other_arguments())
  structure(
    list(
      about = glance(object), selected = object$selected, verdict = object$verdict, sensors = tidy(object, "sensor"),
      caveat = object$caveat, lines = about_selection(object)
    ),
    class = "summary_band_selection"
  )
}

#' @export
print.summary_band_selection <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.summary_band_selection <- function(x, ...) {
  sensors <- x$sensors
  said <- if (nrow(sensors) > 0) {
    lacking <- ifelse(nzchar(sensors$lacking), paste("; without", sensors$lacking), "")
    sprintf("%s: %s %.3g with %d bands%s", sensors$sensor, sensors$measure, sensors$estimate, sensors$n_bands, lacking)
  }
  c(x$lines, "", strwrap(x$verdict, 100), said, strwrap(x$caveat, 100))
}

#' @rdname select_bands
#' @export
print.band_selection <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.band_selection <- function(x, ..., n = 10) {
  table <- tidy(x)
  table <- table[c("n_bands", "band", "estimate", "std_error", "knee")]
  c(
    about_selection(x), strwrap(x$verdict, 100), format(table, n = n)[-1],
    cli::col_grey("# tidy() gives all columns, summary() what they do not tell, autoplot() draws them")
  )
}

# What was computed, in a few lines.
about_selection <- function(x) {
  how <- if (x$retrained) {
    paste0("models trained for each set of bands, ", x$repeats, " x ", count(x$folds, "fold"))
  } else {
    paste0("not trained again: other bands from ", count(x$n_background, "background image"), " each")
  }
  c(
    cli::style_bold(paste0("Bands selected (", x$method, "): ", x$measure)),
    paste0(count(nrow(x$qualities), "image"), ", ", count(length(x$bands), "band"), "; ", how)
  )
}
