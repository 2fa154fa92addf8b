# Checks with made-up numbers, as the bridge gives them, for tests that need no Python. Classes and bands are not in
# alphabetical order.

land_covers <- c("water", "forest", "city")
few_bands <- c("red", "green", "blue", "nir")

# Numbers from 0 to 1 that look like chance and are not.
scattered <- function(n) (seq_len(n) * (sqrt(5) - 1) / 2) %% 1

bridge_check <- function(name, tables, levels, facts, passed = NULL) {
  as_band_check(list(
    name = name, tables = tables, levels = levels, passed = passed, verdict = list("It is {so}."), facts = facts,
    single = as.list(names(facts)[lengths(facts) == 1])
  ))
}

# Columns of every combination, the last one varying fastest.
crossed <- function(...) {
  grid <- rev(expand.grid(rev(list(...)), KEEP.OUT.ATTRS = FALSE))
  lapply(as.list(grid), as.integer)
}

made_comparison <- function(results = c("deepshap", "saliency", "my own"), classes = land_covers, all_outputs = FALSE,
                            top = 3, intervals = TRUE, negative = FALSE) {
  pairs <- utils::combn(seq_along(results), 2) - 1L
  levels <- list(
    first = results, second = results, class = c(classes, "all"), output = classes,
    measure = c("kendall_tau", "spearman_rho", "top_overlap")
  )
  outputs <- if (all_outputs) seq_along(classes) - 1 else 0
  columns <- crossed(pair = seq_len(ncol(pairs)), output = outputs, class = seq_along(levels$class) - 1, measure = 0:2)
  n <- length(columns$pair)
  if (!all_outputs) {
    columns$output <- ifelse(columns$class < length(classes), columns$class, -1L)
  }
  estimate <- scattered(n) * if (negative) -0.5 else 1
  half <- if (intervals) 0.2 * scattered(n + 3)[-(1:3)] else NaN
  table <- list(
    first = pairs[1, columns$pair], second = pairs[2, columns$pair], class = columns$class, output = columns$output,
    measure = columns$measure, estimate = estimate, std_error = half / 2, conf_low = estimate - half,
    conf_high = pmin(estimate + half, 1), n = rep(8L, n)
  )
  facts <- list(
    results = results, methods = results, top = as.integer(top), bands = 4L, resampled = rep("images", length(results))
  )
  bridge_check("compare_importance", list(class = table), levels, facts)
}

made_stability <- function(bands = few_bands, classes = land_covers, wavelengths = NaN, all_outputs = FALSE,
                           single = FALSE, background = TRUE, outlier = NULL) {
  columns <- crossed(
    class = seq_along(classes) - 1, output = if (all_outputs) seq_along(classes) - 1 else 0,
    band = seq_along(bands) - 1
  )
  if (!all_outputs) {
    columns$output <- columns$class
  }
  n <- length(columns$band)
  raw <- 0.05 + scattered(n)
  share <- raw / stats::ave(raw, columns$class, columns$output, FUN = sum)
  half <- share * scattered(n + 5)[-(1:5)] / 2
  half[single & columns$class == 0] <- NaN
  first <- ifelse(is.nan(half), NaN, pmin(share * 2, 1) * (share > 0.2))
  wave <- rep_len(as.double(wavelengths), length(bands))
  table <- c(columns, list(
    wavelength = wave[columns$band + 1], importance = 4 * share, share = share, share_low = share - half,
    share_high = share + half, first = first
  ))
  facts <- list(
    method = if (background) "deepshap" else "saliency", statistic = "band_sum", output = "logit", images = 24L,
    background = background, n_background = if (background) 10L, backgrounds = if (background) 4L else 0L,
    resampled = c("images", if (background) "background")
  )
  levels <- list(class = classes, output = classes, band = bands)
  tables <- list(class = table)
  if (!is.null(outlier)) {
    # the table's first band is hardly ever first, another one nearly always
    codes <- seq_along(classes) - 1L
    top <- vapply(codes, function(code) which.max(share[columns$class == code]) - 1L, 1L)
    rival <- (top + 1L) %% length(bands)
    is_outlier <- classes %in% outlier
    own <- ifelse(is_outlier, 0.04, 0.97)
    at <- function(band) match(paste(codes, band), paste(columns$class, columns$band))
    tables$class$first <- rep(0, n)
    tables$class$first[at(top)] <- own
    tables$class$first[at(rival)] <- 1 - own
    tables$rank <- list(
      class = codes, output = codes, rank_stability = rep(0.5, length(codes)), band = top, first = own, rival = rival,
      rival_first = 1 - own, outcome = ifelse(is_outlier, 2L, 0L)
    )
    levels <- c(levels, list(rival = bands, outcome = c("sure", "open", "outlier")))
  }
  bridge_check("check_stability", tables, levels, facts, if (length(outlier) > 0) FALSE)
}

