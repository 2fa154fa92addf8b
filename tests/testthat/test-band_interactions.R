# Interactions of bands: what becomes of R's arguments, of what comes back, and the pictures.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

test_that("a product is an interaction, and nothing else", {
  skip_without_python()
  product <- function(x) {
    levels <- apply(x, c(1, 4), mean)
    levels[, "red"] * levels[, "nir"]
  }
  x <- images()
  zero <- 0 * x[1, , , , drop = FALSE]
  together <- band_interactions(product, x, background = zero, task = "regression", index = "stii")
  expect_s3_class(together, "band_interactions")
  expect_false(holds_live_objects(together))
  expected <- unname(apply(x[, , , 3], 1, mean) * apply(x[, , , 4], 1, mean))
  own <- tidy(together, "image")
  expect_named(own, c("image", "class", "output", "band_1", "band_2", "interaction"))
  pair <- own$band_1 == "red" & own$band_2 == "nir"
  expect_equal(own$interaction[pair], expected, tolerance = 1e-5)
  expect_identical(own$image[pair], 1:12)
  expect_true(all(abs(own$interaction[!pair]) < 1e-6))
  expect_true(all(abs(tidy(together, order = 1)$interaction) < 1e-6))
  row <- tidy(together)[tidy(together)$rank == 1, ]
  expect_equal(row$interaction, mean(expected), tolerance = 1e-5)
  expect_equal(row$se_images, stats::sd(expected) / sqrt(12), tolerance = 1e-5)
  expect_lt(glance(together)$completeness, 1e-5)
  expect_match(format(summary(together))[[6]], "red x nir", fixed = TRUE)
})

test_that("tables are those of Python, and say what they are", {
  skip_without_python()
  together <- band_interactions(
    small_model(), images(), labels(),
    order = 3, n_background = 5, groups = list(visible = c("blue", "green")), target = "all", index = "k-sii"
  )
  expect_identical(together$bands, c("visible", "red", "nir"))
  columns <- c(
    "interaction", "importance", "rank", "std_error", "conf_low", "conf_high", "n", "se_images", "se_background"
  )
  for (order in 1:3) {
    names <- paste0("band_", seq_len(order))
    table <- tidy(together, order = order)
    expect_named(table, c("class", "output", names, columns))
    expect_identical(levels(table$band_1), together$bands)
    expect_s3_class(table$band_1, "ordered")
    own <- stats::aggregate(
      tidy(together, "image", order = order)["interaction"],
      tidy(together, "image", order = order)[c("class", "output", names)], mean
    )
    both <- merge(table, own, by = c("class", "output", names))
    expect_equal(both$interaction.x, both$interaction.y)
    expect_equal(nrow(both), nrow(table))
    overall <- tidy(together, "overall", order = order)
    expect_identical(unique(as.character(overall$class)), "all")
    expect_identical(unique(overall$n), 12L)
  }
  expect_identical(tidy(together), tidy(together, order = 3))
  # all sets of an image sum to what sets its output apart
  total <- apply(together$scores, 1:2, sum)
  expect_equal(total, unname(together$output_values - together$base_values), tolerance = 1e-4, ignore_attr = TRUE)
  expect_identical(as.data.frame(together, order = 1), as.data.frame(tidy(together, order = 1)))
})

test_that("what does not fit is refused", {
  x <- images()
  expect_error(band_interactions("a.keras", x, order = 0), class = "bandlens_error_option")
  expect_error(band_interactions("a.keras", x, index = "shapley"), class = "bandlens_error_option")
  expect_error(band_interactions("a.keras", x, odrer = 2), class = "bandlens_error_option")
  made <- made_interactions()
  error <- error_of(tidy(made, order = 3))
  expect_match(error$parent$expected, "order 1 to 2")
  expect_error(autoplot(made, top = 3), class = "bandlens_error_option")
  expect_error(autoplot(made, "network", values = TRUE), class = "bandlens_error_option")
  expect_error(autoplot(made, classes = "city"), class = "bandlens_error_option")
  expect_error(autoplot(made_interactions(order = 1)), class = "bandlens_error_result")
  skip_without_python()
  error <- error_of(band_interactions(small_model(), x, order = 4))
  expect_match(conditionMessage(error$parent), "whole number from 1 to 3")
  error <- error_of(band_interactions(small_model(), x, max_exact = 3))
  expect_s3_class(error, "bandlens_error_bands")
  expect_match(error$parent$fix, "groups")
})

test_that("results say what they are", {
  local_reproducible_output(width = 120)
  expect_snapshot(print(made_interactions()))
  expect_snapshot(print(made_interactions(5, 2, order = 3, all_outputs = TRUE), n = 3))
  expect_snapshot(print(summary(made_interactions(), top = 2)))
  expect_snapshot(glance(made_interactions())[1:9])
})

test_that("pictures stay as they are", {
  expect_picture("interactions", autoplot(made_interactions()))
  expect_picture("interactions of 13 bands, without main effects", autoplot(made_interactions(13, 2), main = FALSE))
  expect_picture("network", autoplot(made_interactions(), "network"))
  expect_picture(
    "network of 13 bands, one column",
    autoplot(made_interactions(13, 4), "network", classes = "land cover 2", top = 12, width = 85)
  )
})

test_that("tiles are symmetric, with main effects between them", {
  made <- made_interactions()
  tiles <- autoplot(made)$data
  expect_equal(nrow(tiles), 3 * 16)
  for (panel in levels(tiles$panel)) {
    own <- tiles[tiles$panel == panel, ]
    matrix <- tapply(own$value, list(own$band, own$other), sum)
    expect_equal(matrix, t(matrix))
    singles <- tidy(made, order = 1)
    expect_equal(unname(diag(matrix)), singles$interaction[singles$class == panel])
  }
  expect_equal(sum(is.na(autoplot(made, main = FALSE)$data$value)), 12)
})

test_that("of several outputs and many classes, some are shown, and that is said", {
  plot <- autoplot(made_interactions(4, 3, all_outputs = TRUE))
  expect_identical(levels(plot$data$panel), paste("land cover", 1:3))
  expect_match(gsub("\n", " ", plot$labels$subtitle), "the output of each class")
  many <- autoplot(made_interactions(4, 12), "network")
  expect_match(gsub("\n", " ", many$labels$subtitle), "9 of 12 classes, those whose bands interact most")
  few <- autoplot(made_interactions(7, 2), "network", top = 4)
  expect_match(gsub("\n", " ", few$labels$subtitle), "4 of 21 pairs of a panel")
  expect_equal(nrow(few$data), 8)
})

test_that("of a model without interactions, bands are drawn without lines", {
  value <- interactions_value()
  value$rounding <- 100
  plot <- autoplot(as_band_interactions(value), "network")
  expect_equal(nrow(plot$data), 0)
  expect_equal(nrow(drawn(plot, 2)), 12)
})

test_that("a line has the colour of a sign only where its interval does not hold 0", {
  made <- made_interactions()
  table <- made$tables$class[[2]]
  table$conf_low[1:2] <- c(-1, NA)
  table$conf_high[1:2] <- c(1, NA)
  made$tables$class[[2]] <- table
  lines <- autoplot(made, "network")$data
  key <- paste(lines$class, lines$band_1, lines$band_2)
  unsure <- key %in% paste(table$class, table$band_1, table$band_2)[1:2]
  expect_identical(unique(as.character(lines$sign[unsure])), "not sure")
  sure <- lines$conf_low > 0 | lines$conf_high < 0
  expect_identical(lines$sign[!unsure & sure] == "positive", lines$interaction[!unsure & sure] > 0)
})
