# From a scene and places on the ground to images and labels.

#' Cut labelled patches from a scene
#'
#' Reads square patches of pixels from a raster, around points or inside polygons, as the images and labels that
#' [band_importance()] takes. Labels are those of the places or, for models that map classes, of every pixel. Only
#' windows of the scene are read, so it may be far larger than the memory; the patches themselves must fit.
#'
#' @param raster The scene: a [`SpatRaster`][terra::SpatRaster-class] of terra, a stars object (also a proxy of a
#'   file), or the path of a file that terra reads, such as a GeoTIFF, with one layer, attribute or step of the third
#'   dimension per band; several paths are files whose layers are the bands, one after the other. Its values are taken
#'   as they are: scale them as you did for training. A list of these is several scenes, or with `inputs = TRUE` the
#'   rasters of a model's inputs.
#' @param locations Where: points (one patch each) or polygons, as a [`SpatVector`][terra::SpatVector-class] or an sf
#'   object. If their coordinate reference system is not that of `raster`, they are reprojected, with a message. Or a
#'   data frame of points: columns `x` and `y` are coordinates in the reference system of `raster`, columns `lon` and
#'   `lat` (or `longitude` and `latitude`) degrees (WGS 84). For several scenes a list, one for each, or one for all.
#'   `NULL` is all of the scene, as one polygon.
#' @param size Rows and columns of a patch, in pixels (of several inputs, of the finest raster). A patch lies around the
#'   pixel that holds the point. With an odd size this pixel is the middle one; with an even size it is the upper left
#'   one of the four in the middle. In both cases it is in row and column `ceiling(size / 2)` of the patch.
#' @param ... Not used.
#' @param label Name of the column of `locations` that holds the class; `NULL` if there is none. Or, for labels of
#'   pixels, a raster with one layer of classes on the same ground as `raster`, whose pixels are as large or made of
#'   whole pixels of it; for several scenes a list of these. Its missing values are pixels without a label: explain
#'   them with `ignore = NA`.
#' @param classes Names of the classes in the order of the model's outputs. `NULL` takes the levels of a factor, or else
#'   the sorted labels, which may not be the model's order. A raster of labels may hold their names, as categories, or
#'   their numbers, counted from 1.
#' @param placement Where patches lie in a polygon: on a `"grid"`, which is the same one over the whole scene, so that
#'   patches of different polygons don't overlap either as long as `spacing` is at least `size`; or at `"random"`.
#' @param inside What must be inside the polygon: the whole `"patch"`, or only the centre of its middle pixel
#'   (`"centre"`).
#' @param spacing Pixels from one patch of a grid to the next.
#' @param n How many patches per polygon, at random places; they may overlap, but no two are the same. A polygon without
#'   room for so many gets fewer, with a message.
#' @param wavelengths Wavelengths of the bands in nm; `NA` where there is none. Of several inputs a list by their names.
#' @param on_missing What to do about patches that cross the edge of the scene or have a missing value in any band, and
#'   about polygons without room for a patch: an `"error"`, or `"drop"` them and say how many.
#' @param inputs Whether a list of rasters is the inputs of one model, not several scenes. They must lie over each other
#'   as for [score_raster()], section Several inputs; patches hold whole pixels of each.
#' @param seed Makes random places repeatable.
#'
#' @returns A list of class `band_patches`, of plain values, which [saveRDS()] can save:
#' \describe{
#'   \item{`x`}{array of patches x rows x columns x bands; the layers' names are its `dimnames`. Of several inputs a
#'     list of such arrays}
#'   \item{`y`}{factor with one class per patch; `NULL` without `label`. With a raster of labels, a factor with the
#'     dimensions patches x rows x columns}
#'   \item{`wavelengths`}{in nm, one per band; `NA` where not given. Of several inputs a list}
#'   \item{`places`}{a tibble with one row per patch: `location` (row of `locations`), `x` and `y` (coordinates of the
#'     patch's centre, in the scene's reference system), `row` and `col` (of the patch's upper left pixel in the scene,
#'     from 1); of several scenes also `raster`, its name or position in the list}
#'   \item{`crs`}{the scene's coordinate reference system, as WKT; of several scenes one for each}
#'   \item{`resolution`}{width and height of a pixel, of the first of several scenes; of several inputs a list}
#'   \item{`dropped`}{how many patches crossed the `edge` or had `missing` values, and how many polygons were `empty`}
#' }
#' `summary()` gives a tibble with one row per class: `class`, `n` (patches) and `locations` (how many different ones
#' they come from), with a raster of labels also `pixels`. `print()` returns its argument, invisibly; `format()` the
#' lines.
#'
#' @seealso [score_raster()] for scores of a whole scene.
#' @examplesIf rlang::is_installed(c("terra", "stars"))
#' scene <- terra::rast(system.file("tif/L7_ETMs.tif", package = "stars"))
#' names(scene) <- c("blue", "green", "red", "nir", "swir1", "swir2")
#' sites <- terra::vect(cbind(c(290000, 293000), c(9117000, 9115000)), crs = terra::crs(scene))
#' sites$label <- c("town", "water")
#' patches <- extract_patches(scene, sites, size = 5, wavelengths = c(485, 560, 660, 835, 1650, 2220))
#' patches
#' dim(patches$x)
#' # with a model for such patches, which are taken with their labels, bands and wavelengths:
#' # band_importance(model, patches)
#'
#' # places in a data frame
#' sites <- data.frame(x = c(290000, 293000), y = c(9117000, 9115000), label = c("town", "water"))
#' extract_patches(scene, sites, size = 5)
#'
#' # labels of pixels, all over the scene: made up, of the near infrared
#' cover <- terra::ifel(scene$nir > 50, 2, 1)
#' masked <- extract_patches(scene, size = 64, label = cover, classes = c("water", "land"))
#' dim(masked$y)
#'
#' # two inputs of different resolution
#' scene <- scene[1:352, 1:348, drop = FALSE] # whole pixels of both
#' scenes <- list(fine = scene[[1:4]], coarse = terra::aggregate(scene[[5:6]], 2))
#' lapply(extract_patches(scenes, sites, size = 8, inputs = TRUE)$x, dim)
#' @export
extract_patches <- function(raster,
                            locations = NULL,
                            size,
                            ...,
                            label = "label",
                            classes = NULL,
                            placement = c("grid", "random"),
                            inside = c("patch", "centre"),
                            spacing = size,
                            n = 10,
                            wavelengths = NULL,
                            on_missing = c("error", "drop"),
                            inputs = FALSE,
                            seed = 0) {
  in_verb("extract patches", {
    no_other_arguments()
    placement <- choose(placement, c("grid", "random"), "placement")
    inside <- choose(inside, c("patch", "centre"), "inside")
    on_missing <- choose(on_missing, c("error", "drop"), "on_missing")
    grounds <- if (as_flag(inputs, "inputs")) list(inputs_ground(raster)) else lapply(as_scenes(raster), as_ground)
    one <- function(ground, locations, label, name) {
      mask <- if (is_mask(label)) as_mask(label, ground)
      reads <- if (is.null(mask)) ground else with_mask(ground, mask)
      size <- as_ground_step(as_patch_size(size, ground$finest), reads, "size")
      spacing <- as_ground_step(spacing, reads, "spacing")
      wavelengths <- ground_wavelengths(wavelengths, ground)
      blocks <- pixel_blocks(reads)
      places <- if (is.null(locations)) whole_scene(blocks) else as_places(locations, blocks, name)
      column <- if (is.null(mask) && !is.null(locations)) label
      labels <- location_labels(if (is.null(locations)) places else locations, column, classes, name)
      shapes <- as_shapes(places, blocks)
      step <- reads$step
      wanted <- if (terra::geomtype(shapes) == "points") {
        around_points(shapes, blocks, size / step)
      } else {
        seed <- as_count(seed, "seed", least = 0)
        in_polygons(
          shapes, blocks, size / step, placement, inside, spacing / step, as_count(n, "n"), seed
        )
      }
      wanted[c("top", "left")] <- lapply(wanted[c("top", "left")], function(at) (at - 1) * step + 1)
      cut_patches(ground, reads, size, wanted, labels, wavelengths, on_missing, mask, classes)
    }
    if (inputs || !is_scene_list(raster)) {
      return(one(grounds[[1]], locations, label, "locations"))
    }
    patches_of_scenes(one, grounds, locations, label)
  })
}

