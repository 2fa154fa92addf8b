# Labels of pixels: a raster of classes that is cut in the same windows as the scene.

is_mask <- function(label) is_raster(label) || is_scene_list(label)

# A raster of classes over a scene, or over the rasters of several inputs.
as_mask <- function(label, ground, name = "label") {
  mask <- as_scene(label, name)
  if (terra::nlyr(mask) != 1) {
    cause("labels", paste0("`", name, "` must have one layer, of classes."),
      expected = "1 layer", given = count(terra::nlyr(mask), "layer"), fix = "choose it, `label[[1]]`"
    )
  }
  ratios <- same_ground(list(raster = ground$finest, label = mask), c("`raster`", paste0("`", name, "`")))
  if (ratios[["raster"]] > 1) {
    cause("labels", paste0("`", name, "` has smaller pixels than `raster`."),
      expected = resolution_text(terra::res(ground$finest)), given = resolution_text(terra::res(mask)),
      fix = paste0(
        "bring it to the pixels of `raster`, such as `terra::aggregate(label, ", ratios[["raster"]],
        ", fun = \"modal\")`"
      )
    )
  }
  mask
}

# The same ground, with the classes in the windows as `mask_entry`.
with_mask <- function(ground, mask) {
  joined <- if (ground$several) ground else join_ground(list(x = ground$finest))
  scenes <- c(joined$scenes, stats::setNames(list(mask), mask_entry))
  join_ground(scenes, joined$numbers, c(joined$order, mask_entry))
}

mask_entry <- "labels of pixels"

# Classes of pixels as a factor with the dimensions windows x rows x columns; NA where there is no label.
mask_labels <- function(values, mask, classes) {
  size <- dim(values)[1:3]
  values <- as.vector(values)
  known <- terra::levels(mask)[[1]]
  named <- is.data.frame(known)
  texts <- if (named) as.character(known[[2]])[match(values, known[[1]])] else mask_numbers(values)
  if (named && any(is.na(texts) & !is.na(values))) {
    texts[is.na(texts)] <- mask_numbers(values[is.na(texts)])
  }
  if (is.null(classes)) {
    classes <- if (named) as.character(known[[2]]) else mask_numbers(sort(terra::unique(mask)[[1]]))
  }
  classes <- as.character(classes)
  given <- unique(texts[!is.na(texts)])
  unknown <- setdiff(given, classes)
  if (length(unknown) > 0 && !named && all(given %in% seq_along(classes))) {
    texts <- classes[as.integer(texts)] # counted in the order of the outputs
  } else if (length(unknown) > 0) {
    cause("labels", "`label` holds classes that are not among `classes`.",
      expected = paste0(some(classes), if (!named) paste0(", or their numbers, 1 to ", length(classes))),
      given = some(unknown),
      fix = "what stands for no class must be missing: `terra::subst(label, value, NA)`"
    )
  }
  labels <- factor(texts, levels = classes)
  dim(labels) <- size
  labels
}

mask_numbers <- function(values) ifelse(is.na(values), NA, format(values, trim = TRUE, digits = 15))

# How many pixels there are of each class.
count_pixels <- function(labels) table(factor(as.vector(labels), levels(labels)))
