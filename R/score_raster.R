# Where in a scene did which band matter: band scores of patches all over it, as a raster.

#' Score every band all over a scene
#'
#' Slides the model's patch over a raster, explains the model's output for every patch, and gives the band scores back
#' as a raster with one layer per band: which band did the model rely on, where? The scene is read and the result
#' written in blocks, so that neither has to fit the memory.
#'
#' @inheritParams extract_patches
#' @inheritParams band_importance
#' @param model A trained Keras model, or the path of a saved one, for images of rows x columns x bands.
#' @param size Rows and columns of the model's patch, in pixels. `NULL` asks the model.
#' @param ... Options of the method, by name; [band_methods()] lists them.
#' @param stride Pixels from one patch to the next. The default puts patches side by side; 1 gives a score for every
#'   pixel, at `size^2` times the cost.
#' @param method One of [band_methods()], but not `"permutation"`, which compares the images it is given.
#' @param background Images that stand for "band not informative", such as the training patches. `NULL` takes
#'   `n_background` patches without missing values from random places of the scene. If it has names of bands (as what
#'   [extract_patches()] gives), the layers of `raster` must have the same names in the same order.
#' @param target The output to explain: `"predicted"`, the class that is predicted for each patch; `"all"`, every
#'   output; or one output by name or number.
#' @param classes Names of the classes in the order of the model's outputs.
#' @param reorder Whether to bring the layers of `raster` into the order of the model's bands, or of the background's,
#'   by name. Without it, another order is an error; [bandlens_bands()] says how names are compared.
#' @param prediction Whether to put a first layer `prediction` before the scores: the predicted class, as a categorical
#'   layer with the names of the classes. In a file, and for stars, it is the class's number, in the order of the
#'   model's outputs from 1.
#' @param filename File to write to, one for each raster. Without one the result is in memory or, if it is too large, in
#'   a temporary file.
#' @param overwrite Whether to replace `filename` if it exists.
#' @param wopt List of more options for [terra::writeStart()], such as `datatype` or `gdal`.
#' @param seed Makes the draw of the background, and random methods, repeatable.
#'
#' @returns A [`SpatRaster`][terra::SpatRaster-class], or a stars object if `raster` is one (a proxy if `filename` is
#'   given); for a list of rasters a list of these, with its names. [autoplot_scores()] draws it. Layers are called like
#'   the bands or groups; for `target = "all"` there is one per output and band, "output.band". A patch with a
#'   missing value has missing scores. At the end, a message says how many patches were scored, how many had missing
#'   values, and for additive methods how nearly scores sum to the output (completeness).
#'
#' @section What a cell means:
#' A cell holds the band scores of one patch, and its centre is the centre of that patch. It is `stride` pixels wide and
#' high. With an odd `size` and a stride of 1, cells are pixels of the scene; with `stride = size`, cells are the
#' patches. The margin of the scene in which no patch can have its centre, and what is left at its right and lower edge
#' after the last whole stride, are not part of the result.
#'
#' A score tells how much the band contributed to what the model says *of the patch*. It is not an attribution to the
#' pixel it is drawn at: that pixel is part of many overlapping patches, which may be given different classes, and
#' averaging its attributions over them would mix answers to different questions. For the attributions within chosen
#' patches see [band_maps()].
#'
#' With `target = "predicted"`, neighbouring cells may explain different classes: `prediction = TRUE` shows which. To
#' compare places, explain one class everywhere, `target = "forest"`.
#'
#' Values are explained as they are: if the model was trained on scaled values, scale the scene before. At most
#' `getOption("bandlens.block_values", 2^24)` numbers are explained at once. Results don't depend on it, but for the
#' random numbers of the methods that use some.
#'
#' @seealso [autoplot_scores()] for a picture, [extract_patches()] for labelled patches, [band_importance()] for a table
#'   over classes.
#' @examplesIf rlang::is_installed("terra") && bandlens:::has_tensorflow()
#' scene <- terra::rast(
#'   nrows = 12, ncols = 15, nlyrs = 4, crs = "EPSG:32633", extent = c(0, 150, 0, 120)
#' )
#' set.seed(1)
#' terra::values(scene) <- runif(12 * 15 * 4)
#' names(scene) <- c("blue", "green", "red", "nir")
#' keras <- reticulate::import("keras")
#' model <- keras$Sequential(list(
#'   keras$Input(list(3L, 3L, 4L)),
#'   keras$layers$Flatten(),
#'   keras$layers$Dense(2L, activation = "softmax")
#' ))
#' scores <- score_raster(model, scene, method = "gradient_x_input", target = 1)
#' scores
#' autoplot_scores(scores, scene)
#' @export
score_raster <- function(model,
                         raster,
                         size = NULL,
                         ...,
                         stride = size,
                         method = "deepshap",
                         background = NULL,
                         n_background = 100,
                         target = "predicted",
                         output = c("auto", "logit", "probability"),
                         head = NULL,
                         task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                         statistic = NULL,
                         groups = NULL,
                         classes = NULL,
                         reorder = FALSE,
                         prediction = FALSE,
                         filename = "",
                         overwrite = FALSE,
                         wopt = list(),
                         batch_size = NULL,
                         seed = 0,
                         progress = NULL) {
  in_verb("score the raster", {
    one_method(method)
    scenes <- as_scenes(raster)
    filename <- target_files(filename, overwrite, scenes)
    prediction <- as_flag(prediction, "prediction")
    if (identical(method, "permutation")) {
      cause("option", "Permutation swaps bands between images, so that a patch's score depends on the other patches.",
        expected = "a method that explains each patch on its own", given = shown(method)
      )
    }
    model <- load_model(as_model(model))
    if (is.null(size)) {
      size <- model_size(model)
    }
    for (scene in scenes) {
      size <- as_patch_size(size, scene)
    }
    stride <- as_count(stride, "stride")
    seed <- as_count(seed, "seed", least = 0)
    n_drawn <- if (is.null(background)) as_count(n_background, "n_background") else 1
    works <- lapply(scenes, function(scene) {
      check_scene(scene, model, background)
      drawn <- random_patches(scene, size, n_drawn, seed)
      asked <- table_arguments(
        method = method, background = if (is.null(background)) drawn else background, n_background = n_background,
        target = target, output = output, head = head, task = task, statistic = statistic, groups = groups,
        classes = classes, reorder = reorder, batch_size = batch_size, seed = seed
      )
      asked$options <- as_method_options(...)
      score <- function(patches) {
        one_row_per_patch(as_band_importance(explain("band_importance", model, patches, NULL, asked, FALSE)))
      }
      # one patch tells the layers, and whether model and scene fit, before the work begins
      first <- of_raster(score(drawn[1, , , , drop = FALSE]))
      list(cells = score_cells(scene, size, stride, score_layers(first, prediction)), score = score, first = first)
    })
    each <- function(scene, work, filename, raster) {
      bar <- progress_bar(progress)
      scores <- write_scores(
        scene, work$cells, size, stride, work$score, prediction, filename, overwrite, wopt, bar
      )
      if (inherits(raster, c("stars", "stars_proxy"))) {
        return(to_stars(scores, filename))
      }
      if (prediction) name_classes(scores, work$first$classes) else scores
    }
    several <- is_scene_list(raster)
    found <- Map(each, scenes, works, filename, if (several) unname(raster) else list(raster))
    if (several) stats::setNames(found, names(raster)) else found[[1]]
  })
}

