# Pictures of the class x band table, one type per file. Python draws the same ones with plotnine.

#' Draw band importance
#'
#' `autoplot()` returns a picture of the class x band table as a complete ggplot, to which layers, scales and themes can
#' be added; `plot()` draws it. Classes and bands keep the order in which they were given.
#'
#' @param object A [band_importance()].
#' @param type What to draw:
#'   * `"heatmap"`: each band's share of importance, as class x band tiles; with a time axis, as band x time tiles, one
#'     panel per class;
#'   * `"bars"`: importance with 95 % confidence intervals, one panel per class;
#'   * `"effect"`: the mean of the signed band scores, as class x band tiles on a diverging scale. It tells bands that
#'     raise the output from bands that lower it, and needs scores with a sign (not those of plain saliency);
#'   * `"spectrum"`: importance against wavelength (against the bands where wavelengths are unknown), one line per class
#'     with its 95 % confidence interval as a ribbon. Of more than eight classes each has a panel, with the others in
#'     grey;
#'   * `"ranks"`: the bands in order of importance, one row of tiles per class;
#'   * `"distribution"`: the scores of single images, one panel per class, coloured by the mean of the band in the
#'     image. It needs scores of images, which `"permutation"` with a metric of your own does not give;
#'   * `"dependence"`: the scores of single images against the level of the band (its mean in the image), one panel per
#'     band, coloured by class. [band_response()] asks the model itself;
#'   * `"waterfall"`: the scores of one image, as bars from the mean output of the background to the image's own. It
#'     needs scores that add up to the output, as those of additive methods do; what they miss of it has a bar of its
#'     own;
#'   * `"curves"`, with a time axis: importance along time, one panel per band and one line per class with its 95 %
#'     confidence interval as a ribbon.
#' @param ... Not used.
#' @param level For results with a time axis or several inputs: `"band"`, `"time"` or `"input"` draws scores that were
#'   summed over steps, over bands, or over all of an input, as [`tidy()`][tidy.band_importance] gives them. `"bars"`
#'   and `"spectrum"`, which have no place for steps, need it then. `NULL` draws the table itself.
#' @param values Whether to print the values in the tiles of `"heatmap"`, `"effect"` and `"ranks"`; `NULL` prints them
#'   where they fit, in the first two only where every band is named.
#' @param top How many bands to show: the first ones of each class in `"ranks"`, those with the largest mean share of
#'   importance in `"distribution"`, `"dependence"` and `"curves"`, those with the largest scores in `"waterfall"`,
#'   which takes the others together. `NULL` shows as many as can be read.
#' @param bands Which bands to show in `"dependence"` and `"curves"`, by name or position, instead of `top`.
#' @param image,output For `"waterfall"`: position of the image, from 1 (of its row in `augment()`, where images have
#'   several, each for a class), and which of the outputs that are explained for
#'   it: its position among them, from 1, or its name.
#' @param scales `"free"` gives each class a scale of its own, so that weak classes can be seen: a panel of `"bars"`,
#'   `"distribution"` and `"spectrum"` (whose classes then have a panel each), a row of colours of `"heatmap"` and
#'   `"effect"`. The subtitle says so. The others have none.
#' @param width Width in mm at which the picture will be shown, such as 85 for one column of a journal. It decides how
#'   names are wrapped, how many panels stand side by side, and what is printed; save the picture at this width.
#' @param base_size Font size in points.
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' Up to 26 bands are all named on the axis. Beyond that it shows round wavelengths where all wavelengths are known and
#' increase, else every few bands' names. The colours are safe for colour-blind readers: up to eight bands have those of
#' Okabe and Ito, more have a ramp by wavelength or position, classes have those Paul Tol calls muted, and tiles have
#' ColorBrewer's Blues and RdBu.
#'
#' With several inputs, `"heatmap"` and `"effect"` have a panel per input, as wide as its bands; the others call bands
#' by their input, as in "sar: VV". With a time axis, steps stand at their dates or numbers; a tile lasts from midway to
#' the step before until midway to the next, and bands of inputs without steps have one tile along the whole axis.
#'
#' `"distribution"` draws at most 1000 points per panel. Which images these are depends on the `seed` of the result
#' alone; the subtitle tells how many. Black lines mark the mean over all images of the class. Colours show the rank of
#' the image's band mean among all images, from the lowest to the highest.
#'
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' autoplot(importance)
#' autoplot(importance, "bars") + ggplot2::labs(title = NULL)
#' autoplot(importance, "spectrum")
#' autoplot(importance, "ranks")
#' autoplot(importance, "distribution", top = 3)
#' autoplot(importance, "dependence")
#' autoplot(importance, "waterfall", image = 2)
#' @importFrom rlang .data
#' @export
autoplot.band_importance <- function(object,
                                     type = c(
                                       "heatmap", "bars", "effect", "spectrum", "ranks", "distribution", "dependence",
                                       "waterfall", "curves"
                                     ),
                                     ...,
                                     level = NULL,
                                     values = NULL,
                                     top = NULL,
                                     bands = NULL,
                                     image = 1,
                                     output = 1,
                                     scales = c("fixed", "free"),
                                     width = 175,
                                     base_size = 8) {
  in_verb("draw the picture", {
    if ("interactive" %in% ...names()) {
      cause("option", "`autoplot()` always gives a ggplot.", expected = "no `interactive`",
        fix = "`plot(x, interactive = TRUE)` draws by plotly"
      )
    }
    no_other_arguments()
    type <- choose(type, eval(formals(autoplot.band_importance)$type), "type")
    draw_table(object, type, level, values, top, bands, scales, width, base_size, image, output)
  })
}

