# What tests of pictures share.

# Every picture is compared with its snapshot, which holds for the series of ggplot2 it was made with.
expect_picture <- function(name, plot) {
  expect_s3_class(plot, "ggplot")
  built <- ggplot2::ggplotGrob(plot)
  expect_s3_class(built, "gtable")
  version <- utils::packageVersion("ggplot2")
  if (version >= "3.4.0" && version < "3.5.0") {
    vdiffr::expect_doppelganger(name, plot)
  }
}

drawn <- function(plot, layer = 1) ggplot2::layer_data(plot, layer)

x_labels <- function(plot) {
  labels <- ggplot2::ggplot_build(plot)$layout$panel_params[[1]]$x$get_labels()
  labels[!is.na(labels)]
}

y_labels <- function(plot) ggplot2::ggplot_build(plot)$layout$panel_params[[1]]$y$get_labels()

strips <- function(plot) {
  layout <- ggplot2::ggplot_build(plot)$layout
  unlist(layout$facet$params$labeller(layout$layout[names(layout$facet$params$facets)]), use.names = FALSE)
}

# A result with made-up scores of images, and the table that belongs to them. `outputs`: each class's own, or all.
scored <- function(classes = c("water", "forest", "city"), bands = c("red", "green", "blue", "nir"), n = c(5, 8, 3),
                   all_outputs = FALSE, wavelengths = NA, signed = TRUE) {
  n <- rep_len(n, length(classes))
  code <- rep(seq_along(classes), n)
  level <- function(codes, names) factor(names[codes], names, ordered = TRUE)
  image_output <- if (all_outputs) matrix(seq_along(classes), sum(n), length(classes), byrow = TRUE) else matrix(code)
  k <- ncol(image_output)
  scores <- array(0, c(sum(n), k, length(bands)))
  for (band in seq_along(bands)) {
    mean <- (7 * code + 5 * band + image_output * band) %% 11 / 4 - 1
    scores[, , band] <- mean + sin(seq_len(sum(n)) * (1 + band / 3)) / 3
  }
  if (!signed) scores <- abs(scores)
  wavelengths <- rep_len(as.double(wavelengths), length(bands))
  cells <- if (all_outputs) {
    expand.grid(output = seq_along(classes), class = seq_along(classes))
  } else {
    data.frame(output = seq_along(classes), class = seq_along(classes))
  }
  cells <- cells[n[cells$class] > 0, ]
  rows <- lapply(seq_len(nrow(cells)), function(cell) {
    images <- which(code == cells$class[[cell]])
    own <- scores[images, if (all_outputs) cells$output[[cell]] else 1, , drop = FALSE]
    dim(own) <- dim(own)[-2]
    importance <- colMeans(abs(own))
    error <- if (length(images) > 1) apply(abs(own), 2, stats::sd) / sqrt(length(images)) else NA_real_
    tibble::tibble(
      class = level(cells$class[[cell]], classes), output = level(cells$output[[cell]], classes),
      band = level(seq_along(bands), bands), wavelength = wavelengths, importance = importance,
      effect = if (signed) colMeans(own) else NA_real_, share = importance / sum(importance),
      rank = as.integer(rank(-importance, ties.method = "first")), std_error = error,
      conf_low = importance - 2 * error, conf_high = importance + 2 * error, n = length(images)
    )
  })
  structure(
    list(
      table = do.call(rbind, rows), scores = scores, image_class = level(code, classes), image_output = image_output,
      band_means = matrix(cos(seq_len(sum(n) * length(bands))), sum(n)), drops = NULL, classes = classes,
      outputs = classes, bands = bands, wavelengths = wavelengths, method = if (signed) "deepshap" else "saliency",
      statistic = if (signed) "band_sum" else "pixel_mean_abs", output = "logit", signed = signed, directed = FALSE,
      seed = 0L
    ),
    class = "band_importance"
  )
}

many_scored <- function(n_bands, n_classes = 3) {
  scored(
    paste("land cover", seq_len(n_classes)), paste0("band_", seq_len(n_bands)),
    n = 4, wavelengths = seq(400, 2400, length.out = n_bands)
  )
}

# The real result that is shipped.
# as 0.1.0 stored it
landsat_result <- function() readRDS(test_path("..", "fixtures", "importance_0_1_0.rds"))
