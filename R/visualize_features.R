# What do a network's neurons look for? Images that excite a feature, in every band.

#' Images that excite features of a network
#'
#' Starts from an image that is random at all scales, and changes it step by step so that a feature of a layer is
#' excited more and more (gradient ascent, as in Deep Dream). The image that is found shows what the feature looks for,
#' and in which bands.
#'
#' @param model A trained Keras model, the path of a saved one, or a Python function from a batch of images to outputs,
#'   of which only the outputs can be visualised (`objective = "logit"`).
#' @param layer Name of a layer, as listed by [list_layers()]. For `objective = "deep_dream"` also several names, or
#'   their weights as a named vector, such as `c(conv2 = 1, conv3 = 0.5)`. `NULL` for `objective = "logit"`.
#' @param features Which features: channels or units of the layer by position, counted from 1; for logits also names of
#'   classes. `NULL` takes all.
#' @param ... Not used: arguments from here on must be named.
#' @param steps How many steps; 0 returns the start.
#' @param jitter Most pixels that the image is shifted by at each step, at random, so that local artefacts spread out;
#'   `"auto"` is 1/16 of its sides. Images go round at their borders.
#' @param start Where to start: `"multiscale"`, noise in which all scales have the same part, around the middle of each
#'   band's range; `"grey"`, that middle itself; `"background"`, a background image, drawn for each feature; or an
#'   array: an image, as the model takes it, or one per feature (images x rows x columns x bands).
#' @param seed Makes the images repeatable; each feature has random numbers of its own.
#' @param objective What is to grow:
#'   * `"squared_activity"`: the sum over positions of the feature's squared activity;
#'   * `"mean_activity"`: its mean over positions;
#'   * `"neuron"`: its activity at one `position`;
#'   * `"direction"`: the mean activity along `directions` in the layer's features;
#'   * `"logit"`: an output of the model, before softmax or sigmoid;
#'   * `"deep_dream"`: the mean square of all features of one or several layers, usually from a given image on.
#' @param background A sample of the data, such as the training images: it gives the bands' ranges, starts, and how
#'   bands vary together. Of a model of several inputs a list with images for each, by the inputs' names or in their
#'   order.
#' @param value_range Lowest and highest value, as two numbers or as a list of two vectors with one number per band, in
#'   the data's own units. `NULL` takes the 0.1 % and 99.9 % quantiles of `background`.
#' @param n_background How many background images to use at most; if there are more, a random sample of them.
#' @param position For `"neuron"`, its row and column, counted from 1; `NULL` is the centre.
#' @param directions For `"direction"`, a matrix with a row per direction and a column per feature of the layer, or a
#'   vector for a single one.
#' @param n_images Images per feature, which are pushed apart with the strength `diversity`.
#' @param diversity That strength, relative to the objective; `NULL` is 0.5 for several images.
#' @param step_size The largest component of the gradient is made this part of the band's range.
#' @param contrast Standard deviation of the start's noise, in parts of each band's range.
#' @param clamp How bands stay in their ranges (or as far out as the start was): `"fit"` shrinks an image as a whole
#'   towards the middle, so that pixels and bands keep their proportions, and what is not excited fades; its size is
#'   judged where it matters, and what is still beyond is cut off. `"clip"` only cuts off: it reaches higher
#'   activations, as whatever counts a little ends at an end of its range, but the strongest bands end alike. `"none"`
#'   lets images grow. `"auto"` is `"fit"` from noise and grey, and `"clip"` from images, which are not to fade.
#' @param l2,total_variation Strengths of a pull to the middle of the range, and of smoothness, relative to the largest
#'   component of the gradient.
#' @param scale,rotate Most that the image is scaled (0.1: by 1/1.1 to 1.1) and rotated (degrees) at each step, at
#'   random.
#' @param parametrization Where the gradient is taken: in `"pixels"`, or in spatial frequencies in units of 1 /
#'   frequency, which images have by nature (`"fourier"`); the latter gives smoother images.
#' @param decorrelate Whether the gradient is taken in bands that are uncorrelated in the background, so that an image's
#'   bands vary together as the data's do.
#' @param bands Names of the bands. `NULL` takes the `dimnames` of `background`, if there are any, else those that are
#'   kept with the model, see [bandlens_bands()].
#' @param wavelengths Wavelengths of the bands in nm, in the order of `bands`, else of `background`; `NA` where there is
#'   none.
#' @param classes Names of the classes, for `objective = "logit"`.
#' @param shape Shape of one image, for models that do not say; `NULL` takes that of `background`.
#' @param band_axis Axis of a batch of images that holds the bands: -1 is the last one; others count from 1, which is
#'   the images' own. Of several inputs, this and `bands`, `wavelengths`, `value_range` and a given `start` are the same
#'   for all, or lists by the inputs' names.
#' @param input Of a model of several inputs: name of the one for which images are made, while the others are held at
#'   the mean of their `background`. `NULL` makes images for each in turn with which the features change.
#' @param reorder Whether to bring the bands of `background` into the order of the model's, or of `bands`, by name.
#'   Without it, another order is an error; [bandlens_bands()] says how names are compared.
#' @param batch_size Images that are computed at once; `NULL` fits them to the memory. It does not change the result.
#' @param progress Whether to show a progress bar. `NULL` shows one in interactive sessions only.
#' @param keep_on_interrupt Whether an interrupt returns the images so far, with a warning: those that are ready, and
#'   those at hand as they are. `NULL` does so in interactive sessions; else the interrupt goes on.
#'
#' @returns An object of class `feature_images`: a list of plain vectors and arrays, which [saveRDS()] can save.
#'   `as.array()` gives the images, images x rows x columns x bands, in the data's own units; spectra have one row and
#'   one column. `x[i]` takes some of the images, by position or by the features' names, and `c()` puts results of
#'   several layers together, so that they can be drawn layer by layer. For a model of several inputs, unless `input`
#'   chooses one, an object of class [`by_input`][by_input]: a `feature_images` for each of them, by name.
#'
#'   `tidy()` gives a tibble, which has at all levels:
#' \describe{
#'   \item{`layer`, `feature`}{ordered factors: name of the layer (`"logit"` for the model's outputs), and of the
#'     feature, which is its position in the layer, from 1, or the class}
#'   \item{`image`}{number of the image among those of its feature, from 1}
#' }
#'   and at level `"feature"`, with one row per image:
#' \describe{
#'   \item{`activation_before`, `activation_after`}{activation by the start and by the image; `x$activation` says what
#'     it is}
#'   \item{`steps`}{steps that were made}
#'   \item{`restarts`}{starts that were given up as the feature was silent at them; later ones are dark, bright, of
#'     stronger and finer noise, and around random levels of the bands}
#'   \item{`dead`}{whether the feature stayed silent at every step, so that its image shows the start}
#' }
#'   at level `"band"`, with one row per image x band:
#' \describe{
#'   \item{`band`, `wavelength`}{name, and wavelength in nm (`NA` where unknown)}
#'   \item{`mean`, `std`}{mean and standard deviation over pixels}
#'   \item{`low`, `high`}{the band's range}
#'   \item{`contrast`}{how much is in the band: root mean square deviation from the middle of its range, in parts of the
#'     range, at most 0.5; bands that the feature does not look at are near 0; `NA` for a band without a range}
#' }
#'   at level `"pixel"`: `row` and `col` from 1, `band`, `wavelength`, and `value`; at level `"trace"`, with one row per
#'   image x step:
#' \describe{
#'   \item{`step`}{how many steps had been made, from 0}
#'   \item{`activation`}{by the image as it was then, shifted at random; `NA` for steps that an interrupt prevented}
#' }
#'   `glance()` gives one row: `layer`, `objective`, `activation`, `start`, `steps`, `n` (images), `n_features`,
#'   `n_dead`, `interrupted`, `seed`, `model`, `seconds`.
#'
#' @section Warnings:
#' Features that stay silent whatever the image does give a warning of class `bandlens_warning_dead_feature`, and are
#' flagged in the result. So do features for which the ascent did not rise above its start: where an image ends below
#' it, the best one on the way is kept (of those after every 16 steps), else the start itself. (With `l2` or
#' `total_variation`, which may cost activation, images are left as they end.) An interrupt gives a warning of class
#' `bandlens_warning_interrupted`.
#'
#' @references
#' Mordvintsev, Olah & Tyka (2015), Inceptionism: going deeper into neural networks (Deep Dream). Erhan, Bengio,
#' Courville & Vincent (2009), Visualizing higher-layer features of a deep network. Olah, Mordvintsev & Schubert (2017),
#' Feature visualization, Distill, \doi{10.23915/distill.00007} (objectives, diversity, Fourier parametrisation).
#' @seealso [`autoplot()`][autoplot.feature_images] draws the images; [top_images()] finds images of the data that
#'   excite the same features; [layer_kernels()] is for first layers.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' found <- visualize_features(
#'   model, "re_lu",
#'   features = 1:4, steps = 20, background = landsat$train$x, wavelengths = landsat$wavelengths
#' )
#' found
#' tidy(found, "band")
#' autoplot(found)
#' autoplot(found, "spectrum")
#' @export
visualize_features <- function(model,
                               layer = NULL,
                               features = NULL,
                               ...,
                               steps = 256,
                               jitter = "auto",
                               start = "multiscale",
                               seed = 0,
                               objective = c(
                                 "squared_activity", "mean_activity", "neuron", "direction", "logit", "deep_dream"
                               ),
                               background = NULL,
                               value_range = NULL,
                               n_background = 100,
                               position = NULL,
                               directions = NULL,
                               n_images = 1,
                               diversity = NULL,
                               step_size = 1 / 8,
                               contrast = 0.1,
                               clamp = c("auto", "fit", "clip", "none"),
                               l2 = 0,
                               total_variation = 0,
                               scale = 0,
                               rotate = 0,
                               parametrization = c("pixels", "fourier"),
                               decorrelate = FALSE,
                               bands = NULL,
                               wavelengths = NULL,
                               classes = NULL,
                               shape = NULL,
                               band_axis = -1,
                               input = NULL,
                               reorder = FALSE,
                               batch_size = NULL,
                               progress = NULL,
                               keep_on_interrupt = NULL) {
  in_verb("visualize features", {
    no_other_arguments()
    model <- as_model(model)
    shape <- as_shape(shape)
    said <- as_described_background(background, bands, wavelengths, band_axis, shape)
    objectives <- c("squared_activity", "mean_activity", "neuron", "direction", "logit", "deep_dream")
    arguments <- c(said, list(
      layer = as_layer(layer), features = as_features(features), steps = as_count(steps, "steps", least = 0),
      jitter = as_option(jitter), start = as_start(start), seed = as_count(seed, "seed", least = 0),
      objective = choose(objective, objectives, "objective"),
      value_range = as_value_ranges(value_range, said$background),
      n_background = as_count(n_background, "n_background"),
      position = as_feature_position(position), directions = as_directions(directions),
      n_images = as_count(n_images, "n_images"), diversity = as_option(diversity), step_size = as_option(step_size),
      contrast = as_option(contrast), clamp = choose(clamp, c("auto", "fit", "clip", "none"), "clamp"),
      l2 = as_option(l2), total_variation = as_option(total_variation), scale = as_option(scale),
      rotate = as_option(rotate), parametrization = choose(parametrization, c("pixels", "fourier"), "parametrization"),
      decorrelate = as_flag(decorrelate, "decorrelate"), classes = as_classes(classes), shape = shape,
      input = as_option(input), reorder = as_flag(reorder, "reorder"),
      batch_size = as_count(batch_size, "batch_size", null = TRUE),
      keep_on_interrupt = as_flag(
        if (is.null(keep_on_interrupt)) rlang::is_interactive() else keep_on_interrupt, "keep_on_interrupt"
      )
    ))
    value <- call_bridge("visualize_features", model, arguments, progress_bar(progress, "Visualizing features"))
  })
  as_by_input(value, as_feature_images)
}

