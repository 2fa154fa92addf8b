# Features of several layers, a layer in a row: from edges and textures to objects.

draw_feature_layers <- function(object, rgb, stretch, per_layer, width, base_size) {
  check_layers(object)
  kept <- lapply(object, function(one) some_images(one, utils::head(which(!one$dead), per_layer)))
  if (any(lengths(kept) == 0)) {
    cause("result", "All features of a layer are dead.", expected = "features that are excited")
  }
  chosen <- rgb_bands(kept[[1]], rgb, do.call(rbind, lapply(kept, `[[`, "contrast")))
  columns <- max(lengths(kept))
  check_most(columns * length(kept), "images", "take fewer results, or a smaller `per_layer`")
  parts <- lapply(seq_along(kept), function(row) {
    one <- kept[[row]]
    panels <- paste(row, seq_along(one$names))
    names <- sub("^feature ", "", image_names(one))
    names[[1]] <- paste0(one$layer, ": ", names[[1]])
    list(
      table = pixel_table(panels, feature_colours(one, chosen, stretch), "colour"),
      titles = stats::setNames(names, panels)
    )
  })
  table <- do.call(rbind, lapply(parts, function(part) {
    part$table$panel <- as.character(part$table$panel)
    part$table
  }))
  all <- unlist(lapply(seq_along(kept), paste, seq_len(columns)))
  table$panel <- factor(table$panel, all)
  titles <- stats::setNames(rep(" ", length(all)), all)
  shown <- unlist(lapply(parts, `[[`, "titles"))
  titles[names(shown)] <- shown
  draw_images(
    table, titles,
    title = "What features look for, layer by layer",
    notes = c(feature_source(kept[[1]]), paste0(rgb_note(kept[[1]], chosen), "; ", stretch_note(stretch))),
    width = width, base_size = base_size, columns = columns
  )
}

check_layers <- function(object) {
  bands <- unique(lapply(object, `[[`, "bands"))
  sizes <- unique(lapply(object, function(one) dim(one$values)[-1]))
  if (length(bands) > 1 || length(sizes) > 1) {
    cause("result", "These results can't be drawn together.",
      expected = "images of one size, with the same bands",
      given = if (length(sizes) > 1) {
        paste(vapply(sizes, paste, "", collapse = " x "), collapse = " and ")
      } else {
        paste("bands", paste(vapply(bands, some, ""), collapse = " and "))
      }
    )
  }
  refuse_spectra(sizes[[1]][1:2])
}
