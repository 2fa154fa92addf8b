# Scores over a scene, a panel per band: where in the scene each band raises the output, and where it lowers it.
#
# What score_raster() gives is a raster of terra or stars, which other packages have pictures of, so this is a function
# of its own and no method. All panels share one scale that is symmetric about zero, as for single images.

most_cells <- 2^18 # cells that are drawn of each band; of more, one in so many

#' Draw the scores of a scene
#'
#' Draws what [score_raster()] gives, a panel per band, on one scale that is symmetric about zero, so that bands can be
#' compared. A composite of three bands of the scene stands in front, if the scene is given, to see what lies where.
#'
#' @param scores A [`SpatRaster`][terra::SpatRaster-class] or stars object of [score_raster()], or the path of the file
#'   that it wrote. Layers that say what is predicted are left out.
#' @param scene The scene that was scored, for the composite. Each band is stretched from its 2 % to its 98 % quantile.
#' @param ... Not used.
#' @param layers Names or positions of the layers of `scores` to draw; `NULL` draws all, of more than 26 the 25 with the
#'   largest sum of |score|.
#' @param rgb Three bands of the composite, by name or position in `scene`, for red, green and blue. `NULL` takes bands
#'   of these names, else the first three.
#' @inheritParams autoplot.band_importance
#'
#' @returns A [ggplot2::ggplot()].
#'
#' @details
#' Cells without a score, as for patches with missing values, are left blank. Where single values lie far beyond all
#' others, the scale ends at the 99.9 % quantile. Of scores with more than `2^18` cells, a regular sample is drawn. The
#' subtitle says so.
#' @seealso [score_raster()]
#' @examplesIf rlang::is_installed("terra")
#' # made-up scores
#' scores <- terra::rast(nrows = 20, ncols = 30, nlyrs = 3, crs = "EPSG:32633", extent = c(0, 300, 0, 200))
#' set.seed(1)
#' terra::values(scores) <- rnorm(20 * 30 * 3)
#' names(scores) <- c("green", "red", "nir")
#' autoplot_scores(scores)
#' @export
autoplot_scores <- function(scores, scene = NULL, ..., layers = NULL, rgb = NULL, width = 175, base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    check_size(width, "width")
    check_size(base_size, "base_size")
    scores <- as_scene(scores, "scores")
    scene <- if (!is.null(scene)) as_scene(scene, "scene")
    positions <- score_positions(scores, layers) # outside of `[[`, which would catch its errors
    of <- scores_of(scores, scene)
    scores <- scores[[positions]]
    if (is.null(scene) && !is.null(rgb)) {
      cause("option", "There is nothing to make a composite of.", expected = "`scene`", given = "`rgb` without `scene`")
    }
    all_cells <- prod(dim(scores)[1:2])
    cells <- if (all_cells > most_cells) {
      terra::spatSample(scores, most_cells, method = "regular", as.raster = TRUE)
    } else {
      scores
    }
    front <- if (!is.null(scene)) scene_colours(scene, cells, rgb)
    draw_scores(cells, names(scores), front, all_cells, width, base_size, of)
  })
}

# Whether a cell holds the scores of a pixel or those of the patch around it, as far as that can be told: cells of
# patches leave a margin of the scene, and only pixels have a confidence.
scores_of <- function(scores, scene) {
  if ("confidence" %in% names(scores)) {
    return("pixel")
  }
  if (is.null(scene)) {
    return("cell")
  }
  if (isTRUE(terra::compareGeom(scores, scene, crs = FALSE, stopOnError = FALSE))) "pixel" else "patch"
}

# Layers that say what the model predicts; a band may be called like the later ones.
is_prediction <- function(names) {
  of_prediction <- names == "confidence" | startsWith(names, "probability.")
  names == "prediction" | (of_prediction & "prediction" %in% names)
}

# Positions of the layers that are scores and were asked for.
score_positions <- function(scores, layers) {
  names <- names(scores)
  known <- which(!is_prediction(names))
  if (is.null(layers)) {
    if (length(known) == 0) {
      cause("raster", "`scores` has no layer of scores.", given = some(names))
    }
    return(known)
  }
  positions <- if (is.character(layers)) match(layers, names) else layers
  if (!is_whole(positions) || any(positions < 1 | positions > length(names)) || anyDuplicated(positions) > 0) {
    cause("option", "`layers` names layers that `scores` doesn't have.",
      expected = paste("names among", some(names), "or positions counted from 1, each once"), given = shown(layers)
    )
  }
  positions
}

