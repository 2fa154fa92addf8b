# What bands do together, beyond what each does: the core computes it, here are its tables.

#' What do bands do together?
#'
#' Importance gives each band its part; `band_interactions()` says what two or three bands do to an output together,
#' beyond what each does alone. Two bands interact where what one does depends on what the other is: a ratio or a
#' threshold of both, or two bands of which either is enough. A positive interaction raises the output beyond what both
#' add up to, a negative one lowers it, as where they tell the same.
#'
#' Bands that are not there come from background images, as for the method `"shapley"`, and the same outputs are
#' computed: interactions cost no more than exact Shapley values do, `2^bands` images per image and background image.
#'
#' @inheritParams band_importance
#' @param model,x,y As for [band_importance()]; any function that gives outputs will do.
#' @param ... Not used: all that follows must be named.
#' @param order Size of the largest sets of bands: with 2 all pairs, with 3 all pairs and triples. With 1, there are
#'   Shapley (or Banzhaf) values alone.
#' @param index How what a set of bands does together is averaged over the bands that are there already. `"sii"`, the
#'   Shapley interaction index: as they come in all orders. `"banzhaf"`: all of them alike. With `"k-sii"` and `"stii"`
#'   (Shapley-Taylor), main effects and interactions of an image sum to its output less the mean one of the background.
#'   Of pairs with `order = 2`, `"sii"` and `"k-sii"` are the same. With `order = 3`, pairs of `"sii"` and `"banzhaf"`
#'   contain a part of each triple that they are in; those of the others don't.
#' @param absent What bands are that are not there: `"marginal"`, the background's whatever the other bands are;
#'   `"conditional"`, what they would be given the bands that are there; `"nearest"`, those of similar pixels. As for
#'   the method `"shapley"`, see [band_methods()].
#' @param max_exact Most bands (or groups) for which all coalitions are computed. `groups` makes fewer of many bands.
#' @param object For `summary()`, a `band_interactions`; for the other methods it is `x`.
#' @param level `"class"` for one row per class x output x set of bands, `"image"` for one row per image x output x set,
#'   `"overall"` for one row per output x set over the images of all classes.
#' @param top How many sets of bands to name per class.
#' @param n Number of rows of the table to show.
#'
#' @returns An object of class `band_interactions`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   [`autoplot()`][autoplot.band_interactions] draws it. `tidy()` gives a tibble of the sets of `order` bands (by
#'   default the largest there are; `order = 1` gives main effects: what each band does by itself, without its part in
#'   interactions); at level `"class"`:
#' \describe{
#'   \item{`class`, `output`}{the images' class, and the output of the model that is explained}
#'   \item{`band_1`, `band_2`, `band_3`}{the bands of the set; as many columns as there are bands. With several inputs
#'     or `time_axis` they name input and step, as in "sar: VV at 2024-05-01"}
#'   \item{`interaction`}{mean over the images of the class, in units of the output; of single bands the main effect}
#'   \item{`importance`}{mean of its size}
#'   \item{`rank`}{1 for the set with the largest importance}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % interval of `interaction`, over images and
#'     background images; `NA` for a single image}
#'   \item{`n`}{number of images}
#'   \item{`se_images`, `se_background`}{the parts of `std_error`, as in [tidy.band_importance()]}
#' }
#' At level `"overall"` the same, with `class` `"all"`. At level `"image"`, `image` (position in the data, from 1),
#' `class`, `output`, the bands, and `interaction`.
#'
#' `glance()` gives one row: `index`, `order`, `output` (the scale), `n` (images), `n_bands`, `n_classes`,
#' `n_background`, `completeness` (largest relative miss of what all sets of an image should sum to; `NA` where the
#' index promises no sum), `accuracy`, `seed`, `model`, `seconds`. `summary()` gives a list with `about` (as
#' `glance()`) and `top` (rows of the table with the strongest interactions), and shows a line per class.
#'
#' @references Grabisch & Roubens (1999), \doi{10.1007/s001820050125} (Shapley and Banzhaf interaction); Sundararajan,
#'   Dhamdhere & Agarwal (2020), <https://arxiv.org/abs/1902.05622> (Shapley-Taylor); Bordt & von Luxburg (2023),
#'   <https://arxiv.org/abs/2209.04012>, and for pairs Lundberg et al. (2020), \doi{10.1038/s42256-019-0138-9}
#'   (`"k-sii"`).
#' @seealso [band_importance()] for how much each band matters.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 100) # of all classes; you will take more of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' together <- band_interactions(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = landsat$train$x, n_background = 10
#' )
#' together
#' tidy(together)
#' tidy(together, order = 1)
#' autoplot(together)
#' @export
band_interactions <- function(model,
                              x,
                              y = NULL,
                              ...,
                              order = 2,
                              index = c("sii", "k-sii", "stii", "banzhaf"),
                              max_exact = 12,
                              absent = c("marginal", "conditional", "nearest"),
                              background = NULL,
                              n_background = 100,
                              target = "class",
                              output = c("auto", "logit", "probability"),
                              head = NULL,
                              task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                              zone = NULL,
                              ignore = NULL,
                              bands = NULL,
                              wavelengths = NULL,
                              groups = NULL,
                              classes = NULL,
                              band_axis = -1,
                              time_axis = NULL,
                              times = NULL,
                              reorder = FALSE,
                              batch_size = NULL,
                              seed = 0,
                              progress = NULL) {
  in_verb("compute interactions of bands", {
    no_other_arguments()
    asked <- table_arguments(
      background = background, n_background = n_background, target = target, output = output, head = head,
      task = task, zone = zone, ignore = ignore, bands = bands, wavelengths = wavelengths, groups = groups,
      classes = classes, band_axis = band_axis, time_axis = time_axis, times = times, reorder = reorder,
      batch_size = batch_size, seed = seed
    )
    asked$arguments$method <- NULL
    own <- list(
      order = as_count(order, "order"),
      index = choose(index, c("sii", "k-sii", "stii", "banzhaf"), "index"),
      max_exact = as_count(max_exact, "max_exact"),
      absent = choose(absent, c("marginal", "conditional", "nearest"), "absent"),
      keep_on_interrupt = rlang::is_interactive()
    )
    asked$arguments <- c(asked$arguments, own)
    as_band_interactions(explain("band_interactions", model, x, y, asked, progress))
  })
}