#' @rdname visualize_features
#' @param x A `feature_images`.
#' @param level Which table, see below.
#' @export
tidy.feature_images <- function(x, level = c("feature", "band", "pixel", "trace"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, c("feature", "band", "pixel", "trace"), "level")
    if (level == "pixel") feature_pixels(x) else x$tables[[level]]
  })
}

#' @rdname visualize_features
#' @export
glance.feature_images <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    layer = x$layer, objective = x$objective, activation = x$activation, start = x$start, steps = x$steps,
    n = length(x$names), n_features = length(unique(x$names)), n_dead = sum(x$dead), interrupted = x$interrupted,
    seed = x$seed, model = x$model, seconds = x$seconds
  )
}

#' @rdname visualize_features
#' @export
as.array.feature_images <- function(x, ...) {
  x$values
}

#' @export
as.data.frame.feature_images <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
length.feature_images <- function(x) {
  nrow(unclass(x)$values)
}

#' @rdname visualize_features
#' @param i Images, by position counted from 1, or by the names of their features.
#' @export
`[.feature_images` <- function(x, i) {
  in_verb("take these images", {
    if (is.character(i)) {
      unknown <- setdiff(i, x$names)
      if (length(unknown) > 0) {
        cause("option", "There are no images of these features.",
          expected = some(paste0("\"", unique(x$names), "\"")), given = shown(unknown), fix = nearest(unknown, x$names)
        )
      }
      i <- unlist(lapply(unique(i), function(name) which(x$names == name)))
    }
    some_images(x, as_image_positions(i, length(x)) + 1L)
  })
}