# A cell of the result has one answer.
one_row_per_patch <- function(scores) {
  if (!is.null(scores$images)) {
    cause("model", "The model does not give a patch one class.",
      expected = "a model that tells classes apart, or predicts numbers",
      given = if (scores$task == "segmentation") "a model that classifies pixels" else "a model of several labels",
      fix = if (scores$task == "multilabel") {
        "`task = \"classification\"` scores the likeliest label, and with `target` any that you name"
      } else {
        "explain patches of the scene with `band_importance()`"
      }
    )
  }
  scores
}

# What the core says of images is said of the scene.
of_raster <- function(value) {
  withCallingHandlers(value, bandlens_cause_bands = function(error) {
    cause("bands", gsub("`x`", "`raster`", error$message, fixed = TRUE),
      expected = error$expected, given = error$given, fix = error$fix
    )
  })
}

# As many layers as the model takes bands.
check_scene <- function(scene, model, background) {
  shape <- tryCatch(model$input_shape, error = function(error) NULL)
  n <- if (length(shape) == 4) shape[[4]]
  if (is.null(n) || n == terra::nlyr(scene)) {
    return(invisible())
  }
  known <- kept_bands(model)
  if (is.null(known) && !is.null(background)) {
    known <- unlist(own_bands(as_background(background), -1L))
  }
  cause("bands", "`raster` has other layers than the model takes.",
    expected = paste0(count(n, "layer"), if (length(known) == n) paste0(": ", some(known, 20))),
    given = paste0(count(terra::nlyr(scene), "layer"), ": ", some(names(scene), 20)),
    fix = if (length(known) == n) {
      paste0("take those of the model, in its order: `raster[[c(", some(paste0("\"", known, "\""), 20), ")]]`")
    } else {
      "take the layers that the model was trained on, in that order: `raster[[...]]`"
    }
  )
}

