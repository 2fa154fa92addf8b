#' Background images, and how they are chosen
#'
#' What an image is compared with is part of the question. `background_images()` says how background images are chosen,
#' or how much each of them counts; give it as `background`. A strategy alone, such as `background = "kmeans"`, chooses
#' from the explained images. The result records what was done.
#'
#' Where background images were not drawn at random (`"kmeans"`, `"kmedoids"`, `weights`), nothing says what others
#' would change: intervals then cover the images only, and `se_background` is `NA`.
#'
#' Similar, for `"kmeans"` and `"kmedoids"`, are images that differ little in the first 50 principal components of their
#' pixels, each band divided by its standard deviation. Where there are many images, the components are those of a
#' sample of them; all are grouped.
#'
#' @param x Images to choose from, in any form that `background` takes. `NULL` stands for the explained images.
#' @param y Their classes, which `"balanced"` and `"others"` ask for. `NULL` takes those that the images bring, as for
#'   `x` of [band_importance()]; else the classes that the model takes them for.
#' @param strategy How at most `n_background` images are chosen:
#'   * `"sample"`: at random. The default for images of their own.
#'   * `"balanced"`: at random, as many of each class, as far as there are so many. The default for the explained images
#'     of a model of classes. With `precision`, no more than keeps classes even, but 100 in all.
#'   * `"others"`: as many of each class, and each image is compared with those of other classes than its own only. For
#'     images with one class each.
#'   * `"kmeans"`: the means of `n_background` groups of similar images (k-means), each with the share of the images in
#'     its group as its weight. A mean of images is smoother than any of them.
#'   * `"kmedoids"`: the images that are nearest to these means, with the same weights.
#' @param weights How much each image counts: positive numbers, which are divided by their sum. All images are then
#'   used, and there is no `strategy`.
#'
#' @returns An object of class `background_images`, for the argument `background`.
#' @seealso [band_importance()], and what each strategy makes of the question in the vignette "What the numbers mean".
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 40)
#' importance <- band_importance(
#'   landsat_model(), landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = background_images(landsat$train, strategy = "kmedoids"), n_background = 10
#' )
#' importance
#' importance$background_weights
#' @export
background_images <- function(x = NULL, y = NULL, strategy = NULL, weights = NULL) {
  in_verb("choose a background", {
    if (!is.null(weights) && (!is.numeric(weights) || length(dim(weights)) > 1)) {
      cause("background", "`weights` must be a number for each background image.",
        expected = "positive numbers", given = shown(weights)
      )
    }
    if (is.null(y) && !is.null(x)) {
      y <- labelled_images(x, "x", "background")$y
    }
    structure(list(x = x, y = y, strategy = strategy, weights = weights), class = "background_images")
  })
}

#' @export
print.background_images <- function(x, ...) {
  from <- if (is.null(x$x)) "the explained images" else "images of their own"
  how <- if (is.null(x$weights)) x$strategy else "weighted"
  cat("<background images: ", paste(c(from, how), collapse = ", "), ">\n", sep = "")
  invisible(x)
}

# A background as `images`, and `sampling`, how they are chosen, as Python takes it; NULL if nothing is said of that.
apart_background <- function(background) {
  if (is.character(background) && is.null(dim(background)) && !is_source(background)) {
    background <- structure(list(strategy = background), class = "background_images")
  }
  if (!inherits(background, "background_images")) {
    return(list(images = background))
  }
  strategy <- background$strategy
  if (!is.null(strategy) && !rlang::is_string(strategy)) {
    cause("option", "The strategy to choose a background must be one word.", expected = "such as \"kmeans\"",
      given = shown(strategy)
    )
  }
  labels <- if (!is.null(background$y)) as_background_labels(background$y)
  weights <- if (!is.null(background$weights)) {
    found <- as.double(background$weights)
    found[is.na(found)] <- NaN # NA would make NumPy warn
    as.list(found)
  }
  list(images = background$x, sampling = list(strategy = strategy, y = labels, weights = weights))
}

# Labels of the background; which output a name belongs to, `classes` or the model say.
as_background_labels <- function(y) {
  if (is.character(y)) {
    y <- factor(y)
  }
  as_labels(y)$y
}

# Verbs that take background images as they are.
refuse_strategy <- function(background, verb) {
  if (inherits(background, "background_images") || is.character(background)) {
    cause("option", paste0(verb, " draws from the background by itself: that has no strategy and no weights."),
      expected = "images as `background`",
      given = if (is.character(background)) shown(background) else "`background_images()`"
    )
  }
}

# How a background was chosen, where it is no plain sample, for print-outs.
told_strategy <- function(x) {
  told <- c(
    others = "of other classes than the image's", kmeans = "means of groups (k-means), weighted",
    kmedoids = "the most typical of groups (k-medoids), weighted", weighted = "weighted"
  )
  strategy <- if (isTRUE(x$background_strategy %in% names(told))) told[[x$background_strategy]]
  absent <- absent_as(if (is.null(x[["absent"]])) x[["options"]][["absent"]] else x[["absent"]])
  paste0(", ", c(strategy, absent), collapse = "", recycle0 = TRUE)
}
