# Every band of every image: which bands a feature looks at, and what it wants to see there.

most_strips <- 16

draw_feature_bands <- function(object, width, base_size) {
  check_most(length(object), "images", fewer_images, most_strips)
  shown <- shown_bands(colSums(object$contrast, na.rm = TRUE))
  inside <- in_range(object$values, object$low, object$high)[, , , shown, drop = FALSE]
  limit <- stats::quantile(abs(inside), end_quantile, names = FALSE)
  note <- "all tiles on one scale"
  if (length(shown) < length(object$bands)) {
    note <- sprintf("%s; %d of %d bands, those that hold most", note, length(shown), length(object$bands))
  }
  draw_mosaic(inside, image_names(object), map_names(object, shown), if (limit > 0) limit else 0.5, width, base_size) +
    ggplot2::labs(
      title = paste0("What ", look_for(object), " look for, by band"),
      subtitle = wrap_lines(paste0(feature_source(object), "\n", note), width, base_size),
      fill = "Deviation from the middle of the band's range (parts of the range)"
    )
}
