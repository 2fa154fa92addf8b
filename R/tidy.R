#' Tables of band importance
#'
#' `tidy()` gives the class x band table, the image x band table or the table over all classes of a [band_importance()]
#' as a tibble, or the class table of sums over time steps or bands; `as.data.frame()` gives the same as a data frame.
#'
#' @param x A [band_importance()].
#' @param level `"class"` for one row per class x output x band, `"image"` for one row per image x output x band,
#'   `"overall"` for one row per output x band over the images of all classes. Where there is a time axis, a row is of a
#'   step, too; `"band"` gives the class table of scores that were summed over the steps, `"time"` that of scores summed
#'   over the bands. Where there are several inputs, `"input"` gives the one of scores summed over both. Of Owen values,
#'   `"group"` gives the one of scores summed over the bands of each group: the groups' Shapley values.
#' @param ... Not used.
#' @param row.names,optional Not used.
#'
#' @returns A tibble. `class`, `output` and `band` are ordered factors; classes and bands have the order in which they
#' were given.
#'
#' At level `"class"`, with one row per class x output x band:
#' \describe{
#'   \item{`class`}{the images' class}
#'   \item{`output`}{the output of the model that is explained}
#'   \item{`input`}{only with several inputs: name of the input that the band is of}
#'   \item{`band`}{name of the band}
#'   \item{`time`}{only with a time axis: the step, as a date, a number or an ordered factor; `NA` for inputs without
#'     steps}
#'   \item{`wavelength`}{wavelength in nm (`NA` where unknown)}
#'   \item{`importance`}{mean, over the images of the class, of the size of the band score; for `"permutation"` and
#'     `"sage"` of the band score itself, so that chance averages out}
#'   \item{`effect`}{mean of the signed band score; `NA` where it has no sign}
#'   \item{`share`}{importance divided by the sum of importances over bands (inputs and steps), within class and output}
#'   \item{`rank`}{1 is the most important band}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % confidence interval of `importance`, over
#'     images and background images (see `se_background`); `NA` for a single image. The size of a score that errs is
#'     too large on average: the interval reaches further down by what that is at most}
#'   \item{`n`}{number of images}
#'   \item{`share_low`, `share_high`}{95 % confidence interval of `share`}
#'   \item{`p_first`}{probability that the band is the most important one of its class and output, given these errors
#'     (0 to 1)}
#'   \item{`se_images`, `se_background`}{the parts of `std_error` that other images and other background images would
#'     change; its square is the sum of theirs. `se_background` is 0 for methods without a background, and `NA` where
#'     it is not known, so that intervals are over images only: for `"integrated_gradients"`, `"lime"`, `"occlusion"`
#'     with a mean image, `statistic = "pixel_mean_abs"`, and results of earlier versions. `se_images` is `NA` where a
#'     metric was computed for whole classes, whose intervals are over repeats}
#' }
#' At level `"overall"`, with one row per output x band, the same columns: `class` is `"all"`, and `output` is `NA`
#' where each image is explained by an output of its own. Every image counts the same (with the metric
#' `"balanced_accuracy"` of `"permutation"`: every class).
#'
#' At levels `"band"`, `"time"`, `"input"` and `"group"`, the columns of level `"class"` without those that were summed
#' over. The signed scores of an image are summed first, so that what speaks for the output at one step and against it at another
#' cancels, as it does in the output; importances, shares and intervals are those of the sums. They are therefore not
#' the sums of the importances of the table. Inputs are not mixed: with several, `input` stays.
#'
#' At level `"image"`, with one row per image x output x band:
#' \describe{
#'   \item{`image`}{position of the image in the data, from 1}
#'   \item{`class`, `output`, `input`, `band`, `time`, `wavelength`}{as above}
#'   \item{`score`}{the band score: the image's attributions reduced over pixels}
#' }
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' tidy(importance)
#' tidy(importance, "image")
#' tidy(importance, "overall")
#' @export
tidy.band_importance <- function(x, level = c("class", "image", "overall", "band", "time", "input", "group"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    level <- choose(level, eval(formals(tidy.band_importance)$level), "level")
    switch(level,
      class = x$table,
      image = image_table(x),
      overall = x$overall,
      table_of_sums(x, level)
    )
  })
}

# The class table of sums over steps or bands, if there is one.
table_of_sums <- function(object, level) {
  if (is.null(object$sums[[level]])) {
    there <- c("class", "image", "overall", names(object$sums))
    lacks <- switch(level,
      input = "several inputs", group = "groups of bands that share first, as Owen values have", "a time axis"
    )
    cause("option", paste0("There are no sums by ", level, ": the result has not ", lacks, "."),
      expected = paste0("level ", paste0("\"", there, "\"", collapse = ", ")), given = shown(level),
      fix = if (level %in% c("band", "time")) "compute importance with `time_axis`, which keeps scores per step"
    )
  }
  object$sums[[level]]
}

#' @rdname tidy.band_importance
#' @export
as.data.frame.band_importance <- function(x,
                                          row.names = NULL,
                                          optional = FALSE,
                                          ...,
                                          level = c("class", "image", "overall", "band", "time", "input", "group")) {
  as.data.frame(tidy(x, level = level))
}