# Numbers of classes with their names; layers of a file have numbers only.
name_classes <- function(scores, classes) {
  levels(scores[[1]]) <- data.frame(value = seq_along(classes), prediction = classes)
  scores
}

# A file for each scene, or none.
target_files <- function(filename, overwrite, scenes) {
  if (identical(filename, "")) {
    filename <- rep("", length(scenes))
  }
  if (length(filename) != length(scenes) || anyDuplicated(filename[nzchar(filename)]) > 0) {
    cause("option", "`filename` must be the path of a file for each raster.",
      expected = count(length(scenes), "path"), given = shown(filename)
    )
  }
  Map(check_target_file, filename, overwrite, scenes)
  filename
}

check_target_file <- function(filename, overwrite, scene) {
  if (!rlang::is_string(filename) || !rlang::is_bool(overwrite)) {
    cause("option", "`filename` must be the path of a file, and `overwrite` TRUE or FALSE.",
      given = paste0(shown(filename), "; ", shown(overwrite))
    )
  }
  if (!nzchar(filename) || !file.exists(filename)) {
    return(invisible())
  }
  sources <- terra::sources(scene)
  if (normalizePath(filename) %in% normalizePath(sources[nzchar(sources)], mustWork = FALSE)) {
    cause("option", "`filename` is the file of the scene.", given = shown(filename), fix = "choose another file")
  }
  if (!overwrite) {
    cause("option", "`filename` exists already.", given = shown(filename),
      fix = "choose another file, or replace it with `overwrite = TRUE`"
    )
  }
}

# A saved model is loaded once, not for every block.
load_model <- function(model) {
  if (!is.character(model)) {
    return(model)
  }
  names <- kept_bands(model)
  model <- call_bridge("loaded_model", model)
  if (!is.null(names)) {
    call_bridge("set_bands", model, as_bands(names))
  }
  model
}

model_size <- function(model) {
  shape <- tryCatch(model$input_shape, error = function(error) NULL)
  pixels <- if (length(shape) == 4) c(shape[[2]], shape[[3]])
  if (length(pixels) != 2) {
    cause("option", "The model does not say how large its images are.", fix = "give `size`, in pixels")
  }
  if (pixels[[1]] != pixels[[2]]) {
    cause("model", "The model's images are not square.",
      expected = "as many rows as columns", given = paste(pixels, collapse = " x ")
    )
  }
  pixels[[1]]
}

# Up to n patches without missing values, from random places of the scene.
random_patches <- function(scene, size, n, seed) {
  places <- dim(scene)[1:2] - size + 1
  tries <- min(prod(places), max(100 * n, 1e4))
  cells <- with_seed(seed, sample.int(prod(places), tries)) - 1
  found <- list()
  for (tried in split(cells, (seq_along(cells) - 1) %/% (2 * n))) {
    patches <- read_patches(scene, tried %/% places[[2]] + 1, tried %% places[[2]] + 1, size)
    found <- c(found, list(patches[is_complete(patches), , , , drop = FALSE]))
    if (sum(vapply(found, nrow, 0L)) >= n) break
  }
  n <- min(n, sum(vapply(found, nrow, 0L)))
  if (n == 0) {
    cause("raster", "No patch without missing values was found in the scene.",
      given = paste0(count(tries, "patch", "patches"), " of ", size, " x ", size, " pixels at random places")
    )
  }
  bind_patches(found)[seq_len(n), , , , drop = FALSE]
}

bind_patches <- function(parts) {
  size <- dim(parts[[1]])
  bound <- do.call(rbind, lapply(parts, function(part) matrix(part, ncol = prod(size[-1]))))
  array(bound, c(nrow(bound), size[-1]), dimnames(parts[[1]]))
}

# Names of the layers.
score_layers <- function(result, prediction) {
  outputs <- result$outputs[result$image_output[1, ]]
  bands <- dimnames(result$scores)[[3]]
  names <- if (length(outputs) == 1) bands else paste0(rep(outputs, each = length(bands)), ".", bands)
  c(if (prediction) "prediction", names)
}