#' @export
print.feature_images <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @export
format.feature_images <- function(x, ..., n = 10) {
  size <- dim(x$values)
  c(
    cli::style_bold(paste0(
      "Images that excite ", if (is_output(x)) "outputs" else paste0("layer '", x$layer, "'"),
      if (!is.null(x$input)) paste0(", input '", x$input, "'")
    )),
    paste0(
      count(size[[1]], "image"), " of ", size[[2]], " x ", size[[3]], " pixels, ", count(size[[4]], "band"), "; ",
      gsub("_", " ", x$objective), ", ", count(x$steps, "step"), " from ", start_name(x)
    ),
    paste0("Activation: ", x$activation),
    if (x$interrupted) "Interrupted: not all images or steps are there",
    format(x$tables$feature[-1], n = n)[-1],
    cli::col_grey(
      "# as.array() gives the images, tidy() all of this table, tidy(level = ) also \"band\", \"pixel\", \"trace\""
    )
  )
}

#' @rdname visualize_features
#' @export
c.feature_images <- function(...) {
  in_verb("put them together", as_feature_list(list(...)))
}

#' @export
c.feature_images_list <- c.feature_images

#' @rdname visualize_features
#' @export
tidy.feature_images_list <- function(x, level = c("feature", "band", "pixel", "trace"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, c("feature", "band", "pixel", "trace"), "level")
    bind_features(lapply(x, tidy, level))
  })
}

#' @export
as.data.frame.feature_images_list <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @export
print.feature_images_list <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.feature_images_list <- function(x, ...) {
  c(
    cli::style_bold(paste0("Images that excite features, of ", count(length(x), "result"))),
    vapply(x, function(one) paste0("  ", layer_name(one), ": ", count(length(one), "image")), ""),
    cli::col_grey("# autoplot() draws them layer by layer; x[[1]] is the first result")
  )
}

is_output <- function(object) object$objective == "logit"

layer_name <- function(object) if (is_output(object)) "outputs" else object$layer

start_name <- function(object) {
  switch(object$start,
    multiscale = "noise at all scales",
    background = "background images",
    given = "a given start",
    object$start
  )
}
