#' Tables of band importance
#'
#' `tidy()` gives the class x band table, the image x band table or the table over all classes of a [band_importance()]
#' as a tibble; `as.data.frame()` gives the same as a data frame.
#'
#' @param x A [band_importance()].
#' @param level `"class"` for one row per class x output x band, `"image"` for one row per image x output x band,
#'   `"overall"` for one row per output x band over the images of all classes.
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
#'   \item{`band`, `wavelength`}{name, and wavelength in nm (`NA` where unknown)}
#'   \item{`importance`}{mean, over the images of the class, of the size of the band score; for `"permutation"` of the
#'     band score itself, so that chance averages out}
#'   \item{`effect`}{mean of the signed band score; `NA` where it has no sign}
#'   \item{`share`}{importance divided by the sum of importances over bands, within class and output}
#'   \item{`rank`}{1 is the most important band}
#'   \item{`std_error`, `conf_low`, `conf_high`}{standard error and 95 % confidence interval of `importance`; `NA` for a
#'     single image}
#'   \item{`n`}{number of images}
#' }
#' At level `"overall"`, with one row per output x band, the same columns: `class` is `"all"`, and `output` is `NA`
#' where each image is explained by an output of its own. Every image counts the same (with the metric
#' `"balanced_accuracy"` of `"permutation"`: every class).
#'
#' At level `"image"`, with one row per image x output x band:
#' \describe{
#'   \item{`image`}{position of the image in the data, from 1}
#'   \item{`class`, `output`, `band`, `wavelength`}{as above}
#'   \item{`score`}{the band score: the image's attributions reduced over pixels}
#' }
#' @examples
#' importance <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
#' tidy(importance)
#' tidy(importance, "image")
#' tidy(importance, "overall")
#' @export
tidy.band_importance <- function(x, level = c("class", "image", "overall"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    switch(choose(level, c("class", "image", "overall"), "level"),
      class = x$table,
      image = image_table(x),
      overall = x$overall
    )
  })
}

#' @rdname tidy.band_importance
#' @export
as.data.frame.band_importance <- function(x,
                                          row.names = NULL,
                                          optional = FALSE,
                                          ...,
                                          level = c("class", "image", "overall")) {
  as.data.frame(tidy(x, level = level))
}