# The empty raster of the result: one cell per patch, with the patch's centre as its own.
score_cells <- function(scene, size, stride, layers) {
  n <- (dim(scene)[1:2] - size) %/% stride + 1
  left <- terra::xmin(scene) + (size - stride) / 2 * terra::xres(scene)
  top <- terra::ymax(scene) - (size - stride) / 2 * terra::yres(scene)
  cells <- terra::rast(
    nrows = n[[1]], ncols = n[[2]], nlyrs = length(layers), crs = terra::crs(scene),
    extent = terra::ext(
      left, left + n[[2]] * stride * terra::xres(scene), top - n[[1]] * stride * terra::yres(scene), top
    )
  )
  names(cells) <- layers
  cells
}

write_scores <- function(scene, cells, size, stride, score, prediction, filename, overwrite, wopt, bar) {
  n <- dim(cells)[1:2]
  at_once <- max(1, block_values() %/% (size^2 * terra::nlyr(scene)))
  rows_at_once <- min(n[[1]], max(1, at_once %/% n[[2]]))
  col_parts <- in_parts(n[[2]], at_once)
  counts <- c(scored = 0, missing = 0)
  completeness <- NULL
  told <- list()
  done <- FALSE
  do.call(terra::writeStart, c(list(cells, filename, overwrite = overwrite), wopt))
  on.exit(if (!done) {
    # half a result must not look like a whole one
    terra::writeStop(cells)
    unlink(filename[nzchar(filename)])
  })
  for (rows in in_parts(n[[1]], rows_at_once)) {
    values <- array(NA_real_, c(n[[2]], length(rows), terra::nlyr(cells)))
    for (cols in col_parts) {
      top <- rep((rows - 1) * stride + 1, each = length(cols))
      left <- rep((cols - 1) * stride + 1, times = length(rows))
      patches <- read_patches(scene, top, left, size)
      whole <- is_complete(patches)
      if (any(whole)) {
        result <- withCallingHandlers(
          score(if (all(whole)) patches else patches[whole, , , , drop = FALSE]),
          bandlens_warning_completeness = function(warning) {
            told <<- c(told, list(list(rows = rows, message = conditionMessage(warning))))
            rlang::cnd_muffle(warning)
          }
        )
        part <- matrix(NA_real_, length(whole), terra::nlyr(cells))
        part[whole, ] <- score_values(result, prediction)
        values[cols, , ] <- part
        completeness <- if (!is.null(result$completeness)) max(completeness, result$completeness)
      }
      counts <- counts + c(sum(whole), sum(!whole))
      if (!is.null(bar)) bar(sum(counts), prod(n))
    }
    terra::writeValues(cells, as.vector(values), rows[[1]], length(rows))
  }
  done <- TRUE
  scores <- terra::writeStop(cells)
  warn_of_parts(told)
  say(were_scored(counts, completeness), class = "bandlens_message_scored")
  scores
}

# A scene is explained in parts, each of which may be warned of: the first is told, and in how many others it is so.
warn_of_parts <- function(told) {
  if (length(told) == 0) {
    return(invisible())
  }
  message <- paste0(
    told[[1]]$message, "\nThis is of ", some_rows(told[[1]]$rows), " of the scores, whose patches without missing ",
    "values are its images.",
    if (length(told) > 1) paste0(" Other parts with such a warning: ", length(told) - 1, ".")
  )
  warn_of(list(list(kind = "completeness", message = message)))
}

some_rows <- function(rows) {
  if (length(rows) == 1) paste("row", rows) else paste("rows", rows[[1]], "to", rows[[length(rows)]])
}

in_parts <- function(n, most) unname(split(seq_len(n), (seq_len(n) - 1) %/% most))

# One row per patch, one column per layer.
score_values <- function(result, prediction) {
  scores <- matrix(aperm(result$scores, c(1, 3, 2)), nrow = dim(result$scores)[[1]])
  if (prediction) cbind(as.integer(result$prediction), scores) else scores
}

were_scored <- function(counts, completeness) {
  paste0(
    "Scored ", count(counts[["scored"]], "patch", "patches"),
    if (counts[["missing"]] > 0) paste0("; ", counts[["missing"]], " more with missing values have no score"),
    if (!is.null(completeness)) {
      paste0("; completeness: largest relative residual ", format(completeness, digits = 2))
    },
    "."
  )
}

to_stars <- function(scores, filename) {
  scores <- stars::st_as_stars(scores, proxy = nzchar(filename))
  if (!nzchar(filename)) {
    names(scores) <- "score"
  }
  scores
}
