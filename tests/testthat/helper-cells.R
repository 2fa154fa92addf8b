# Results with several inputs and with a time axis, with made-up scores of images.

dates <- c("2024-04-01", "2024-05-01", "2024-06-10")

# Cells of inputs (a list of band names by input; NULL: one input) at steps. The last of several inputs has no steps.
celled <- function(bands, times = NULL, kind = NULL, ...) {
  several <- is.list(bands)
  inputs <- if (several) bands else list(bands)
  cells <- do.call(rbind, lapply(seq_along(inputs), function(at) {
    steps <- if (is.null(times) || several && at == length(inputs)) "" else times
    own <- expand.grid(time = steps, band = inputs[[at]], stringsAsFactors = FALSE)
    cbind(own, input = if (several) names(inputs)[[at]] else "")
  }))
  result <- scored(bands = paste(cells$input, cells$band, cells$time), ...)
  result$bands <- cells$band
  if (several) result$inputs <- cells$input
  if (!is.null(times)) {
    result$times <- cells$time
    result$time_kind <- kind
  }
  result$table <- with_cells(result, result$table)
  keys <- list(band = c("input", "band"), time = c("input", "time"), input = "input")
  levels <- c(if (!is.null(times)) c("band", "time"), if (several) "input")
  result$sums <- sapply(levels, function(level) summed_table(result, cells[keys[[level]]]), simplify = FALSE)
  result
}

# A table with a row per cell, whose column `band` holds positions of cells so far.
with_cells <- function(result, table) {
  at <- as.integer(table$band)
  tibble::tibble(table[c("class", "output")], !!!cell_columns(result, at), table[-(1:4)])
}

# The table of scores that are summed over what is not among the keys.
summed_table <- function(result, keys) {
  group <- do.call(paste, c(keys, sep = "\r"))
  first <- which(!duplicated(group))
  sums <- result
  for (name in intersect(c("bands", "inputs", "times", "wavelengths"), names(result))) {
    sums[[name]] <- result[[name]][first]
  }
  cells <- unique(result$table[c("class", "output")])
  rows <- lapply(seq_len(nrow(cells)), function(at) {
    explained <- if (ncol(result$image_output) > 1) as.integer(cells$output[[at]]) else 1
    own <- result$scores[result$image_class == cells$class[[at]], explained, ]
    own <- t(rowsum(t(own), group, reorder = FALSE))
    importance <- unname(colMeans(abs(own)))
    error <- unname(apply(abs(own), 2, stats::sd)) / sqrt(nrow(own))
    tibble::tibble(
      cells[at, ], !!!cell_columns(sums, seq_along(first)), importance = importance,
      effect = if (result$signed) unname(colMeans(own)) else NA_real_, share = importance / sum(importance),
      rank = as.integer(rank(-importance, ties.method = "first")), std_error = error,
      conf_low = pmax(importance - 2 * error, 0), conf_high = importance + 2 * error, n = nrow(own)
    )
  })
  gone <- c(setdiff(c("input", "band", "time"), names(keys)), if (!"band" %in% names(keys)) "wavelength")
  table <- do.call(rbind, rows)
  table[setdiff(names(table), gone)]
}

timed <- function(times = dates, kind = "date", bands = c("NDVI", "red"), ...) celled(bands, times, kind, ...)

three_inputs <- list(optical = c("blue", "nir"), sar = c("VV", "blue"), terrain = "slope")

fused <- function(times = NULL, kind = NULL, inputs = three_inputs, ...) celled(inputs, times, kind, ...)