# Colours of a composite in the cells of the scores, and what to call it. Cells are wider than pixels: each gets the
# mean of the pixels in it, or what lies at its centre where cells are pixels.
scene_colours <- function(scene, cells, rgb) {
  inside <- terra::relate(terra::ext(scene), terra::ext(cells), "intersects")
  if (!isTRUE(as.logical(inside))) {
    cause("raster", "`scene` is not the scene of these scores: they lie elsewhere.",
      expected = extent_text(cells), given = extent_text(scene)
    )
  }
  bands <- names(scene)
  chosen <- if (is.null(rgb)) composite_bands(bands, rep(NA_real_, length(bands))) else as_rgb(rgb, bands)
  picked <- scene[[unique(chosen)]]
  fold <- floor(terra::res(cells) / terra::res(scene))
  if (any(fold > 1)) {
    picked <- terra::aggregate(picked, rev(pmax(1, fold)), na.rm = TRUE)
  }
  values <- terra::values(terra::resample(picked, cells, method = "near"))
  # images x bands x rows x columns, as composite() takes them
  size <- dim(cells)[2:1]
  pictures <- array(values, c(size, ncol(values)))
  pictures <- array(aperm(pictures, c(3, 2, 1)), c(1, ncol(values), rev(size)))
  at <- match(chosen, unique(chosen))
  blank <- apply(!is.finite(pictures[1, at, , , drop = FALSE]), 3:4, any)
  pictures[!is.finite(pictures)] <- NA
  channels <- pictures
  for (band in seq_len(dim(pictures)[[2]])) {
    own <- pictures[1, band, , ]
    if (all(is.na(own))) {
      cause("raster", "`scene` holds nothing where the scores are.", given = bands[[unique(chosen)[[band]]]])
    }
    own[is.na(own)] <- stats::median(own, na.rm = TRUE) # are drawn blank
    channels[1, band, , ] <- own
  }
  colours <- composite(channels, 1, at)
  colours[blank] <- NA
  known <- list(bands = bands, wavelengths = rep(NA_real_, length(bands)))
  list(colours = colours, name = composite_name(known, chosen))
}

extent_text <- function(raster) paste(c("x", "to", "y", "to"), format(as.vector(terra::ext(raster))), collapse = " ")

draw_scores <- function(cells, names, front, all_cells, width, base_size, of) {
  size <- dim(cells)[1:2]
  # bands x rows x columns
  values <- aperm(array(terra::values(cells), c(size[[2]], size[[1]], length(names))), c(3, 2, 1))
  known <- values[is.finite(values)]
  if (length(known) == 0) {
    cause("raster", "`scores` holds no scores.", given = "missing values only")
  }
  filled <- values
  filled[!is.finite(filled)] <- 0
  chosen <- shown_maps(filled)
  end <- scale_end(known)
  limits <- c(-1, 1) * end$limit
  panels <- as.character(chosen)
  titles <- names[chosen]
  tiles <- map_pixels(panels, size)
  tiles$value <- as.vector(aperm(pmin(pmax(values[chosen, , , drop = FALSE], limits[[1]]), limits[[2]]), c(2, 3, 1)))
  tiles <- tiles[is.finite(tiles$value), ]
  if (!is.null(front)) {
    panels <- c("scene", panels)
    titles <- c(front$name, titles)
    picture <- map_pixels("scene", size)
    picture$colour <- as.vector(front$colours)
    picture <- picture[!is.na(picture$colour), ]
    picture$panel <- factor(picture$panel, panels)
  }
  tiles$panel <- factor(tiles$panel, panels)
  room <- characters(width, base_size)
  columns <- map_columns(length(panels), room)
  ticks <- c(-1, 0, 1) * scale_tick(end$limit)
  plot <- ggplot2::ggplot(tiles, ggplot2::aes(.data$col, .data$row)) +
    ggplot2::geom_raster(ggplot2::aes(fill = .data$value))
  if (!is.null(front)) {
    plot <- plot + ggplot2::geom_raster(data = picture, fill = picture$colour)
  }
  plot +
    ggplot2::facet_wrap(
      "panel",
      ncol = columns,
      labeller = ggplot2::as_labeller(stats::setNames(wrap(titles, strip_width(room, columns) - 1), panels))
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("signed")), limits = limits, breaks = ticks, labels = sprintf("%.4g", ticks),
      guide = colour_bar()
    ) +
    ggplot2::scale_x_continuous(expand = c(0, 0), limits = c(0.5, size[[2]] + 0.5)) +
    ggplot2::scale_y_continuous(expand = c(0, 0), limits = c(-size[[1]] - 0.5, -0.5)) +
    ggplot2::coord_fixed(ratio = terra::yres(cells) / terra::xres(cells)) +
    theme_bandlens(base_size) +
    ggplot2::theme(axis.text = ggplot2::element_blank(), axis.ticks = ggplot2::element_blank(), strip.clip = "off") +
    ggplot2::labs(
      title = paste0("Score of each ", of, ", by band"),
      subtitle = score_subtitle(size, length(chosen), length(names), end, all_cells, width, base_size, of),
      x = NULL, y = NULL, fill = "Score"
    )
}

score_subtitle <- function(size, n_shown, n_bands, end, all_cells, width, base_size, of) {
  facts <- c(
    paste0(
      size[[1]], " x ", size[[2]], if (of == "pixel") " pixels" else " cells",
      if (of == "patch") "; each holds the scores of the patch around it"
    ),
    if (prod(size) < all_cells) sprintf("a regular sample of %d cells", all_cells),
    if (n_shown < n_bands) sprintf("%d of %d layers, those with the largest sum of |score|", n_shown, n_bands),
    if (end$beyond) {
      beyond <- 100 * (1 - end_quantile)
      sprintf("the darkest colours stand for all beyond \u00b1%.2g, %.4g %% of values", end$limit, beyond)
    }
  )
  wrap_lines(paste(facts, collapse = "; "), width, base_size)
}