made_randomization <- function(layers = c("dense", "outer/inner", "conv"), classes = land_covers, cascade = TRUE,
                               repeats = 3) {
  columns <- crossed(step = c(0, seq_along(layers)), class = seq_along(c(classes, "all")) - 1, measure = 0:2)
  n <- length(columns$step)
  estimate <- pmax(1 - columns$step * (0.2 + 0.15 * scattered(n)), -1)
  half <- if (repeats > 1) ifelse(columns$step == 0, 0, 0.15) else NaN
  table <- c(
    list(step = columns$step, layer = columns$step), columns[c("class", "measure")],
    list(estimate = estimate, conf_low = estimate - half, conf_high = estimate + half, n = rep(as.integer(repeats), n))
  )
  levels <- list(
    layer = c("trained model", layers), class = c(classes, "all"),
    measure = c("spearman_rho", "kendall_tau", "share_overlap")
  )
  facts <- list(
    method = "deepshap", cascade = cascade, repeats = as.integer(repeats), chance_high = if (cascade) 0.4, images = 24L
  )
  bridge_check("check_randomization", list(similarity = table), levels, facts)
}

made_deletion <- function(bands = few_bands, classes = land_covers, removed = 0:4,
                          measures = c("probability", "fidelity"), intervals = TRUE) {
  columns <- crossed(
    class = seq_along(c(classes, "all")) - 1, measure = seq_along(measures) - 1, order = 0:2, at = seq_along(removed)
  )
  n <- length(columns$at)
  gone <- removed[columns$at]
  part <- gone / max(removed)
  estimate <- 0.9 - 0.7 * part^c(0.4, 1, 2.5)[columns$order + 1] - (columns$measure == 1)
  half <- if (intervals) 0.08 * part + 0.02 else NaN
  band <- ifelse(
    columns$order == 1 | columns$class == length(classes) | gone == 0, -1L, (gone + columns$class) %% length(bands)
  )
  curve <- c(columns[c("order", "class")], list(removed = as.integer(gone), band = as.integer(band)))
  curve <- c(curve, columns["measure"], list(
    estimate = estimate, conf_low = estimate - half, conf_high = estimate + half, n = rep(8L, n)
  ))
  area <- crossed(class = seq_along(c(classes, "all")) - 1, measure = seq_along(measures) - 1)
  size <- 0.2 * scattered(length(area$class)) - 0.02
  area <- c(area, list(
    area = size, conf_low = size - if (intervals) 0.05 else NaN, conf_high = size + if (intervals) 0.05 else NaN,
    n = rep(8L, length(size))
  ))
  levels <- list(
    order = c("importance", "random", "reverse"), class = c(classes, "all"), band = bands, measure = measures
  )
  facts <- list(method = "deepshap", replacement = "background", orders = 24L, every_order = FALSE, n = 24L)
  bridge_check("check_deletion", list(curve = curve, area = area), levels, facts, TRUE)
}

made_null <- function(classes = land_covers, all_outputs = FALSE, method = "deepshap", failed = FALSE) {
  columns <- crossed(
    class = seq_along(classes) - 1, output = if (all_outputs) seq_along(classes) - 1 else 0, role = 0:3
  )
  if (!all_outputs) {
    columns$output <- columns$class
  }
  n <- length(columns$role)
  expected <- c(0, 1, 1, 2)[columns$role + 1] * (1 + columns$class) / 2
  importance <- expected + if (failed) 0.3 * (columns$role == 0) else 0
  unknown <- columns$role == 3 & method == "occlusion"
  expected[unknown] <- NaN
  outcome <- ifelse(unknown, -1L, as.integer(importance == expected))
  table <- c(columns, list(
    band = c(4L, 0L, 5L, 0L)[columns$role + 1], importance = importance, expected = expected,
    difference = importance - expected, tolerance = rep(1e-4, n), outcome = outcome, n = rep(8L, n)
  ))
  levels <- list(
    class = classes, output = classes, role = c("noise", "original", "copy", "both"),
    band = c(few_bands, "noise", "red (copy)"), outcome = c("failed", "passed")
  )
  facts <- list(method = method, statistic = "band_sum", output = "logit", duplicate = "red", n = 24L)
  bridge_check("check_null", list(role = table), levels, facts, !failed)
}

made_plausibility <- function(units = c("pixel", "image")) {
  columns <- crossed(absent = 0:2, unit = seq_along(units) - 1)
  auc <- c(0.91, 0.83, 0.52, 0.49, 0.57, 0.66)[columns$absent * 2 + columns$unit + 1]
  numbers <- list(auc = auc, std_error = rep(0.02, length(auc)), conf_low = auc - 0.04, conf_high = auc + 0.04)
  table <- c(columns, numbers, list(n = rep(120L, length(auc))))
  levels <- list(absent = c("marginal", "conditional", "nearest"), unit = units)
  facts <- list(background_source = "background", n = 120L, folds = 5L, seed = 0L)
  bridge_check("check_plausibility", list(absent = table), levels, facts, NULL)
}
