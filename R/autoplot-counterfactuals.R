# What changes the class: how often each band does from class to class, and spectra of images before and after.

counterfactual_pairs <- 20 # pairs of classes, of which those with most images are shown
counterfactual_images <- 12 # panels of spectra
counterfactual_columns <- 3
counterfactual_who <- c("image", "changed", "neighbour")

#' @rdname counterfactual_spectra
#' @inheritParams autoplot.band_importance
#' @export
autoplot.counterfactual_spectra <- function(object,
                                            type = c("tiles", "spectra"),
                                            ...,
                                            images = NULL,
                                            width = 175,
                                            base_size = 8) {
  in_verb("draw the picture", {
    no_other_arguments()
    type <- choose(type, c("tiles", "spectra"), "type")
    check_size(width, "width")
    check_size(base_size, "base_size")
    if (type == "tiles" && !is.null(images)) {
      cause("option", "The picture \"tiles\" shows all images.", expected = "images = NULL", given = shown(images))
    }
    if (!any(object$status == "changed")) {
      cause("result", "No class was changed, so that there is nothing to draw.", fix = "see `summary()`")
    }
    if (type == "tiles") {
      draw_counterfactuals(object, width, base_size)
    } else {
      draw_changed_spectra(object, changed_images(object, images), width, base_size)
    }
  })
}

#' @export
plot.counterfactual_spectra <- function(x, ...) {
  drawn <- autoplot(x, ...)
  print(drawn)
  invisible(drawn)
}

draw_counterfactuals <- function(object, width, base_size) {
  table <- tidy(object, "class")
  table$pair <- paste(table$class, "to", table$counterfactual_class)
  counts <- table[!duplicated(table$pair), c("pair", "n")]
  often <- utils::head(order(-counts$n), counterfactual_pairs)
  left <- some_of(length(often), nrow(counts), "pairs of classes")
  counts <- counts[sort(often), ]
  table <- table[table$pair %in% counts$pair, ]
  room <- characters(width, base_size)
  names <- wrap(sprintf("%s (%d)", counts$pair, counts$n), floor(0.35 * room))
  room <- room - longest(names) - 2
  tile <- room / length(object$bands)
  table$value <- table$share
  table$text <- ifelse(table$share == 0, "", sprintf("%.0f %%\n%+.2f", 100 * table$share, table$change_sd))
  note <- paste0(
    sum(object$status == "changed"), " of ", length(object$status),
    " images; colour: share of images in which the band changes; below: mean change in standard deviations; in ",
    "brackets: images", left
  )
  ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$pair)) +
    ggplot2::geom_tile(
      ggplot2::aes(fill = .data$value), colour = if (tile > 2) ink("paper") else NA, linewidth = 0.3
    ) +
    ggplot2::scale_fill_gradientn(
      colours = unname(palette_colours("share")), limits = c(0, 1), guide = colour_bar(),
      labels = function(share) sprintf("%.0f %%", 100 * share)
    ) +
    ggplot2::scale_y_discrete(limits = rev(counts$pair), labels = rev(names), expand = c(0, 0)) +
    theme_bandlens(base_size) +
    band_axis(object, room) +
    tile_texts(table, length(object$bands), "share", c(0, 1), NULL, tile, base_size) +
    ggplot2::labs(
      title = "Which bands change the class?", subtitle = wrap_lines(note, width, base_size), y = NULL,
      fill = "Images"
    )
}

# Numbers of the images whose spectra are drawn.
changed_images <- function(object, images) {
  changed <- which(object$status == "changed")
  if (is.null(images)) {
    pairs <- paste(object$image_class, object$counterfactual_class, sep = "\n")[changed]
    return(utils::head(changed[!duplicated(pairs)], counterfactual_images))
  }
  wrong <- setdiff(images, changed)
  if (length(wrong) > 0 || length(images) == 0 || length(images) > counterfactual_images) {
    cause("option", "These images have no spectra to draw.",
      expected = sprintf(
        "1 to %d of the %d images whose class was changed", counterfactual_images, length(changed)
      ),
      given = if (length(wrong) > 0) paste("image", wrong[[1]]) else count(length(images), "image")
    )
  }
  images
}

draw_changed_spectra <- function(object, images, width, base_size) {
  levels <- list(object$before, object$after, object$neighbour_levels)
  table <- do.call(rbind, Map(function(values, who) {
    tibble::tibble(
      panel = factor(rep(images, each = length(object$bands)), images), who = factor(who, counterfactual_who),
      band = factor(rep(object$bands, length(images)), object$bands),
      level = as.vector(t(values[images, , drop = FALSE])),
      marked = who != "neighbour" & as.vector(t(object$changed[images, , drop = FALSE]))
    )
  }, levels, counterfactual_who))
  columns <- min(counterfactual_columns, length(images))
  room <- characters(width, base_size) - 6 * columns
  titles <- sprintf("%d: %s to %s", images, object$image_class[images], object$counterfactual_class[images])
  titles <- stats::setNames(wrap(titles, strip_width(room, columns)), images)
  paint <- unname(palette_colours("band"))
  ends <- function(values) stats::setNames(values, counterfactual_who)
  note <- "mean of each band over the pixels; points: bands that change, taken from the neighbour, a real image"
  ggplot2::ggplot(table, ggplot2::aes(.data$band, .data$level, group = .data$who, colour = .data$who)) +
    ggplot2::geom_line(ggplot2::aes(linetype = .data$who, linewidth = .data$who)) +
    ggplot2::geom_point(data = table[table$marked, ], size = 1.3, show.legend = FALSE) +
    ggplot2::scale_colour_manual(values = ends(c(paint[c(1, 3)], ink("subtle")))) +
    ggplot2::scale_linetype_manual(values = ends(c("solid", "solid", "dotted"))) +
    ggplot2::scale_linewidth_manual(values = ends(c(0.4, 0.7, 0.4))) +
    ggplot2::facet_wrap("panel", ncol = columns, scales = "free_y", labeller = ggplot2::as_labeller(titles)) +
    theme_bandlens(base_size) +
    band_axis(object, room / columns, expand = 0.3) +
    ggplot2::theme(
      legend.position = "bottom", panel.grid.major.y = ggplot2::element_line(colour = ink("grid"), linewidth = 0.3)
    ) +
    ggplot2::labs(
      title = "What would change the class?", subtitle = wrap_lines(note, width, base_size), y = "Level",
      colour = NULL, linetype = NULL, linewidth = NULL
    )
}
