# Interactions with made-up numbers, as the bridge gives them, for tests that need no Python.
interactions_value <- function(n_bands = 4, n_classes = 3, n = 5, order = 2, all_outputs = FALSE, known = TRUE) {
  classes <- paste("land cover", seq_len(n_classes))
  codes <- rep(seq_len(n_classes) - 1L, each = n)
  outputs <- if (all_outputs) matrix(seq_len(n_classes) - 1L, length(codes), n_classes, byrow = TRUE) else matrix(codes)
  sets <- do.call(rbind, lapply(seq_len(order), function(size) {
    sets <- t(utils::combn(n_bands, size)) - 1L
    cbind(sets, matrix(-1L, nrow(sets), order - size))
  }))
  scores <- array(0, c(dim(outputs), nrow(sets)))
  for (at in seq_len(nrow(sets))) {
    strength <- ((5 * at + 3 * outputs) %% 7 - 3) / (1 + 2 * sum(sets[at, ] > -1))
    scores[, , at] <- strength + sin(seq_along(codes) * at) / 4
  }
  table <- function(size, overall) {
    chosen <- which(rowSums(sets > -1) == size)
    cells <- if (overall) {
      data.frame(class = 0L, output = if (all_outputs) seq_len(n_classes) - 1L else -1L)
    } else {
      unique(data.frame(class = rep(codes, ncol(outputs)), output = as.vector(outputs)))
    }
    cells <- cells[order(cells$class, cells$output), ]
    rows <- lapply(seq_len(nrow(cells)), function(row) {
      images <- if (overall) seq_along(codes) else which(codes == cells$class[[row]])
      k <- if (all_outputs) cells$output[[row]] + 1 else 1
      own <- matrix(scores[images, k, chosen], length(images))
      error <- apply(own, 2, stats::sd) / sqrt(length(images))
      columns <- lapply(cells[row, c("class", "output")], rep, length(chosen))
      columns[paste0("band_", seq_len(size))] <- lapply(seq_len(size), function(place) sets[chosen, place])
      c(columns, list(
        interaction = colMeans(own), importance = colMeans(abs(own)), rank = rank(-colMeans(abs(own))),
        std_error = error, conf_low = colMeans(own) - 2 * error, conf_high = colMeans(own) + 2 * error,
        n = rep(length(images), length(chosen)), se_images = 0.8 * error, se_background = 0.6 * error
      ))
    })
    whole <- c("class", "output", paste0("band_", seq_len(size)), "rank", "n")
    together <- lapply(stats::setNames(nm = names(rows[[1]])), function(name) unlist(lapply(rows, `[[`, name)))
    together[whole] <- lapply(together[whole], as.integer)
    lapply(together, array)
  }
  list(
    tables = list(
      class = lapply(seq_len(order), table, overall = FALSE), overall = lapply(seq_len(order), table, overall = TRUE)
    ),
    whole = "all", scores = scores, members = sets, index = "sii", complete = FALSE, order = as.integer(order),
    image_class = array(codes), prediction = array(codes), image_output = outputs,
    output_values = 0 * outputs + 1.5, base_values = 0 * outputs + 0.5, classes = classes, outputs = classes,
    bands = paste0("band_", seq_len(n_bands)),
    wavelengths = if (known) seq(400, 2400, length.out = n_bands) else rep(NaN, n_bands),
    output = "logit", absent = "marginal", rounding = 1e-6,
    background = array(c(2L, 5L, 7L)), background_source = "background",
    background_strategy = "sample", seed = 0L, model = "made up", versions = list(bandlens = "0.1.0"), seconds = 1.5
  )
}

made_interactions <- function(...) as_band_interactions(interactions_value(...))
