# Counterfactual spectra: the core looks for the bands and R keeps what it found.

#' Which bands would change the class?
#'
#' For each image, `counterfactual_spectra()` gives the fewest bands that change the class that the model takes it for,
#' when they are those of a real image of another class, and how far these bands have to go. Neighbours are the nearest
#' background images of other classes, by means of bands in standard deviations.
#'
#' @inheritParams band_importance
#' @param model,x,y As for [band_importance()]; `y` may be left out. Models that give an image one class.
#' @param ... Not used: all that follows must be named.
#' @param background Images to find neighbours among, such as the training data; those of `x` by default.
#' @param n_background At most so many of them, drawn at random.
#' @param to Classes that images are to be taken for; `NULL` for any other.
#' @param neighbours How many of the nearest images of other classes bands may be taken from.
#' @param max_bands Most bands that may change; `NULL` for all.
#' @param shrink Whether bands go towards the other image until the class changes, first of 16 places on the way and
#'   then by halving, to 1/4096; or all of the way.
#' @param groups As for [band_importance()]: groups or zones change as a whole.
#' @param object For `summary()` and `autoplot()`, a `counterfactual_spectra`; for the other methods it is `x`.
#' @param level `"change"` for one row per image and band that changes, `"image"` for one per image, `"class"` for one
#'   per pair of classes and band.
#' @param n Number of rows of the table to show.
#' @param type `"tiles"`: in what share of images a band changes, and how far, by pair of classes. `"spectra"`: of
#'   images, changed images and those that bands are taken from.
#' @param images Of `"spectra"`: numbers of at most 12 images whose class was changed; `NULL` for the first of each pair
#'   of classes.
#'
#' @returns An object of class `counterfactual_spectra`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `tidy()` gives a tibble; no image is left out, and what is not known of one without a change is `NA`:
#' \describe{
#'   \item{`image`, `class`, `counterfactual_class`}{number of the image, what it is taken for, and once changed}
#'   \item{`band`, `wavelength`}{a band that changes}
#'   \item{`from`, `to`, `change`, `change_sd`}{mean over the pixels before and after, their difference in the unit of
#'     the images, and in standard deviations of such means in the background}
#'   \item{`amount`}{how far bands go towards the other image, from 0 to 1}
#' }
#' At level `"image"`, `status` (`"changed"`; `"unchanged"` by `max_bands` bands; `"already"` of the class asked for;
#' `"alone"`, with no image of another class), `n_bands`, `bands`, `amount`, `output_before` and `output_after` (of the
#' counterfactual class), `plausibility_before` and `plausibility` (share of background images whose spectrum is at
#' least as far out), `neighbour` (number of the background image) and `exact` (whether all sets of fewer bands were
#' tried).
#' At level `"class"`, `n` images, `changed` and `share` of them with `share_low` and `share_high`, the mean
#' `change_sd`, and by how much the neighbours differ: `difference_sd` with `std_error`, `conf_low` and `conf_high`.
#' `glance()` gives one row: `n`, `n_changed`, `median_bands`, `n_bands`, `max_bands`, `neighbours`, `n_background`,
#' `exact`, `output`, `seed`, `model`, `seconds`.
#'
#' @references Wachter, Mittelstadt & Russell (2018), *Harvard Journal of Law & Technology* 31; Brughmans, Leyman &
#'   Martens (2024), *Data Mining and Knowledge Discovery* 38 (NICE).
#' @seealso [band_importance()] for how much each band matters.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 100) # you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' found <- counterfactual_spectra(model, landsat$test$x[some, , , ], background = landsat$train$x, n_background = 200)
#' summary(found)
#' autoplot(found, "spectra")
#' @export
counterfactual_spectra <- function(model,
                                   x,
                                   y = NULL,
                                   ...,
                                   background = NULL,
                                   n_background = 1000,
                                   to = NULL,
                                   neighbours = 3,
                                   max_bands = NULL,
                                   shrink = TRUE,
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
  in_verb("look for counterfactuals", {
    no_other_arguments()
    asked <- table_arguments(
      background = background, n_background = n_background, output = output, head = head, task = task, bands = bands,
      wavelengths = wavelengths, groups = groups, classes = classes, band_axis = band_axis, reorder = reorder,
      batch_size = batch_size, seed = seed
    )
    own <- list(
      neighbours = as_count(neighbours, "neighbours"), max_bands = as_count(max_bands, "max_bands", null = TRUE),
      shrink = as_flag(shrink, "shrink"), to = if (!is.null(to)) as.list(as.character(to))
    )
    question <- as_question(model, x, y, asked)
    arguments <- question$arguments[setdiff(names(question$arguments), c("method", "target"))]
    found <- call_bridge(
      "counterfactual_spectra", question$model, question$x, question$y, c(arguments, own),
      progress_bar(progress, "Changing classes")
    )
    as_counterfactual_spectra(found)
  })
}