# What the bridge returns -> a plain `band_interactions` object.
as_band_interactions <- function(value) {
  levels <- list(class = as.character(value$classes), output = as.character(value$outputs))
  levels[paste0("band_", seq_len(value$order))] <- list(as.character(value$bands))
  of_all <- utils::modifyList(levels, list(class = value$whole))
  tables <- list(
    class = lapply(value$tables$class, from_columns, levels),
    overall = lapply(value$tables$overall, from_columns, of_all)
  )
  structure(
    c(
      list(tables = tables), from_fields(value, "band_interactions"),
      known_numbers(value, c("accuracy", "chance", "completeness"))
    ),
    class = "band_interactions"
  )
}

#' @rdname band_interactions
#' @export
tidy.band_interactions <- function(x, level = c("class", "image", "overall"), ..., order = NULL) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, c("class", "image", "overall"), "level")
    order <- interaction_order(x, order)
    if (level == "image") own_interaction_table(x, order) else x$tables[[level]][[order]]
  })
}

# Size of the sets of a table: the largest there are, or another that was computed.
interaction_order <- function(object, order) {
  order <- as_count(order, "order", null = TRUE)
  if (is.null(order)) {
    return(object$order)
  }
  if (order > object$order) {
    cause("option", "Interactions of so many bands were not computed.",
      expected = paste("order 1 to", object$order), given = shown(order)
    )
  }
  order
}

