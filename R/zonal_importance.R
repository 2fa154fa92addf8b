# Tables of a scene's scores: the importance of bands in polygons. Cells are found by terra, where the scores are; what
# is computed of them is the core's.

#' Importance of every band in every polygon
#'
#' A table of the scores that [score_raster()] gives: which bands did the network rely on within each polygon, or within
#' all polygons of the same kind?
#'
#' @param scores What [score_raster()] gives, or the path of a file that it wrote. It is read polygon by polygon.
#' @param zones Polygons: an sf or sfc object, a [`SpatVector`][terra::SpatVector-class], or the path of a file that
#'   terra reads, such as a GeoPackage. They are brought to the reference system of `scores`.
#' @param ... Not used.
#' @param by Column of `zones`: polygons of the same value are one zone. `NULL` takes each polygon as one.
#' @param wavelengths Wavelengths of the bands in nm, one for each in the order of the layers, `NA` where there is none.
#'   Layers have none of their own.
#' @param outputs Names of the explained outputs, where layers are of several, "output.band", as with `target = "all"`.
#'   `character()` says that they are of one, where layers only look as if they were of several.
#'
#' @returns A tibble with a row for each zone, output (where there are several) and band:
#'   \item{`zone`}{row of `zones`, or the value of `by`}
#'   \item{`output`}{the explained output, if `outputs` names some}
#'   \item{`band`}{the layer, an ordered factor; of several outputs without the output's name}
#'   \item{`wavelength`}{of the band in nm, as given, else `NA`}
#'   \item{`importance`}{mean of the absolute score over the cells whose centre lies in the zone}
#'   \item{`effect`}{mean score}
#'   \item{`share`}{of the importance, which sums to 1 over the bands of a zone and output}
#'   \item{`std_error`}{of the importance}
#'   \item{`n`}{cells with a score; without any, the other columns are `NA`}
#'   \item{`polygons`}{with `by`: polygons of the zone that have such cells}
#'
#' @details
#' Cells near each other are alike, and patches that overlap share pixels. For a single polygon, `std_error` takes cells
#' for independent draws, and is too small by a factor that may be large: read it as a lower bound. With `by`, it is
#' that of the mean over polygons, each of which is one draw however many cells it has (the linearised ratio estimator
#' of cluster sampling; Cochran 1977, Sampling Techniques, chapter 9A). This holds as far as polygons are independent of
#' each other; of a zone of one polygon it is `NA`.
#' @seealso [score_raster()]
#' @examplesIf rlang::is_installed("terra") && bandlens:::has_tensorflow()
#' scores <- terra::rast(nrows = 4, ncols = 4, nlyrs = 2, crs = "EPSG:32633", extent = c(0, 40, 0, 40))
#' terra::values(scores) <- cbind(red = 1:16, nir = -(16:1)) # yours are of score_raster()
#' zones <- terra::vect("POLYGON ((0 0, 20 0, 20 40, 0 40, 0 0))", crs = "EPSG:32633")
#' zonal_importance(scores, zones)
#' @export
zonal_importance <- function(scores, zones, ..., by = NULL, wavelengths = NULL, outputs = NULL) {
  in_verb("summarise the zones", {
    no_other_arguments()
    scores <- as_scene(scores, "scores")
    scores <- scores[[score_positions(scores, NULL)]]
    layers <- zone_layers(names(scores), outputs)
    shapes <- as_zones(zones, scores)
    kinds <- zone_kinds(shapes, by)
    values <- lapply(seq_len(nrow(shapes)), function(i) values_inside(scores, shapes[i]))
    if (!any(vapply(values, nrow, 0L) > 0)) {
      cause("locations", "No cell with a score has its centre in one of the polygons.",
        expected = extent_text(scores), given = extent_text(shapes)
      )
    }
    found <- call_bridge(
      "zonal_importance", values, match(kinds, unique(kinds)), as.list(layers$outputs), as.list(layers$bands),
      as_wavelengths(wavelengths), !is.null(by)
    )
    table <- from_columns(found, list(output = layers$outputs, band = layers$bands))
    table$zone <- unique(kinds)[table$zone + 1L]
    table
  })
}

