# Scores of pixels, for models that map a scene: windows overlap, and what they say of a pixel is blended.
#
# First the windows say which class each pixel has, by the mean of their probabilities; then each pixel is explained for
# that class by all windows that it is in. Both go over the scene in strips as high as a window.

pixel_work <- function(model, ground, size, stride, asked, said, first, prediction) {
  check_pixels(said, ground, size)
  stride <- pixel_stride(stride, ground, size)
  score <- function(windows, codes, fit = FALSE) {
    question <- as_question(model, windows, NULL, asked)
    call_bridge("pixel_scores", question$model, question$x, codes, question$arguments, fit)
  }
  tried <- score(first, array(1L, c(1, size, size)), fit = TRUE)
  layers <- c(
    if (prediction) c("prediction", "confidence"),
    layer_names(as.character(tried$explained), input_bands(tried))
  )
  work <- list(
    ground = ground, size = size, prediction = prediction, n_outputs = length(said$names), score = score,
    own = asked$arguments$target %in% c("predicted", "class"),
    top = window_starts(nrow(ground$finest), size, stride), left = window_starts(ncol(ground$finest), size, stride),
    say = function(windows) said_of(model, windows, asked)$values
  )
  function(filename, overwrite, wopt, bar) {
    scores <- write_pixels(work, layers, filename, overwrite, wopt, bar)
    list(scores = scores, classes = as.character(said$names))
  }
}

# Half a window, in whole pixels of all rasters.
pixel_stride <- function(stride, ground, size) {
  step <- ground$step
  if (any(dim(ground$finest)[1:2] %% step > 0)) {
    cause("raster", "The last windows would cut pixels of the coarser rasters.",
      expected = paste("rows and columns of the finest raster in multiples of", step),
      given = paste(dim(ground$finest)[1:2], collapse = " x "), fix = "cut all rasters with `terra::crop()`"
    )
  }
  if (is.null(stride)) {
    return(step * ceiling(size / 2 / step))
  }
  if (stride > size) {
    cause("option", "With such a stride, there are pixels between the windows that no window holds.",
      expected = paste("at most", size), given = paste("`stride` =", stride)
    )
  }
  stride
}

check_pixels <- function(said, ground, size) {
  pixels <- dim(said$values)[-c(1, length(dim(said$values)))]
  if (length(pixels) != 2 || any(pixels != size)) {
    cause("model", "The model's outputs are no pixels of the windows that it is given.",
      expected = paste0("outputs for ", size, " x ", size, " pixels"),
      given = paste0("outputs for ", paste(pixels, collapse = " x ")),
      fix = "put layers behind the model that bring its outputs to the size of its images, such as upsampling"
    )
  }
}

# Where windows start along one axis: every `stride` pixels, and once more at the end, so that all of it is covered.
window_starts <- function(n, size, stride) {
  last <- n - size + 1
  unique(c(seq(1, last, by = stride), last))
}

# How much each pixel of a window counts: most in the middle, where the model sees what is around, and next to nothing
# at the edge. Windows that are half a window apart add up to 1 everywhere.
window_weights <- function(size) {
  along <- sin(pi * (seq_len(size) - 0.5) / size)^2
  outer(along, along)
}

write_pixels <- function(work, layers, filename, overwrite, wopt, bar) {
  scene <- work$ground$finest
  cells <- terra::rast(scene, nlyrs = length(layers))
  names(cells) <- layers
  maps <- work$own || work$prediction
  told <- new.env()
  told$done <- 0
  told$pixels <- c(scored = 0, missing = 0)
  total <- length(work$top) * length(work$left) * (1 + maps)
  tick <- function(n) {
    told$done <- told$done + n
    if (!is.null(bar)) bar(told$done, total)
  }
  classes <- if (maps) map_classes(work, tick)
  scored <- function(top, left) {
    windows <- known_windows(work, top, left)
    if (!any(windows$known)) {
      return(NULL)
    }
    codes <- if (work$own) read_patches(classes[[1]], top, left, work$size)[, , , 1] else windows$known + 0
    dim(codes) <- dim(windows$known)
    codes[!windows$known] <- 0
    some <- apply(codes > 0, 1, any)
    codes <- codes[some, , , drop = FALSE]
    storage.mode(codes) <- "integer"
    result <- kept_for_later(told, top[[1]], work$score(take_windows(windows$x, some), codes))
    told$completeness <- if (!is.null(result$completeness)) max(told$completeness, result$completeness)
    list(values = result$values, known = windows$known[some, , , drop = FALSE], at = which(some))
  }
  n_scores <- length(layers) - if (work$prediction) 2 else 0
  scores <- written(cells, filename, overwrite, wopt, function() {
    blend(work, n_scores, scored, tick, function(values, row) {
      there <- !is.na(values[, , 1])
      told$pixels <- told$pixels + c(sum(there), sum(!there))
      n_rows <- dim(values)[[2]]
      said <- if (work$prediction) read_rows(classes, row, n_rows)
      terra::writeValues(cells, c(said, as.vector(values)), row, n_rows)
    })
  })
  warn_of_parts(told, "of the scene, where windows begin that are its images")
  n_windows <- length(work$top) * length(work$left)
  say(pixels_were_scored(told$pixels, n_windows, told$completeness), class = "bandlens_message_scored")
  scores
}

