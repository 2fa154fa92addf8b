# Scores of patches, a cell for each.

# Layers and blocks of a ground whose patches have one answer each.
patch_work <- function(model, ground, size, stride, asked, said, first, prediction) {
  labels <- said$task == "multilabel"
  if (labels) {
    # a cell has one answer: the likeliest label, or the one that is asked for
    asked$arguments$task <- "classification"
  }
  score <- function(patches) {
    result <- as_band_importance(explain("band_importance", model, patches, NULL, asked, FALSE))
    if (labels && prediction) {
      result$probabilities <- said_of(model, patches, asked)$values
      colnames(result$probabilities) <- paste0("probability.", result$outputs)
    }
    result
  }
  stride <- if (is.null(stride)) size else stride
  tried <- score(first)
  cells <- score_cells(ground$finest, size, stride, score_layers(tried, prediction))
  function(filename, overwrite, wopt, bar) {
    scores <- write_scores(ground, cells, size, stride, score, prediction, filename, overwrite, wopt, bar)
    list(scores = scores, classes = tried$classes)
  }
}

# Names of the layers.
score_layers <- function(result, prediction) {
  outputs <- result$outputs[result$image_output[1, ]]
  c(if (prediction) c("prediction", colnames(result$probabilities)), layer_names(outputs, input_bands(result)))
}

# Bands, those of several inputs with its name.
input_bands <- function(result) {
  bands <- as.character(result$bands)
  if (is.null(result$inputs)) {
    return(bands)
  }
  inputs <- as.character(result$inputs)
  ifelse(bands == inputs, inputs, paste0(inputs, ".", bands)) # an input may itself be a band
}

# A layer for each output and band; where there is one output, the band is enough.
layer_names <- function(outputs, bands) {
  if (length(outputs) < 2) bands else paste0(rep(outputs, each = length(bands)), ".", bands)
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

write_scores <- function(ground, cells, size, stride, score, prediction, filename, overwrite, wopt, bar) {
  ground <- as_ground(ground)
  n <- dim(cells)[1:2]
  at_once <- max(1, block_values() %/% window_values(ground, size))
  rows_at_once <- min(n[[1]], max(1, at_once %/% n[[2]]))
  col_parts <- in_parts(n[[2]], at_once)
  counts <- c(scored = 0, missing = 0)
  completeness <- NULL
  told <- new.env()
  scores <- written(cells, filename, overwrite, wopt, function() {
    for (rows in in_parts(n[[1]], rows_at_once)) {
      values <- array(NA_real_, c(n[[2]], length(rows), terra::nlyr(cells)))
      for (cols in col_parts) {
        top <- rep((rows - 1) * stride + 1, each = length(cols))
        left <- rep((cols - 1) * stride + 1, times = length(rows))
        patches <- read_windows(ground, top, left, size)
        whole <- is_complete(patches)
        if (any(whole)) {
          result <- kept_for_later(told, rows, score(if (all(whole)) patches else take_windows(patches, whole)))
          part <- matrix(NA_real_, length(whole), terra::nlyr(cells))
          part[whole, ] <- score_values(result, prediction)
          values[cols, , ] <- part
          completeness <<- if (!is.null(result$completeness)) max(completeness, result$completeness)
        }
        counts <<- counts + c(sum(whole), sum(!whole))
        if (!is.null(bar)) bar(sum(counts), prod(n))
      }
      terra::writeValues(cells, as.vector(values), rows[[1]], length(rows))
    }
  })
  warn_of_parts(told, "of the scores, whose patches without missing values are its images")
  say(were_scored(counts, completeness), class = "bandlens_message_scored")
  scores
}

# How many numbers there are in a window.
window_values <- function(ground, size) {
  sum(mapply(function(scene, ratio) (size / ratio)^2 * terra::nlyr(scene), ground$scenes, ground$ratios))
}

# A raster whose values are written by `write`, block by block.
written <- function(cells, filename, overwrite, wopt, write) {
  done <- FALSE
  do.call(terra::writeStart, c(list(cells, filename, overwrite = overwrite), wopt))
  on.exit(if (!done) {
    # half a result must not look like a whole one
    terra::writeStop(cells)
    unlink(filename[nzchar(filename)])
  })
  write()
  done <- TRUE
  terra::writeStop(cells)
}

# Keeps warnings of scores that can't be right, with the rows they are about.
kept_for_later <- function(told, rows, value) {
  withCallingHandlers(value, bandlens_warning_completeness = function(warning) {
    told$warnings <- c(told$warnings, list(list(rows = rows, message = conditionMessage(warning))))
    rlang::cnd_muffle(warning)
  })
}

# A scene is explained in parts, each of which may be warned of: the first is told, and in how many others it is so.
warn_of_parts <- function(told, which_are) {
  warnings <- told$warnings
  if (length(warnings) == 0) {
    return(invisible())
  }
  message <- paste0(
    warnings[[1]]$message, "\nThis is of ", some_rows(warnings[[1]]$rows), " ", which_are, ".",
    if (length(warnings) > 1) paste0(" Other parts with such a warning: ", length(warnings) - 1, ".")
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
  if (prediction) cbind(as.integer(result$prediction), result$probabilities, scores) else scores
}

were_scored <- function(counts, completeness, pixels = FALSE) {
  paste0(
    "Scored ", if (pixels) count(counts[["scored"]], "pixel") else count(counts[["scored"]], "patch", "patches"),
    if (counts[["missing"]] > 0) paste0("; ", counts[["missing"]], " more with missing values have no score"),
    if (!is.null(completeness)) {
      paste0("; completeness: largest relative residual ", format(completeness, digits = 2))
    },
    "."
  )
}
