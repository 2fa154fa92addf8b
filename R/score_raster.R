# Where in a scene did which band matter: band scores of patches all over it, as a raster.

#' Score every band all over a scene
#'
#' Slides the model's patch over a raster, explains the model's output for every patch, and gives the band scores back
#' as a raster with one layer per band: which band did the model rely on, where? Models that give a class for every
#' pixel are explained pixel by pixel; models with several inputs take a raster for each. The scene is read and the
#' result written in blocks, so that neither has to fit the memory.
#'
#' @inheritParams extract_patches
#' @param n_background How many background images to use at most; if there are more, a random sample of them.
#' @inheritParams band_importance
#' @param model A trained Keras model, or the path of a saved one, for images of rows x columns x bands.
#' @param raster The scene: a [`SpatRaster`][terra::SpatRaster-class] of terra, a stars object (also a proxy of a
#'   file), or the path of a file that terra reads, such as a GeoTIFF, with one layer, attribute or step of the third
#'   dimension per band; several paths are files whose layers are the bands, one after the other. A list of these is
#'   several scenes. For a model with several inputs, it is the rasters of one scene, under the names of the inputs:
#'   see section Several inputs. For a model of series of images, (dates, rows, columns, bands) as Keras' recurrent
#'   convolutions take them, it is a raster for each date, in order, under the dates if they are known:
#'   `list("2024-05-01" = ..., "2024-06-01" = ...)`.
#' @param size Rows and columns of the model's patch, in pixels (of several rasters, of the finest). `NULL` asks the
#'   model.
#' @param ... Options of the method, by name; [band_methods()] lists them.
#' @param stride Pixels from one patch to the next (of several rasters, of the finest). `NULL` puts patches side by
#'   side, and where the model gives a class for every pixel, half a patch apart. 1 gives a score for every pixel, at
#'   `size^2` times the cost.
#' @param method One of [band_methods()], but neither `"permutation"`, which compares the images it is given, nor
#'   `"sage"`, which needs labels. Where the model gives a class for every pixel, a method that has values for single
#'   pixels: DeepSHAP or one with gradients.
#' @param background Images that stand for "band not informative", such as the training patches (for several inputs, a
#'   list of arrays under their names). `NULL` takes `n_background` patches without missing values from random places
#'   of the scene. If it has names of bands (as what [extract_patches()] gives), the layers of `raster` must have the
#'   same names in the same order.
#' @param target The output to explain: `"predicted"`, the class that is predicted for each patch or pixel; `"all"`,
#'   every output; or one output by name or number.
#' @param classes Names of the classes in the order of the model's outputs.
#' @param reorder Whether to bring the layers of `raster` into the order of the model's bands, or of the background's,
#'   by name. Without it, another order is an error; [bandlens_bands()] says how names are compared.
#' @param prediction Whether to put a first layer `prediction` before the scores: the predicted class, as a categorical
#'   layer with the names of the classes. In a file, and for stars, it is the class's number, in the order of the
#'   model's outputs from 1. Where there is a class for every pixel, a second layer `confidence` holds its probability
#'   (or its output, if the model ends in neither softmax nor sigmoid); of a model of several labels, layers
#'   "probability.label" hold those of all labels. An error for models of numbers (regression).
#' @param filename File to write to, one for each scene. Without one the result is in memory or, if it is too large, in
#'   a temporary file.
#' @param overwrite Whether to replace `filename` if it exists.
#' @param wopt List of more options for [terra::writeStart()], such as `datatype` or `gdal`.
#' @param seed Makes the draw of the background, and random methods, repeatable.
#' @param client Who computes: the address of the scheduler of a Dask cluster, or a number of local workers that start
#'   and end with the scene; `NULL` is this session. See section Workers and series.
#'
#' @returns A [`SpatRaster`][terra::SpatRaster-class], or a stars object if `raster` is one (a proxy if `filename` is
#'   given); for a list of scenes a list of these, with its names. [autoplot_scores()] draws it. Layers are called like
#'   the bands or groups; for `target = "all"` there is one per output and band, "output.band", and with several inputs
#'   one per input and band, "input.band"; of a series one per band and date, "band.date". A patch or pixel with a
#'   missing value has missing scores. At the end, a message says how many were scored, how many had missing values,
#'   and for additive methods how nearly scores sum to the output (completeness).
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
#' compare places, explain one class everywhere, `target = "forest"`. Of a model of several labels, `"predicted"` is
#' the likeliest label.
#'
#' Values are explained as they are: if the model was trained on scaled values, scale the scene before. At most
#' `getOption("bandlens.block_values", 2^24)` numbers are explained at once. Results don't depend on it, but for the
#' random numbers of the methods that use some.
#'
#' @section A class for every pixel:
#' Where the model gives outputs for every pixel (a U-Net, say), the result has the scene's own pixels, all of them.
#' Windows of `size` pixels overlap; the last ones are moved inwards, so that the scene is covered to its edge. First,
#' the probabilities of all windows that hold a pixel are averaged, which gives its class. Then each window is
#' explained: for each class that it has pixels of, the sum of the class's output over these pixels. A pixel's score is
#' what its own values contributed to that, averaged over the windows. In both averages, a window counts most where the
#' pixel is in its middle (by a raised cosine along rows and columns), and next to nothing at its edge, where the model
#' does not see what is around.
#'
#' So a score tells how much the band's value *at the pixel* spoke for the pixel's class. For a model that looks at
#' pixels one by one, it is exactly what made the pixel its class: of a linear one, the weight times the value's
#' distance from the background's mean. For a model that looks around, part of a pixel's class is made by its
#' neighbours. That part is found where they are, as what they did for pixels of their own class; what they did for
#' pixels of other classes is not drawn. For how scores sum to the output of single windows see [band_maps()].
#'
#' With a named output as `target`, that output is explained for all pixels. For the model, missing values are replaced
#' by the band's mean in the window; their pixels have no scores, and windows without any whole pixel are left out. A
#' strip of the result, as high as a window and as wide as the scene, is held in memory. Each window is explained once
#' for each class that it has pixels of, against each background image: a smaller `n_background` saves most.
#'
#' @section Several inputs:
#' A model with several inputs takes a list with a raster for each, by the names of the inputs (a model tells them in
#' an error if you give none). The rasters must have the same reference system and cover the same ground, and the
#' pixels of the coarser ones must be made of whole pixels of the finest, as those of Sentinel-2 with 10 m, 20 m and 60
#' m are. Patches lie where they hold whole pixels of each raster. An input that takes a row of numbers, such as the
#' temperature or the day of the year, is given as a vector, whose names are those of the bands; it is the same all
#' over the scene.
#'
#' ```r
#' score_raster(model, list(s2_10m = rast("B10m.tif"), s2_20m = rast("B20m.tif"), weather = c(rain = 3, wind = 5)))
#' ```
#'
#' @section Workers and series:
#' With `client`, and for models of series, the Python core reads the scene, by rasterio, and writes a GeoTIFF, where
#' `filename` is `""` a temporary one. Rasters in files are read by the workers, who must have these files under the
#' same paths; values of a raster in memory go along. Scores are those of this session. What can't be read alike is an
#' error: rasters that were changed in R without being computed (a window, another scale, extent or number for no
#' data), and files with a mask. If the work is interrupted, the same call with a `filename` goes on where it stopped.
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
#'
#' # a class for every pixel
#' image <- keras$Input(list(6L, 6L, 4L))
#' inner <- keras$layers$Conv2D(4L, 3L, padding = "same", activation = "relu")(image)
#' mapper <- keras$Model(image, keras$layers$Conv2D(2L, 1L, activation = "softmax")(inner))
#' pixels <- score_raster(mapper, scene, classes = c("water", "land"), prediction = TRUE)
#' pixels
#'
#' # two inputs, with pixels of 10 m and 20 m
#' scenes <- list(fine = terra::crop(scene, c(0, 140, 0, 120)))
#' scenes$coarse <- terra::aggregate(scenes$fine[[c("red", "nir")]], 2)
#' inputs <- list(keras$Input(list(4L, 4L, 4L), name = "fine"), keras$Input(list(2L, 2L, 2L), name = "coarse"))
#' flat <- lapply(inputs, function(input) keras$layers$Flatten()(input))
#' both <- keras$layers$Dense(2L, activation = "softmax")(keras$layers$Concatenate()(flat))
#' names(score_raster(keras$Model(inputs, both), scenes, target = 1))
#' @export
score_raster <- function(model,
                         raster,
                         size = NULL,
                         ...,
                         stride = NULL,
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
                         client = NULL,
                         progress = NULL) {
  in_verb("score the raster", {
    check_scored_method(method)
    refuse_strategy(background, "score_raster()")
    prediction <- as_flag(prediction, "prediction")
    if (!is_scene_list(raster)) {
      as_scene(raster) # what is no raster is said before the model is loaded
    }
    model <- load_model(as_model(model))
    inputs <- inputs_of(model)
    series <- takes_series(inputs)
    client <- as_client(client)
    by_core <- series || !is.null(client)
    grounds <- grounds_of(raster, inputs)
    filename <- target_files(filename, overwrite, grounds)
    if (by_core) check_core_files(filename, wopt, if (series) "of a series" else "with `client`")
    windows <- window_steps(size, stride, model, inputs, grounds, background)
    seed <- as_count(seed, "seed", least = 0)
    n_drawn <- if (is.null(background)) as_count(n_background, "n_background") else 1
    works <- lapply(grounds, function(ground) {
      # the core draws from series
      drawn <- if (!series) random_patches(ground, windows$size, n_drawn, seed)
      asked <- table_arguments(
        method = method, background = if (is.null(background)) drawn else background, n_background = n_background,
        target = target, output = output, head = head, task = task, statistic = statistic, groups = groups,
        classes = classes, reorder = reorder, batch_size = batch_size, seed = seed
      )
      asked$options <- as_method_options(...)
      if (by_core) {
        first <- if (series) no_series(ground) else take_windows(drawn, 1)
        return(core_work(model, ground, asked, first, windows$size, windows$stride, prediction, client))
      }
      own_work(model, ground, asked, take_windows(drawn, 1), windows$size, windows$stride, prediction)
    })
    each <- function(work, filename, raster) {
      as_given(work(filename, overwrite, wopt, progress_bar(progress)), raster, filename, prediction)
    }
    of_list(each, works, filename, raster, one = length(inputs) > 1 || series)
  })
}