# Rasters of several inputs of one model, of one ground.
inputs_ground <- function(raster) {
  if (!is_scene_list(raster) || is.null(names(raster)) || !all(nzchar(names(raster))) || anyDuplicated(names(raster))) {
    cause("raster", "`inputs = TRUE` is for the rasters of several inputs of one model.",
      expected = "a list of rasters under the names of the inputs, such as `list(optical = a, sar = b)`",
      given = shown(raster)
    )
  }
  join_ground(as_scenes(raster))
}

# What patches can be made of: pixels, or where rasters have pixels of different sizes, the smallest squares that are
# made of whole pixels of each.
pixel_blocks <- function(ground) {
  scene <- ground$finest
  if (ground$step == 1) {
    return(scene)
  }
  side <- ground$step * terra::res(scene)
  n <- dim(scene)[1:2] %/% ground$step
  terra::rast(
    nrows = n[[1]], ncols = n[[2]], crs = terra::crs(scene),
    extent = terra::ext(
      terra::xmin(scene), terra::xmin(scene) + n[[2]] * side[[1]], terra::ymax(scene) - n[[1]] * side[[2]],
      terra::ymax(scene)
    )
  )
}

# All of a scene, as a polygon.
whole_scene <- function(scene) {
  shape <- terra::as.polygons(terra::ext(scene), crs = terra::crs(scene))
  attr(shape, "of_raster") <- TRUE
  shape
}