# The picture of a table of importances, after its options were checked.
draw_table <- function(object, type, level, values, top, bands, scales, width, base_size, image = 1, output = 1) {
  if (!is.null(values) && !rlang::is_bool(values)) {
    cause(
      "option", "`values` must say whether to print values.",
      expected = "TRUE, FALSE or NULL", given = shown(values)
    )
  }
  if (!is.null(values) && type %in% c("spectrum", "distribution", "dependence", "waterfall", "curves", "runs")) {
    cause(
      "option", paste0("The picture \"", type, "\" prints no values."),
      expected = "values = NULL", given = shown(values)
    )
  }
  if (!is.null(top) && !type %in% c("ranks", "distribution", "dependence", "waterfall", "curves")) {
    cause(
      "option", paste0("The picture \"", type, "\" shows all bands."),
      expected = "top = NULL", given = shown(top)
    )
  }
  check_of_one_type(type, bands, image, output)
  free <- choose(scales, c("fixed", "free"), "scales") == "free"
  if (free && type %in% c("ranks", "dependence", "waterfall")) {
    cause("option", paste0("The picture \"", type, "\" has no scale for each class."),
      expected = "scales = \"fixed\"", given = shown(scales)
    )
  }
  check_size(width, "width")
  check_size(base_size, "base_size")
  object <- drawable(object, type, level)
  plot <- switch(type,
    heatmap = draw_heatmap(object, values, free, width, base_size),
    bars = draw_bars(object, values, free, width, base_size),
    effect = draw_effect(object, values, free, width, base_size),
    spectrum = draw_spectrum(object, free, width, base_size),
    ranks = draw_ranks(object, top, values, width, base_size),
    distribution = draw_distribution(object, top, free, width, base_size),
    dependence = draw_dependence(object, top, bands, width, base_size),
    waterfall = draw_waterfall(object, image, output, top, width, base_size),
    curves = draw_time_curves(object, top, bands, free, width, base_size),
    runs = draw_runs(object, free, width, base_size)
  )
  tell_sums(plot, type, level, width, base_size)
}

# Options that only one type takes.
check_of_one_type <- function(type, bands, image, output) {
  if (!is.null(bands) && !type %in% c("dependence", "curves")) {
    cause(
      "option", paste0("The picture \"", type, "\" takes no bands."),
      expected = "bands = NULL", given = shown(bands)
    )
  }
  if (type != "waterfall" && !(identical(image, 1) && identical(output, 1))) {
    cause(
      "option", paste0("The picture \"", type, "\" is not of a single image."),
      expected = "no `image` and no `output`", given = paste0("image = ", shown(image), ", output = ", shown(output))
    )
  }
}

check_size <- function(value, name) {
  if (!is.numeric(value) || length(value) != 1 || !is.finite(value) || value <= 0) {
    cause("option", paste0("`", name, "` is not a size."), expected = "one positive number", given = shown(value))
  }
}