# Work of this session. One patch tells what the model is for, the layers, and whether model and scene fit, before the
# work begins.
own_work <- function(model, ground, asked, first, size, stride, prediction) {
  said <- of_raster(said_of(model, first, asked))
  check_predicts(said$task, prediction)
  prepare <- if (said$task == "segmentation") pixel_work else patch_work
  of_raster(prepare(model, ground, size, stride, asked, said, first, prediction))
}

# Scores as the kind of raster that was given.
as_given <- function(found, raster, filename, prediction) {
  if (inherits(raster, c("stars", "stars_proxy"))) {
    return(to_stars(found$scores, filename))
  }
  if (prediction) name_classes(found$scores, found$classes) else found$scores
}

# Results of all scenes; `one` says that a list is a single scene.
of_list <- function(each, works, filename, raster, one) {
  if (one) {
    return(each(works[[1]], filename, Filter(function(part) is_raster(part) || is.character(part), raster)[[1]]))
  }
  found <- Map(each, works, filename, if (is_scene_list(raster)) unname(raster) else list(raster))
  if (is_scene_list(raster)) stats::setNames(found, names(raster)) else found[[1]]
}

check_scored_method <- function(method) {
  one_method(method)
  if (identical(method, "sage")) {
    cause("option", "SAGE asks what bands buy of a metric, which takes labels: patches of a raster have none.",
      expected = "a method that explains outputs", given = shown(method)
    )
  }
  if (identical(method, "permutation")) {
    cause("option", "Permutation swaps bands between images, so that a patch's score depends on the other patches.",
      expected = "a method that explains each patch on its own", given = shown(method)
    )
  }
}