# Outputs and bands of the layers, bands running fastest.
zone_layers <- function(names, outputs) {
  if (length(outputs) == 0) {
    if (is.null(outputs)) refuse_several_outputs(names)
    return(list(outputs = character(), bands = names))
  }
  bands <- substring(utils::head(names, length(names) %/% length(outputs)), nchar(outputs[[1]]) + 2)
  known <- is.character(outputs) && length(outputs) > 1 && !anyDuplicated(outputs)
  if (!known || !identical(names, layer_names(outputs, bands))) {
    cause("option", "`outputs` are not those of the layers.",
      expected = "names of outputs in the order of the layers, which are called \"output.band\"",
      given = paste0(shown(outputs), "; layers ", some(names))
    )
  }
  list(outputs = outputs, bands = bands)
}

# Names alone don't tell outputs from inputs, and shares over all outputs must not be taken for those within one.
# Either name may have dots itself.
refuse_several_outputs <- function(names) {
  dots <- gregexpr(".", names[[1]], fixed = TRUE)[[1]]
  for (dot in dots[dots > 0]) {
    bands <- substring(names[startsWith(names, substr(names[[1]], 1, dot))], dot + 1)
    heads <- names[seq(1, length(names), by = length(bands))]
    outputs <- substr(heads, 1, nchar(heads) - nchar(bands[[1]]) - 1)
    if (length(outputs) > 1 && identical(names, layer_names(outputs, bands))) {
      cause("option", "The layers may be of several outputs, or of the bands of several inputs.",
        expected = "`outputs`: their names, or `character()` if one output was explained", given = some(names),
        fix = paste0("`outputs = c(", some(paste0("\"", outputs, "\"")), ")`, or `outputs = character()`")
      )
    }
  }
}

# Polygons in the reference system of the scores, with their columns.
as_zones <- function(zones, scores) {
  if (rlang::is_string(zones)) {
    zones <- tryCatch(terra::vect(zones), error = function(error) {
      cause("locations", "`zones` can't be read.", expected = "polygons, or the path of a file of them",
        given = paste0(zones, ": ", conditionMessage(error))
      )
    })
  }
  if (!inherits(zones, c("SpatVector", "sf", "sfc"))) {
    cause("locations", "`zones` are no polygons.",
      expected = "an sf or sfc object, a SpatVector, or the path of a file", given = class(zones)[[1]]
    )
  }
  shapes <- withCallingHandlers(as_shapes(zones, scores),
    bandlens_cause_locations = function(error) {
      cause("locations", gsub("`raster`", "`scores`", gsub("`locations`", "`zones`", error$message, fixed = TRUE)),
        expected = "polygons, in a reference system if `scores` has one", given = error$given
      )
    },
    bandlens_message_reprojected = function(message) rlang::cnd_muffle(message)
  )
  if (terra::geomtype(shapes) != "polygons") {
    cause("locations", "`zones` are points.", expected = "polygons")
  }
  if (inherits(zones, "sf")) {
    terra::values(shapes) <- as.data.frame(zones)[setdiff(names(zones), attr(zones, "sf_column"))]
  }
  shapes
}

# What tells the zones of polygons apart.
zone_kinds <- function(shapes, by) {
  if (is.null(by)) {
    return(seq_len(nrow(shapes)))
  }
  if (!rlang::is_string(by) || !by %in% names(shapes)) {
    cause("locations", "`zones` has no such column.",
      expected = if (length(names(shapes)) > 0) some(names(shapes)) else "polygons with columns", given = shown(by)
    )
  }
  kinds <- terra::values(shapes)[[by]]
  if (anyNA(kinds)) {
    cause("locations", paste0("`zones` has values that are missing in column ", shown(by), "."),
      given = paste("rows", some(which(is.na(kinds)))), fix = "drop these"
    )
  }
  kinds
}

# Scores of the cells whose centre is in a polygon, cells x layers, of those that have them.
values_inside <- function(scores, shape) {
  around <- terra::extend(terra::ext(shape), terra::res(scores)) # an edge at a centre must not depend on rounding
  near <- terra::cells(scores, around)
  near <- near[!is.na(near)]
  if (length(near) > 0) {
    centres <- terra::vect(terra::xyFromCell(scores, near), crs = terra::crs(shape))
    near <- near[terra::is.related(centres, shape, "intersects")]
  }
  if (length(near) == 0) {
    return(matrix(0, 0, terra::nlyr(scores)))
  }
  values <- unname(as.matrix(terra::extract(scores, near)))
  values[is.finite(rowSums(values)), , drop = FALSE]
}