ground_wavelengths <- function(wavelengths, ground) {
  if (!ground$several) {
    return(patch_wavelengths(wavelengths, terra::nlyr(ground$finest)))
  }
  unknown <- setdiff(names(wavelengths), names(ground$scenes))
  if (!is.null(wavelengths) && (!is.list(wavelengths) || is.null(names(wavelengths)) || length(unknown) > 0)) {
    cause("bands", "`wavelengths` don't match the rasters.",
      expected = paste0("a list by their names: ", some(names(ground$scenes))),
      given = if (length(unknown) > 0) some(unknown) else shown(wavelengths)
    )
  }
  sapply(names(ground$scenes), function(name) {
    patch_wavelengths(wavelengths[[name]], terra::nlyr(ground$scenes[[name]]))
  }, simplify = FALSE)
}

# ---- locations ------------------------------------------------------------------------------------------------------

location_kinds <- "points or polygons, as a SpatVector of terra or an sf object, or a data frame of coordinates"

# Classes of the locations as a factor.
location_labels <- function(locations, label, classes, name = "locations") {
  if (!inherits(locations, c("SpatVector", "sf", "sfc", "data.frame"))) {
    cause("locations", paste0("`", name, "` holds no places."), expected = location_kinds, given = shown(locations))
  }
  if (is.null(label)) {
    return(NULL)
  }
  columns <- if (inherits(locations, "sfc")) character() else setdiff(names(locations), attr(locations, "sf_column"))
  if (!rlang::is_string(label) || !label %in% columns) {
    cause("labels", "`locations` has no such column for the labels.",
      expected = paste0("`label`, one of: ", some(columns), "; or NULL for patches without labels"),
      given = shown(label), fix = nearest(label, columns)
    )
  }
  labels <- locations[[label]]
  if (is.data.frame(labels)) { # terra gives a column as a table
    labels <- labels[[1]]
  }
  if (anyNA(labels)) {
    cause("labels", "`locations` holds labels that are missing.",
      given = paste("missing in rows", some(which(is.na(labels)))), fix = "drop the locations without a label"
    )
  }
  unknown <- setdiff(as.character(labels), as.character(classes))
  if (!is.null(classes) && length(unknown) > 0) {
    cause("labels", "`locations` holds labels that are not among `classes`.",
      expected = some(as.character(classes)), given = some(unknown), fix = nearest(unknown, classes)
    )
  }
  if (is.null(classes)) as.factor(labels) else factor(as.character(labels), levels = as.character(classes))
}

# Locations in the scene's reference system.
as_shapes <- function(locations, scene) {
  shapes <- locations
  if (!inherits(locations, "SpatVector")) {
    needs_packages("sf", "locations")
    shapes <- tryCatch(
      terra::vect(sf::st_zm(sf::st_geometry(locations))),
      error = function(error) {
        cause("locations", "`locations` holds shapes that terra can't read.",
          expected = location_kinds, given = conditionMessage(error)
        )
      }
    )
  }
  if (nrow(shapes) == 0 || !terra::geomtype(shapes) %in% c("points", "polygons")) {
    cause("locations", "`locations` holds neither points nor polygons.",
      expected = location_kinds, given = paste(nrow(shapes), "of", terra::geomtype(shapes))
    )
  }
  both <- list(raster = terra::crs(scene), locations = terra::crs(shapes))
  lacking <- names(both)[!nzchar(both)]
  if (length(lacking) == 2 && isTRUE(attr(locations, "of_raster"))) {
    return(shapes)
  }
  if (length(lacking) > 0) {
    cause("locations", paste0("`", lacking[[1]], "` has no coordinate reference system."),
      expected = "one for both `raster` and `locations`, so that places can be found",
      fix = "set it with `terra::crs()<-` or `sf::st_set_crs()`"
    )
  }
  if (!same_crs(scene, shapes)) {
    say(
      paste0("Reprojecting `locations` from ", crs_name(shapes), " to ", crs_name(scene), ", that of `raster`."),
      class = "bandlens_message_reprojected"
    )
    shapes <- terra::project(shapes, terra::crs(scene))
  }
  shapes
}

