# Patches of several scenes.

# Patches of each scene by `one`, put together.
patches_of_scenes <- function(one, grounds, locations, label) {
  check_same_layers(lapply(grounds, `[[`, "finest"))
  if (is_scene_list(label) && length(label) != length(grounds)) {
    cause("labels", "`label` must be a raster of classes for each raster.",
      expected = length(grounds), given = length(label)
    )
  }
  several <- is.list(locations) && !is.object(locations)
  if (several && length(locations) != length(grounds)) {
    cause("locations", "`locations` must be one for all rasters, or a list with one for each.",
      expected = length(grounds), given = length(locations)
    )
  }
  locations <- if (several) locations else list(locations)
  labels <- if (is_scene_list(label)) label else list(label)
  names <- if (several) paste0("locations[[", seq_along(grounds), "]]") else rep("locations", length(grounds))
  join_patches(Map(one, grounds, locations, labels, names), names(grounds))
}

# Patches of all scenes go into one array, so that their bands must be the same ones.
check_same_layers <- function(scenes) {
  first <- names(scenes[[1]])
  for (i in seq_along(scenes)) {
    own <- names(scenes[[i]])
    if (!identical(own, first)) {
      swapped <- length(own) == length(first) && setequal(own, first)
      differs <- if (swapped) "its layers in another order than" else "other layers than"
      cause("bands", paste0("Raster ", i, " has ", differs, " the first."),
        expected = paste0(length(first), ": ", some(first, 20)), given = paste0(length(own), ": ", some(own, 20)),
        fix = if (swapped) {
          "put them in order: `terra::subset(raster, names(first))`"
        } else if (length(own) == length(first)) {
          "if they are the same bands by other names, rename them: `names(raster) <- names(first)`"
        }
      )
    }
  }
}

join_patches <- function(parts, names) {
  names <- if (is.null(names)) seq_along(parts) else ifelse(nzchar(names), names, seq_along(parts))
  each <- function(field) lapply(unname(parts), `[[`, field)
  labels <- each("y")
  levels <- unique(unlist(lapply(labels, levels)))
  sizes <- vapply(each("x"), n_windows, 0L)
  places <- do.call(rbind, each("places"))
  joined <- parts[[1]]
  joined$x <- bind_patches(each("x"))
  if (!is.null(levels)) {
    joined$y <- if (is_pixel_labels(labels[[1]])) {
      join_masks(labels, levels)
    } else {
      factor(unlist(lapply(labels, as.character)), levels = levels)
    }
  }
  joined$places <- tibble::tibble(raster = rep(names, sizes), places)
  joined$crs <- stats::setNames(vapply(each("crs"), identity, ""), names)
  joined$dropped <- Reduce(`+`, each("dropped"))
  joined
}

join_masks <- function(labels, levels) {
  codes <- lapply(labels, function(own) array(match(as.character(own), levels), dim(own)))
  codes <- bind_patches(codes)
  joined <- factor(levels[codes], levels = levels)
  dim(joined) <- dim(codes)
  joined
}