# One row per image x output x set of so many bands, the set varying fastest.
own_interaction_table <- function(object, order) {
  sets <- which(rowSums(object$members > 0) == order)
  size <- c(dim(object$scores)[1:2], length(sets))
  members <- object$members[sets, seq_len(order), drop = FALSE]
  bands <- lapply(seq_len(order), function(place) {
    from_codes(rep(members[, place] - 1L, times = size[[1]] * size[[2]]), object$bands)
  })
  tibble::tibble(
    image = rep(image_numbers(object), each = size[[2]] * size[[3]]),
    class = rep(object$image_class, each = size[[2]] * size[[3]]),
    output = rep(row_outputs(object), each = size[[3]]),
    !!!stats::setNames(bands, paste0("band_", seq_len(order))),
    interaction = as.vector(aperm(object$scores[, , sets, drop = FALSE], 3:1))
  )
}

#' @rdname band_interactions
#' @export
glance.band_interactions <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    index = x$index, order = x$order, output = x$output, n = n_images(x), n_bands = length(x$bands),
    n_classes = length(x$classes), n_background = length(x$background), completeness = number_or_na(x$completeness),
    accuracy = number_or_na(x$accuracy), seed = x$seed, model = x$model, seconds = x$seconds
  )
}

#' @rdname band_interactions
#' @inheritParams tidy.band_importance
#' @export
as.data.frame.band_interactions <- function(x,
                                            row.names = NULL,
                                            optional = FALSE,
                                            ...,
                                            level = c("class", "image", "overall"),
                                            order = NULL) {
  as.data.frame(tidy(x, level = level, order = order))
}

#' @rdname band_interactions
#' @export
summary.band_interactions <- function(object, ..., top = 3) {
  in_verb("summarise it", {
    no_other_arguments()
    top <- as_count(top, "top")
  })
  table <- tidy(object)
  best <- table[table$rank <= top & table$importance > object$rounding, ]
  structure(
    list(
      about = glance(object), top = best[order(best$class, best$output, best$rank), ], lines = about_together(object),
      cells = unique(table[c("class", "output", "n")])
    ),
    class = "summary_band_interactions"
  )
}

#' @export
print.summary_band_interactions <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.summary_band_interactions <- function(x, ...) {
  label <- as.character(x$cells$class)
  if (!own_output(x$cells)) {
    label <- paste(label, "->", x$cells$output)
  }
  rows <- vapply(seq_len(nrow(x$cells)), function(at) {
    own <- x$top[x$top$class == x$cells$class[[at]] & x$top$output == x$cells$output[[at]], ]
    told <- paste(sets_in_words(own), sprintf("%+.2g", own$interaction), collapse = ", ")
    paste0("(n = ", x$cells$n[[at]], ")  ", if (nrow(own) > 0) told else "bands do nothing together")
  }, "")
  c(
    x$lines, "", cli::style_bold("Strongest interactions of each class, their mean over its images"),
    paste0(cli::ansi_align(label, max(cli::ansi_nchar(label, "width"))), "  ", rows)
  )
}

# The bands of each row: "red x nir".
sets_in_words <- function(table) {
  do.call(paste, c(lapply(unname(as.list(table[grepl("^band_", names(table))])), as.character), sep = " x "))
}

#' @rdname band_interactions
#' @export
print.band_interactions <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.band_interactions <- function(x, ..., n = 10) {
  table <- tidy(x)
  if (own_output(table)) {
    table$output <- NULL
  }
  table <- table[setdiff(names(table), c("conf_low", "conf_high", "se_images", "se_background"))]
  c(
    about_together(x),
    format(table, n = n)[-1],
    cli::col_grey("# tidy() gives all columns, tidy(order = 1) the main effects, autoplot() draws them")
  )
}

# What was computed, in a few lines.
about_together <- function(x) {
  sets <- switch(x$order, "bands alone", "pairs of bands", "triples of bands")
  c(
    cli::style_bold(paste0("Interactions of bands: ", display_name("index", x$index))),
    paste0(
      count(n_images(x), "image"), ", ", count_classes(x), " x ", count(length(x$bands), "band"), ", ", sets,
      "; output: ", x$output, told_task(x)
    ),
    if (!is.null(x$accuracy)) told_accuracy(x),
    paste0(
      "Background: ", count(length(x$background), "image"), " from `", x$background_source, "`", told_strategy(x)
    )
  )
}
