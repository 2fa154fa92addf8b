# How outputs answer to the level of a band: the shape of what a model has learnt, which importance does not have.

#' How does the score of a class answer to the level of a band?
#'
#' Importance says how much a band matters, not in which direction or from which level on. `band_response()` moves a
#' band of the images to other levels and follows the outputs of the model, class by class. A band's level in an image
#' is its mean over the image's pixels; to bring it to another level, all pixels of the band are shifted by the same
#' number, so that its texture stays. Levels never leave the range that is observed in the images of the class.
#'
#' Where images have steps in time, a band is moved at all of them, and its level is its mean over them, too. With
#' `time_axis`, it is moved at one step while the others stay: there is a curve for each band at each step.
#'
#' @inheritParams band_importance
#' @param x Images, as for [band_importance()]. The curves are those of these images: use images like those that the
#'   model will see. For the methods, a `band_response`.
#' @param ... Not used: all that follows must be named.
#' @param kind `"ale"`, accumulated local effects: the images of a class are divided into bins of similar level, each
#'   image is moved to the two ends of its bin, and the mean changes of the output are added up from bin to bin. Images
#'   stay near where they are, so that bands that go together do no harm. `"ice"`, individual conditional expectation:
#'   each image is moved to every level of a grid, with a curve for each, whose mean is the partial dependence. Where
#'   bands go together, this makes images of a kind that does not exist.
#' @param only Bands to look at, by name (`"input: band"` where several inputs have it), or by position, counted from 1,
#'   in the order that `reorder` gives them; `NULL` takes all. With `time_axis` at all steps, or at one:
#'   `"nir at 2024-05-01"`.
#' @param time_axis,times As for [band_importance()]: the axis of the steps, to move a band at one of them, and what
#'   these are called.
#' @param steps Steps from the lowest level to the highest; with `"ale"` the most there may be, as each bin has at least
#'   five images.
#' @param level `"class"` for one row per class x output x band x level; with `kind = "ice"` also `"image"` for one row
#'   per image x output x band x level.
#' @param n Number of rows of the table to show.
#'
#' @returns An object of class `band_response`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   [`autoplot()`][autoplot.band_response] draws it. `tidy()` gives a tibble; at level `"class"`:
#' \describe{
#'   \item{`class`, `output`}{the images' class, and the output of the model that is followed}
#'   \item{`band`, `wavelength`}{name, and wavelength in nm (`NA` where unknown); with several inputs `input` before
#'     them, with `time_axis` `time` between them, as in the tables of [band_importance()]}
#'   \item{`level`}{of the band, in its units}
#'   \item{`effect`}{what the band at this level adds to the output, in units of the output, centred so that its mean
#'     over the class's images is 0; with `"ice"` the partial dependence, centred in the same way}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % interval of `effect`, from how the images of a
#'     bin (with `"ice"`, of the class) differ; `NA` where images are too few to tell}
#'   \item{`n`}{with `"ale"`, images whose levels are between that of the row before and this one, 0 at the lowest
#'     level; with `"ice"`, images of the class}
#' }
#' At level `"image"`:
#' \describe{
#'   \item{`image`}{position of the image in the data, from 1}
#'   \item{`class`, `output`, `band`, `wavelength`, `level`}{as above}
#'   \item{`value`}{the output of the image with the band at this level}
#' }
#' `glance()` gives one row: `kind`, `output` (the scale), `n` (images), `n_bands`, `n_classes`, `steps`, `n_missing`
#' (pairs of a class and a band without a curve), `model`, `seconds`.
#'
#' @details
#' A class whose images all have the same level of a band has no curve for it. There is a warning of class
#' `bandlens_warning_data`, and the pairs are in the field `missing` of the result; if there is no curve at all, that is
#' an error.
#'
#' It takes two images per image and band with `"ale"`, `steps + 1` with `"ice"`. Nothing is random.
#'
#' @references Apley & Zhu (2020), \doi{10.1111/rssb.12377}; Goldstein et al. (2015),
#'   \doi{10.1080/10618600.2014.907095}.
#' @seealso [band_importance()] for how much each band matters; its pictures `"dependence"` and `"waterfall"`.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' response <- band_response(model, landsat$test$x, landsat$test$y, wavelengths = landsat$wavelengths)
#' response
#' tidy(response)
#' autoplot(response)
#' @export
band_response <- function(model,
                          x,
                          y = NULL,
                          ...,
                          kind = c("ale", "ice"),
                          only = NULL,
                          steps = 20,
                          target = "class",
                          output = c("auto", "logit", "probability"),
                          head = NULL,
                          task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                          zone = NULL,
                          ignore = NULL,
                          bands = NULL,
                          wavelengths = NULL,
                          classes = NULL,
                          band_axis = -1,
                          time_axis = NULL,
                          times = NULL,
                          reorder = FALSE,
                          batch_size = NULL,
                          progress = NULL) {
  in_verb("compute response curves", {
    no_other_arguments()
    kind <- choose(kind, c("ale", "ice"), "kind")
    output <- as_output(output)
    y <- own_labels(x, y)
    said <- as_described(x, NULL, bands, wavelengths, band_axis, time_axis, times)
    model <- as_model(model, said$names, said$axis)
    labels <- as_labels(y, classes, ignore)
    arguments <- rlang::list2(
      kind = kind,
      only = if (!is.null(only)) unname(lapply(as.list(only), as_band, "only")),
      steps = as_count(steps, "steps"),
      target = as_target(target),
      output = output,
      !!!as_outputs(head, task, zone, ignore),
      classes = labels$classes,
      reorder = as_flag(reorder, "reorder"),
      batch_size = as_count(batch_size, "batch_size", null = TRUE)
    )
    of_background <- c("background", "background_bands", "background_each_bands")
    arguments <- c(arguments, said$arguments[setdiff(names(said$arguments), of_background)])
    found <- call_bridge(
      "band_response", model, said$x, labels$y, arguments, progress_bar(progress, "Following response curves")
    )
    as_band_response(found)
  })
}