check_predicts <- function(task, prediction) {
  if (prediction && task == "regression") {
    cause("option", "The model predicts numbers, not classes.",
      expected = "prediction = FALSE", given = "prediction = TRUE"
    )
  }
}

# The ground of each scene: of a model of several inputs, or of series, a list is one scene.
grounds_of <- function(raster, inputs) {
  if (length(inputs) > 1) {
    return(list(input_ground(raster, inputs)))
  }
  if (takes_series(inputs)) {
    return(list(series_ground(raster, inputs[[1]])))
  }
  lapply(as_scenes(raster), as_ground)
}

# Size of windows and pixels from one to the next, once all rasters are known to fit them and the model.
window_steps <- function(size, stride, model, inputs, grounds, background) {
  joined <- length(inputs) > 1
  if (takes_series(inputs)) {
    # the model's own size, the core knows
    stride <- as_count(stride, "stride", null = TRUE)
    return(list(size = if (!is.null(size)) as_patch_size(size, grounds[[1]]$finest), stride = stride))
  }
  if (is.null(size)) {
    size <- if (joined) ground_size(inputs, grounds[[1]]) else model_size(model)
  }
  for (ground in grounds) {
    size <- as_ground_step(as_patch_size(size, ground$finest), ground, "size")
    if (!is.null(stride)) stride <- as_ground_step(stride, ground, "stride")
    if (joined) check_ground(ground, inputs) else check_scene(ground$finest, model, background)
  }
  list(size = size, stride = stride)
}

