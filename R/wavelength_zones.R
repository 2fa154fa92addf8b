# Zones of neighbouring bands that carry the same information: the core learns them, here are their tables.

#' Zones of bands that carry the same information
#'
#' Neighbouring bands are correlated, and what they share is split between them arbitrarily where importance is asked
#' for band by band. `wavelength_zones()` learns from images which neighbours belong together: give its result as
#' `groups` to [band_importance()] and the other verbs that have it (`groups = "auto"` learns zones from the
#' background), or ask for Owen values (`method = "owen"`), which are shared by zones first and by the bands of each
#' after. Zones are the unit for tens to hundreds of bands.
#'
#' What two bands share is the square of their correlation over pixels. Neighbours are merged step by step, those first
#' whose bands lose least by it (Ward's clustering, in which only neighbours merge). What is lost is the unshared
#' variance: 0 for bands alone, `1 - r^2` for two in a zone. A band that is constant correlates with no other.
#'
#' @param background Images of what the model sees, in any form that [band_importance()] takes for a model of one input.
#' @param ... Not used: all that follows must be named.
#' @param n_zones How many zones. `NULL` or `"auto"` takes as many as the images speak for: those for which unshared
#'   variance, plus one half for each zone, is least. Two single bands are one zone if they share more than half of
#'   their variance.
#' @param seed Makes the draw of pixels repeatable: of more than 50,000, so many are looked at.
#' @inheritParams band_importance
#' @param x,object A `wavelength_zones`.
#' @param level `"band"` for one row per band, `"merge"` for one row per step of merging two neighbouring zones.
#' @param width Width in mm at which the picture will be shown.
#' @param base_size Font size in points.
#'
#' @returns An object of class `wavelength_zones`: a list of plain vectors and matrices, which [saveRDS()] can save.
#'   `tidy()` gives a tibble, at level `"band"`:
#' \describe{
#'   \item{`band`, `wavelength`}{the band, and its wavelength in nm (`NA` where unknown)}
#'   \item{`zone`, `name`}{number of its zone along the spectrum, from 1, and the zone's name: its part of the spectrum
#'     (such as "NIR 2") where all wavelengths are known, else its first and last band}
#' }
#' At level `"merge"`: `step`, `n_zones` (after it), `band_1` and `band_2` (the neighbours between which two zones
#' merge), `unshared` (part of the bands' variance that zones don't share then, 0 to 1).
#'
#' `glance()` gives one row: how many bands and zones, whether the number was `chosen` from the images, the part of the
#' bands' variance that zones share (`shared`), numbers of images and pixels, and the seed. `autoplot()` gives a [ggplot2::ggplot()] of the
#' correlations along the spectrum, with the zones outlined. `summary()` gives `tidy()`'s table with the bands of each
#' zone in a line.
#'
#' @references Grimm (1987), \doi{10.1016/0098-3004(87)90022-7} (clustering of neighbours); Arlot, Celisse & Harchaoui
#'   (2019), JMLR 20, 1-56 (the penalty); Owen (1977), \doi{10.1007/978-3-642-45494-3_7}. Parts of the spectrum are
#'   called as bands are in the STAC extension "eo".
#' @seealso [band_importance()], whose `groups` takes zones.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' zones <- wavelength_zones(landsat$train, wavelengths = landsat$wavelengths)
#' zones
#' tidy(zones)
#' autoplot(zones)
#' some <- seq(1, 2000, by = 100)
#' owen <- band_importance(
#'   landsat_model(), landsat$test$x[some, , , ], landsat$test$y[some],
#'   method = "owen", groups = zones, background = landsat$train$x, n_background = 10
#' )
#' tidy(owen, "group")
#' @export
wavelength_zones <- function(background,
                             ...,
                             n_zones = NULL,
                             bands = NULL,
                             wavelengths = NULL,
                             band_axis = -1,
                             seed = 0) {
  in_verb("find zones of bands", {
    no_other_arguments()
    said <- as_described_images(background, bands, wavelengths, band_axis)
    arguments <- c(said$arguments, list(
      n_zones = if (!identical(n_zones, "auto")) as_count(n_zones, "n_zones", null = TRUE),
      seed = as_count(seed, "seed", least = 0)
    ))
    as_wavelength_zones(call_bridge("wavelength_zones", said$x, arguments))
  })
}

# What the bridge returns -> a plain `wavelength_zones` object.
as_wavelength_zones <- function(value) {
  bands <- as.character(value$bands)
  levels <- list(band = bands, name = as.character(value$zones), band_1 = bands, band_2 = bands)
  tables <- lapply(value$tables, function(columns) {
    for (number in intersect(c("zone", "step"), names(columns))) columns[[number]] <- columns[[number]] + 1L
    from_columns(columns, levels)
  })
  structure(
    c(
      list(tables = tables), from_fields(value, "wavelength_zones"),
      list(groups = lapply(value$groups, as.character), unshared_share = value$unshared_share)
    ),
    class = "wavelength_zones"
  )
}

#' @rdname wavelength_zones
#' @export
tidy.wavelength_zones <- function(x, level = c("band", "merge"), ...) {
  in_verb("make the table", {
    no_other_arguments()
    x$tables[[choose(level, c("band", "merge"), "level")]]
  })
}

#' @rdname wavelength_zones
#' @export
glance.wavelength_zones <- function(x, ...) {
  in_verb("glance at it", no_other_arguments())
  tibble::tibble(
    n_bands = length(x$bands), n_zones = length(x$zones), chosen = x$chosen, shared = 1 - x$unshared_share,
    n = x$n_images, n_pixels = x$n_pixels, seed = x$seed
  )
}

#' @export
as.data.frame.wavelength_zones <- function(x, ...) {
  as.data.frame(tidy(x))
}

#' @rdname wavelength_zones
#' @export
summary.wavelength_zones <- function(object, ...) {
  in_verb("summarise it", no_other_arguments())
  tibble::tibble(
    zone = seq_along(object$zones), name = in_levels(object$zones), n_bands = lengths(object$groups, FALSE),
    bands = vapply(unname(object$groups), some, "")
  )
}

#' @export
print.wavelength_zones <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.wavelength_zones <- function(x, ...) {
  how <- if (x$chosen) "chosen from the images" else "as asked for"
  c(
    cli::style_bold(paste0(count(length(x$zones), "zone"), " of ", count(length(x$bands), "band"), ", ", how)),
    sprintf(
      "Zones share %.0f %% of the variance of their bands; %s, %s",
      100 * (1 - x$unshared_share), count(x$n_images, "image"), count(x$n_pixels, "pixel")
    ),
    paste0(
      cli::ansi_align(x$zones, max(cli::ansi_nchar(x$zones, "width"))), "  ", vapply(unname(x$groups), some, "")
    ),
    cli::col_grey("# tidy() gives the zone of each band, autoplot() draws them; `groups` takes them")
  )
}