# What the bridge returns -> a plain `band_response` object.
as_band_response <- function(value) {
  structure(from_fields(value, "band_response"), class = "band_response")
}

#' @rdname band_response
#' @export
tidy.band_response <- function(x, level = c("class", "image"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, c("class", "image"), "level")
    if (level == "image" && is.null(x$values)) {
      cause("option", "There is no such table.", expected = "level = \"class\"", given = "level = \"image\"",
        fix = "curves of single images are computed with `kind = \"ice\"`"
      )
    }
    if (level == "class") curve_table(x) else own_curve_table(x)
  })
}

# One row per class x output x band x level.
curve_table <- function(object) {
  band <- as.integer(object$row_band)
  tibble::tibble(
    class = object$row_class, output = object$row_output, !!!cell_columns(object, band), level = object$level,
    effect = object$effect, std_error = object$std_error, conf_low = object$conf_low, conf_high = object$conf_high,
    n = object$n_images
  )
}

# One row per image x output x band x level, the level varying fastest, where there is a curve.
own_curve_table <- function(object) {
  values <- aperm(object$values, 4:1)
  at <- arrayInd(which(is.finite(values)), dim(values))
  image <- at[, 4]
  band <- at[, 2]
  code <- as.integer(object$image_class)[image]
  tibble::tibble(
    image = image_numbers(object)[image],
    class = object$image_class[image],
    output = from_codes(object$image_output[at[, 4:3, drop = FALSE]] - 1L, object$outputs),
    !!!cell_columns(object, band),
    level = object$grid[cbind(code, band, at[, 1])],
    value = values[is.finite(values)]
  )
}

#' @rdname band_response
#' @export
glance.band_response <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    kind = x$kind, output = x$output, n = n_images(x), n_bands = length(x$bands),
    n_classes = length(present(x$image_class)), steps = x$steps, n_missing = sum(lengths(x$missing)), model = x$model,
    seconds = x$seconds
  )
}

#' @export
as.data.frame.band_response <- function(x, row.names = NULL, optional = FALSE, ..., level = c("class", "image")) {
  as.data.frame(tidy(x, level = level))
}

#' @rdname band_response
#' @export
print.band_response <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.band_response <- function(x, ..., n = 10) {
  table <- curve_table(x)
  if (own_output(table)) {
    table$output <- NULL
  }
  lacking <- sum(lengths(x$missing))
  c(
    cli::style_bold(paste("Band response:", tolower(display_name("response", x$kind)))),
    paste0(
      count(n_images(x), "image"), ", ", count(length(present(x$image_class)), "class", "classes"), " x ",
      count_cells(x), "; output: ", x$output
    ),
    if (lacking > 0) {
      paste0(count(lacking, "pair"), " of a class and a band without a curve, listed in `missing`")
    },
    format(table, n = n)[-1],
    cli::col_grey(paste0(
      "# tidy() gives the curves, ", if (!is.null(x$values)) "tidy(level = \"image\") those of single images, ",
      "autoplot() draws them"
    ))
  )
}
