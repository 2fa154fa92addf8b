# Composites of the images that excite each feature most, a feature in a row, behind the one that was made.

draw_top_images <- function(object, found, rgb, most, width, base_size) {
  k <- min(most, ncol(object$index))
  columns <- k + !is.null(found)
  n <- length(object$names)
  check_most(columns * n, "images", "choose fewer by `most`, or by the `features` of `top_images()`")
  of_each <- if (!is.null(found)) match(object$names, found$names)
  contrast <- if (is.null(found)) top_difference(object) else found$contrast[of_each, , drop = FALSE]
  chosen <- rgb_bands(object, rgb, contrast)
  pixels <- object$values[, seq_len(k), , , chosen, drop = FALSE]
  ends <- apply(pixels, 5, stats::quantile, stretch, names = FALSE)
  size <- dim(pixels)[3:4]
  images <- lapply(seq_len(n), function(at) {
    data <- hexes(range_brightness(array(pixels[at, , , , ], c(k, size, 3)), ends[1, ], ends[2, ], "range"))
    if (is.null(found)) {
      return(data)
    }
    made <- feature_colours(some_images(found, of_each[[at]]), chosen, "image")
    aperm(array(c(made, aperm(data, c(2, 3, 1))), c(size, k + 1)), c(3, 1, 2))
  })
  titles <- unlist(lapply(seq_len(n), function(at) {
    activation <- sprintf("%.3g", object$activation[at, seq_len(k)])
    feature <- paste("feature", object$names[[at]])
    if (is.null(found)) c(paste0(feature, ": ", activation[[1]]), activation[-1]) else c(feature, activation)
  }))
  panels <- as.character(seq_along(titles))
  table <- do.call(rbind, lapply(seq_len(n), function(at) {
    table <- pixel_table(panels[(at - 1) * columns + seq_len(columns)], images[[at]], "colour")
    table$panel <- as.character(table$panel)
    table
  }))
  table$panel <- factor(table$panel, panels)
  notes <- c(
    paste0(
      input_note(object), k, " of ", count(object$n, "image"), ", with their activation (", object$statistic,
      " over positions); ", rgb_note(object, chosen)
    ),
    silent_note(object),
    if (!is.null(found)) "first: the image that was made for the feature; mid-grey is the middle of the bands' ranges"
  )
  draw_images(
    table, stats::setNames(titles, panels),
    title = paste0("Images that excite features of layer '", object$layer, "' most"), notes = notes,
    width = width, base_size = base_size, columns = columns
  )
}

# A note on features that no image excites more than another; results of earlier versions don't know.
silent_note <- function(object) {
  names <- object$names[object$silent %in% TRUE]
  if (length(names) > 0) {
    more <- if (length(names) > 5) paste(" and", length(names) - 5, "more")
    paste0(
      "equally active in all images, which are just the first ones: feature ",
      paste(utils::head(names, 5), collapse = ", "), more
    )
  }
}

# How far the mean of each feature's images is from that of all, in standard deviations within images: features x bands.
top_difference <- function(object) {
  spread <- ifelse(object$all_std > 0, object$all_std, NA)
  difference <- sweep(apply(object$mean, c(1, 3), mean), 2, object$all_mean)
  abs(sweep(difference, 2, spread, "/"))
}