# What the model says of windows: its task, the names of its outputs, and these.
said_of <- function(model, windows, asked) {
  question <- as_question(model, windows, NULL, asked)
  call_bridge("window_outputs", question$model, question$x, question$arguments)
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
  cause_layers(scene, n, known, "raster")
}

check_raster_layers <- function(scene, n, name) {
  if (n > 0 && n != terra::nlyr(scene)) cause_layers(scene, n, NULL, name)
}

cause_layers <- function(scene, n, known, name) {
  cause("bands", paste0("`", name, "` has other layers than the model takes."),
    expected = paste0(count(n, "layer"), if (length(known) == n) paste0(": ", some(known, 20))),
    given = paste0(count(terra::nlyr(scene), "layer"), ": ", some(names(scene), 20)),
    fix = if (length(known) == n) {
      paste0("take those of the model, in its order: `", name, "[[c(", some(paste0("\"", known, "\""), 20), ")]]`")
    } else {
      paste0("take the layers that the model was trained on, in that order: `", name, "[[...]]`")
    }
  )
}

# Numbers of classes with their names; layers of a file have numbers only.
name_classes <- function(scores, classes) {
  levels(scores[[1]]) <- data.frame(value = seq_along(classes), prediction = classes)
  scores
}

# A file for each scene, or none.
target_files <- function(filename, overwrite, grounds) {
  if (identical(filename, "")) {
    filename <- rep("", length(grounds))
  }
  if (length(filename) != length(grounds) || anyDuplicated(filename[nzchar(filename)]) > 0) {
    cause("option", "`filename` must be the path of a file for each raster.",
      expected = count(length(grounds), "path"), given = shown(filename)
    )
  }
  for (i in seq_along(grounds)) {
    for (scene in grounds[[i]]$scenes) {
      check_target_file(filename[[i]], overwrite, scene)
    }
  }
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

to_stars <- function(scores, filename) {
  scores <- stars::st_as_stars(scores, proxy = nzchar(filename))
  if (!nzchar(filename)) {
    names(scores) <- "score"
  }
  scores
}