read_rows <- function(raster, row, n_rows) {
  terra::readStart(raster)
  on.exit(terra::readStop(raster))
  terra::readValues(raster, row, n_rows)
}

pixels_were_scored <- function(pixels, n_windows, completeness) {
  paste0(
    "Scored ", count(pixels[["scored"]], "pixel"), " in ", count(n_windows, "window"),
    if (pixels[["missing"]] > 0) paste0("; ", pixels[["missing"]], " more with missing values have no score"),
    if (!is.null(completeness)) {
      paste0("; completeness: largest relative residual ", format(completeness, digits = 2))
    },
    "."
  )
}

# The class of each pixel and how likely it is, as a raster of its own.
map_classes <- function(work, tick) {
  maps <- terra::rast(work$ground$finest, nlyrs = 2)
  said <- function(top, left) {
    windows <- known_windows(work, top, left)
    if (any(windows$known)) {
      list(values = work$say(windows$x), known = windows$known, at = seq_along(top))
    }
  }
  written(maps, "", FALSE, list(), function() {
    blend(work, work$n_outputs, said, tick, function(values, row) {
      size <- dim(values)
      rows <- matrix(values, ncol = size[[3]])
      there <- which(!is.na(rows[, 1]))
      found <- matrix(NA_real_, nrow(rows), 2)
      found[there, 1] <- max.col(rows[there, , drop = FALSE], ties.method = "first")
      found[there, 2] <- rows[cbind(there, found[there, 1])]
      terra::writeValues(maps, as.vector(found), row, size[[2]])
    })
  })
}

# Windows, and which of their pixels have a value in every band of every raster. Others are filled, for the model, with
# the band's mean in the window.
known_windows <- function(work, top, left) {
  windows <- read_windows(work$ground, top, left, work$size)
  parts <- if (work$ground$several) windows[names(work$ground$scenes)] else list(windows)
  known <- Reduce(`&`, lapply(parts, known_pixels, work$size))
  list(x = of_windows(windows, filled_windows), known = known)
}

# Which pixels of the finest raster have a value in every band.
known_pixels <- function(windows, size) {
  at <- (seq_len(size) - 1) %/% (size / dim(windows)[[2]]) + 1
  array(is.finite(rowSums(windows, dims = 3)), dim(windows)[1:3])[, at, at, drop = FALSE]
}

filled_windows <- function(windows) {
  for (i in which(!is.finite(rowSums(windows)))) {
    if (is.matrix(windows)) next # of numbers none are missing
    for (band in seq_len(dim(windows)[[4]])) {
      own <- windows[i, , , band]
      there <- is.finite(own)
      own[!there] <- if (any(there)) mean(own[there]) else 0 # without any, no pixel is known
      windows[i, , , band] <- own
    }
  }
  windows
}

# Goes over the scene, strip by strip, and gives `write` the rows that are done: columns x rows x layers. `values_of`
# gives for windows `values` (windows x columns x rows x layers), `known` (windows x rows x columns) and which of them
# these are of; or nothing.
blend <- function(work, n_layers, values_of, tick, write) {
  size <- work$size
  n_cols <- ncol(work$ground$finest)
  numbers <- window_values(work$ground, size) + size^2 * n_layers
  parts <- in_parts(length(work$left), max(1, block_values() %/% numbers))
  weights <- window_weights(size)
  sums <- array(0, c(n_cols, size, n_layers))
  total <- matrix(0, n_cols, size)
  for (strip in seq_along(work$top)) {
    top <- work$top[[strip]]
    for (part in parts) {
      left <- work$left[part]
      found <- values_of(rep(top, length(left)), left)
      for (i in seq_along(found$at)) {
        cols <- left[[found$at[[i]]]] + seq_len(size) - 1
        own <- weights * t(matrix(found$known[i, , ], size))
        total[cols, ] <- total[cols, ] + own
        added <- as.vector(own) * array(found$values[i, , , ], c(size, size, n_layers))
        sums[cols, , ] <- sums[cols, , , drop = FALSE] + added
      }
      tick(length(left))
    }
    done <- if (strip < length(work$top)) work$top[[strip + 1]] - top else size
    rows <- seq_len(done)
    values <- sums[, rows, , drop = FALSE] / as.vector(total[, rows])
    values[is.nan(values)] <- NA
    write(values, top)
    kept <- setdiff(seq_len(size), rows)
    sums[, seq_along(kept), ] <- sums[, kept, ]
    total[, seq_along(kept)] <- total[, kept]
    sums[, size - rows + 1, ] <- 0
    total[, size - rows + 1] <- 0
  }
}