# What the bridge returns -> a plain `counterfactual_spectra` object. Images and neighbours count from 1 here.
as_counterfactual_spectra <- function(value) {
  classes <- as.character(value$classes)
  levels <- list(
    class = classes, counterfactual_class = classes, band = as.character(value$bands),
    status = as.character(value$statuses)
  )
  tables <- lapply(value$tables, from_columns, levels)
  counted <- function(positions) replace(positions + 1L, positions < 0, NA)
  tables$change$image <- counted(tables$change$image)
  tables$image$image <- counted(tables$image$image)
  tables$image$neighbour <- counted(tables$image$neighbour)
  said <- list(verdict = value$verdict, caveat = value$caveat)
  structure(c(list(tables = tables), from_fields(value, "counterfactual_spectra"), said),
    class = "counterfactual_spectra"
  )
}

#' @rdname counterfactual_spectra
#' @export
tidy.counterfactual_spectra <- function(x, level = c("change", "image", "class"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    x$tables[[choose(level, c("change", "image", "class"), "level")]]
  })
}

#' @rdname counterfactual_spectra
#' @export
glance.counterfactual_spectra <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  images <- tidy(x, "image")
  changed <- images$status == "changed"
  tibble::tibble(
    n = nrow(images), n_changed = sum(changed), median_bands = stats::median(as.double(images$n_bands[changed])),
    n_bands = length(x$bands), max_bands = x$max_bands, neighbours = x$neighbours, n_background = x$n_background,
    exact = all(images$exact), output = x$output, seed = x$seed, model = x$model, seconds = x$seconds
  )
}

#' @export
as.data.frame.counterfactual_spectra <- function(x,
                                                 row.names = NULL,
                                                 optional = FALSE,
                                                 ...,
                                                 level = c("change", "image", "class")) {
  as.data.frame(tidy(x, level = level))
}

#' @rdname counterfactual_spectra
#' @export
summary.counterfactual_spectra <- function(object, ...) {
  in_verb("summarise it", no_other_arguments())
  structure(
    list(
      about = glance(object), verdict = object$verdict, classes = tidy(object, "class"), caveat = object$caveat,
      lines = about_counterfactuals(object)
    ),
    class = "summary_counterfactual_spectra"
  )
}

#' @export
print.summary_counterfactual_spectra <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.summary_counterfactual_spectra <- function(x, ...) {
  c(x$lines, "", strwrap(x$verdict, 100), strwrap(x$caveat, 100))
}

#' @rdname counterfactual_spectra
#' @export
print.counterfactual_spectra <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.counterfactual_spectra <- function(x, ..., n = 10) {
  table <- tidy(x)[c("image", "class", "counterfactual_class", "band", "change", "change_sd")]
  c(
    about_counterfactuals(x), strwrap(x$verdict, 100), format(table, n = n)[-1],
    cli::col_grey("# tidy() gives all columns, summary() what to know of them, autoplot() draws them")
  )
}

# What was computed, in a few lines.
about_counterfactuals <- function(x) {
  c(
    cli::style_bold("Counterfactual spectra"),
    paste0(
      count(length(x$status), "image"), ", ", count(length(x$bands), "band"), "; at most ", x$max_bands,
      " of them from ", count(x$neighbours, "neighbour"), " among ", count(x$n_background, "background image")
    )
  )
}
