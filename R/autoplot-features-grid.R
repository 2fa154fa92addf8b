# Images of features, a composite of three bands each: what the neurons of a layer look for, at a glance.

draw_feature_grid <- function(object, rgb, stretch, width, base_size) {
  check_most(length(object), "images", fewer_images)
  chosen <- rgb_bands(object, rgb, object$contrast)
  panels <- as.character(seq_along(object$names))
  draw_images(
    pixel_table(panels, feature_colours(object, chosen, stretch), "colour"),
    stats::setNames(image_names(object), panels),
    title = paste("What", look_for(object), "look for"),
    notes = c(feature_source(object), paste0(rgb_note(object, chosen), "; ", stretch_note(stretch))),
    width = width, base_size = base_size
  )
}

feature_colours <- function(object, chosen, stretch) {
  hexes(range_brightness(object$values[, , , chosen, drop = FALSE], object$low[chosen], object$high[chosen], stretch))
}