same_crs <- function(a, b) {
  codes <- lapply(list(a, b), function(x) unlist(terra::crs(x, describe = TRUE)[c("authority", "code")]))
  identical(terra::crs(a), terra::crs(b)) || (!anyNA(unlist(codes)) && identical(codes[[1]], codes[[2]]))
}

crs_name <- function(x) {
  known <- terra::crs(x, describe = TRUE)
  if (is.na(known$code)) known$name else paste0(known$name, " (", known$authority, ":", known$code, ")")
}

# ---- patches --------------------------------------------------------------------------------------------------------

patch_wavelengths <- function(wavelengths, n_bands) {
  if (is.null(wavelengths)) {
    return(rep(NA_real_, n_bands))
  }
  wavelengths <- from_numbers(unlist(as_wavelengths(wavelengths)))
  if (length(wavelengths) != n_bands) {
    cause("bands", "`wavelengths` don't match the bands.",
      expected = paste0("one per band: ", n_bands), given = length(wavelengths)
    )
  }
  wavelengths
}

cut_patches <- function(ground, reads, size, wanted, labels, wavelengths, on_missing, mask = NULL, classes = NULL) {
  scene <- ground$finest
  last <- dim(scene)[1:2] - size + 1
  within <- !is.na(wanted$top) & !is.na(wanted$left) & wanted$top >= 1 & wanted$left >= 1 &
    wanted$top <= last[[1]] & wanted$left <= last[[2]]
  top <- wanted$top[within]
  left <- wanted$left[within]
  location <- wanted$location[within]
  # what is an error anyway is found before anything is read
  refuse_missing(wanted$location[!within], integer(), wanted$empty, on_missing)
  x <- read_windows(reads, top, left, size, progress_bar(NULL, "Reading patches"))
  y <- NULL
  if (!is.null(mask)) {
    y <- x[[mask_entry]]
    x <- if (ground$several) x[names(ground$scenes)] else x$x
  }
  whole <- is_complete(x)
  refuse_missing(integer(), location[!whole], integer(), on_missing)
  dropped <- c(edge = sum(!within), missing = sum(!whole), empty = length(wanted$empty))
  if (!any(whole)) {
    cause("locations", "No patch is left.", given = was_dropped(dropped))
  }
  if (any(dropped > 0)) {
    say(paste0("Dropped: ", was_dropped(dropped), "."), class = "bandlens_message_dropped")
  }
  if (!all(whole)) {
    x <- take_windows(x, whole)
  }
  top <- top[whole]
  left <- left[whole]
  structure(
    list(
      x = x,
      y = if (!is.null(mask)) {
        mask_labels(y[whole, , , , drop = FALSE], mask, classes)
      } else if (!is.null(labels)) {
        labels[location[whole]]
      },
      wavelengths = wavelengths,
      places = tibble::tibble(
        location = location[whole],
        x = terra::xmin(scene) + (left - 1 + size / 2) * terra::xres(scene),
        y = terra::ymax(scene) - (top - 1 + size / 2) * terra::yres(scene),
        row = as.integer(top), col = as.integer(left)
      ),
      crs = terra::crs(scene),
      resolution = if (ground$several) lapply(ground$scenes, terra::res) else terra::res(scene),
      dropped = dropped
    ),
    class = "band_patches"
  )
}

refuse_missing <- function(edge, missing, empty, on_missing) {
  if (on_missing == "drop" || length(c(edge, missing, empty)) == 0) {
    return(invisible())
  }
  if (length(empty) > 0) {
    cause("locations", paste0(was_dropped(c(edge = 0, missing = 0, empty = length(empty))), "."),
      given = in_rows(empty),
      fix = "drop them with `on_missing = \"drop\"`, or ask less with `inside = \"centre\"` or a smaller `spacing`"
    )
  }
  what <- was_dropped(c(edge = length(edge), missing = length(missing), empty = 0))
  cause("locations", paste0(what, "."), given = in_rows(c(edge, missing)),
    fix = "drop them with `on_missing = \"drop\"`"
  )
}

in_rows <- function(locations) {
  rows <- sort(unique(locations))
  paste(if (length(rows) == 1) "row" else "rows", some(rows), "of `locations`")
}

was_dropped <- function(dropped) {
  several <- function(n, one, many) if (n > 0) count(n, one, many)
  paste(c(
    several(dropped[["edge"]], "patch over the edge of the scene", "patches over the edge of the scene"),
    several(dropped[["missing"]], "patch with missing values", "patches with missing values"),
    several(dropped[["empty"]], "polygon without room for a patch", "polygons without room for a patch")
  ), collapse = ", ")
}
