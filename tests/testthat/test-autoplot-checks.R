# Pictures of the checks: what they show, from plain tables, so nothing here needs Python.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

# Names of what is drawn in colours, in the order of the legend.
keys <- function(plot) as.vector(unname(plot$scales$get_scales("colour")$get_labels()))

test_that("pictures of comparisons stay as they are", {
  expect_picture("comparison", autoplot(made_comparison()))
  expect_picture("comparison, one column", autoplot(made_comparison(), width = 85))
  expect_picture("comparison of all outputs", autoplot(made_comparison(c("deepshap", "lime"), all_outputs = TRUE)))
  expect_picture("comparison of six results", autoplot(made_comparison(paste("seed", 1:6)), width = 85))
})

test_that("pictures of stability stay as they are", {
  expect_picture("stability", autoplot(made_stability(single = TRUE)))
  expect_picture("stability, one column", autoplot(made_stability(), width = 85))
  many <- made_stability(paste0("b", 1:60), wavelengths = seq(400, 2400, length.out = 60))
  expect_picture("stability of 60 bands", autoplot(many))
})

test_that("pictures of randomisation stay as they are", {
  expect_picture("randomisation", autoplot(made_randomization()))
  expect_picture("randomisation, one column", autoplot(made_randomization(), width = 85))
  expect_picture("randomisation one by one by class", autoplot(made_randomization(cascade = FALSE), by = "class"))
})

test_that("pictures of deletion stay as they are", {
  expect_picture("deletion", autoplot(made_deletion()))
  expect_picture("deletion, one column", autoplot(made_deletion(), width = 85, measure = "fidelity"))
  in_steps <- made_deletion(paste0("b", 1:60), removed = seq(0, 60, by = 3))
  expect_picture("deletion of 60 bands", autoplot(in_steps))
})

test_that("pictures of null bands stay as they are", {
  expect_picture("null", autoplot(made_null(failed = TRUE)))
  expect_picture("null of occlusion, one column", autoplot(made_null(method = "occlusion"), width = 85))
})

test_that("pictures of plausibility stay as they are", {
  expect_picture("plausibility", autoplot(made_plausibility()))
})

test_that("no picture of a check warns", {
  checks <- list(
    made_plausibility(), made_plausibility("pixel"),
    made_comparison(intervals = FALSE), made_comparison(negative = TRUE), made_comparison(classes = character()),
    made_comparison(paste("a long name of a result", 1:20)), made_comparison(all_outputs = TRUE),
    made_stability(paste0("b", 1:200), paste("land cover", 1:20)), made_stability(all_outputs = TRUE),
    made_stability(classes = "water", single = TRUE), made_stability(background = FALSE),
    made_randomization(paste0("block", 1:60, "/conv")), made_randomization(repeats = 1),
    made_deletion(classes = "water", intervals = FALSE), made_deletion(measures = "fidelity"),
    made_deletion(paste0("b", 1:200), paste("land cover", 1:12), removed = seq(0, 200, by = 10)),
    made_null(all_outputs = TRUE, method = "occlusion"), made_null(paste("land cover", 1:20))
  )
  for (check in checks) {
    for (width in c(85, 175)) {
      expect_no_warning(ggplot2::ggplotGrob(autoplot(check, width = width)))
    }
  }
})

test_that("a comparison has a row per class, a panel per measure and a colour per pair", {
  check <- made_comparison()
  plot <- autoplot(check)
  expect_identical(y_labels(plot), c("water", "forest", "city", "all classes"))
  expect_identical(strips(plot), c("Kendall's tau", "Spearman's rho", "Top-3 overlap"))
  expect_identical(keys(plot), c("DeepSHAP and Saliency", "DeepSHAP and my own", "Saliency and my own"))
  points <- drawn(plot, 4)
  expect_setequal(points$x, tidy(check)$estimate)
  # the first class is on top, and in it the first pair
  first <- tidy(check)
  first <- first[first$class == "water" & first$measure == "kendall_tau", ]
  panel <- points[points$PANEL == 1, ]
  expect_equal(panel$x[order(-panel$y)][1:3], first$estimate)
  lines <- drawn(plot, 3)
  expect_equal(sort(lines$xmin), sort(tidy(check)$conf_low))
  expect_match(plot$labels$subtitle, "lines: 95 % bootstrap interval over images", fixed = TRUE)
  expect_match(autoplot(made_comparison(intervals = FALSE))$labels$subtitle, "no interval", fixed = TRUE)
})

test_that("panels of a comparison reach as far as a measure can", {
  extent <- function(plot, panel) ggplot2::ggplot_build(plot)$layout$panel_params[[panel]]$x.range
  expect_lt(extent(autoplot(made_comparison(negative = TRUE)), 1)[[1]], -1)
  expect_gt(extent(autoplot(made_comparison(intervals = FALSE)), 1)[[1]], -0.1)
})

test_that("many results are a matrix of one measure over all classes", {
  check <- made_comparison(paste("seed", 1:5))
  plot <- autoplot(check, measure = "top_overlap")
  expect_identical(x_labels(plot), paste("seed", 1:4))
  expect_identical(y_labels(plot), paste("seed", 5:2))
  shown <- tidy(check)
  shown <- shown[shown$class == "all" & shown$measure == "top_overlap", ]
  expect_setequal(drawn(plot, 2)$label, sprintf("%.2f", shown$estimate))
  scale <- plot$scales$get_scales("fill")
  expect_identical(scale$limits, c(0, 1))
  expect_identical(autoplot(check)$scales$get_scales("fill")$limits, c(-1, 1))
  expect_identical(autoplot(check)$labels$fill, "Kendall's tau")
})

test_that("stability shows shares in per cent, and how often a band is first", {
  check <- made_stability(single = TRUE)
  plot <- autoplot(check)
  table <- tidy(check)
  expect_equal(drawn(plot)$y, 100 * table$share)
  known <- table[!is.na(table$share_low), ]
  expect_equal(drawn(plot, 3)$ymax, 100 * known$share_high)
  often <- known[known$first > 0, ]
  expect_identical(drawn(plot, 4)$label, sprintf("%.0f", 100 * often$first))
  expect_match(plot$labels$subtitle, "10 background images drawn 4 times\nlines: 95 % interval over images and backgr")
  expect_identical(unique(drawn(plot)$colour), unname(band_colours(few_bands)))
  alone <- autoplot(made_stability(classes = "water", single = TRUE))
  expect_match(alone$labels$subtitle, "no interval from single images", fixed = TRUE)
})

test_that("randomisation has the layers in order, by the ends of their paths", {
  plot <- autoplot(made_randomization())
  expect_identical(x_labels(plot), c("trained model", "dense", "inner", "conv"))
  expect_identical(keys(plot), unname(similarity_names))
  expect_match(plot$labels$subtitle, "dashed: 95 % of Spearman's rho by chance", fixed = TRUE)
  expect_identical(plot$labels$x, "Layers randomised, from the output down to")
  by_class <- autoplot(made_randomization(), by = "class", measure = "kendall_tau")
  expect_identical(keys(by_class), land_covers)
  expect_match(by_class$labels$subtitle, "Kendall's tau of importances", fixed = TRUE)
  alone <- autoplot(made_randomization(cascade = FALSE))
  expect_identical(alone$labels$x, "Layers randomised, alone")
  expect_length(alone$layers, length(plot$layers) - 2)
  expect_lt(sum(nzchar(x_labels(autoplot(made_randomization(paste0("layer", 1:100)))))), 60)
})

test_that("deletion names the bands, the classes and the areas", {
  check <- made_deletion()
  plot <- autoplot(check)
  area <- tidy(check, "area")
  area <- area[area$measure == "probability", ]
  expect_identical(strips(plot)[[1]], sprintf(
    "water (n = 8)\narea %.2f (%.2f to %.2f)", area$area[[1]], area$conf_low[[1]], area$conf_high[[1]]
  ))
  named <- tidy(check)
  named <- named[named$measure == "probability" & named$order == "importance" & !is.na(named$band), ]
  expect_identical(drawn(plot, 4)$label, as.character(named$band))
  expect_identical(plot$labels$title, "Removing bands one after the other")
  ribbon <- drawn(plot)
  expect_lte(max(ribbon$ymax), 1)
  expect_gte(min(ribbon$ymin), 0)

  steps <- autoplot(made_deletion(paste0("b", 1:9), removed = c(0, 3, 6, 9)))
  expect_identical(x_labels(steps), c("0", "3", "6", "9"))
  expect_identical(steps$labels$title, "Removing bands in steps")
})

test_that("null bands stand in rings where something is expected", {
  plot <- autoplot(made_null(method = "occlusion"))
  expect_identical(nrow(drawn(plot, 2)), 9L)
  expect_identical(nrow(drawn(plot, 3)), 12L)
  expect_identical(keys(plot), c("passed", "nothing expected"))
  expect_identical(y_labels(plot), rev(land_covers))
  expect_identical(gsub("\n", " ", strips(plot)), c(
    "noise, ignored by the model", "red, next to its copy", "copy of red", "red and copy together"
  ))
  expect_identical(keys(autoplot(made_null(failed = TRUE))), c("passed", "failed"))
  expect_identical(y_labels(autoplot(made_null(all_outputs = TRUE)))[[9]], "water -> water")
})

test_that("options of a picture that don't fit are named", {
  expect_snapshot(error = TRUE, {
    autoplot(made_comparison(), measure = "overlap")
    autoplot(made_stability(), measure = "share")
    autoplot(made_randomization(), by = "band")
    autoplot(made_randomization(classes = paste("class", 1:9)), by = "class")
    autoplot(made_deletion(), measure = "accuracy")
    autoplot(made_null(), width = "wide")
  })
})

test_that("the picture of stability says where resamples contradict the table", {
  said <- autoplot(made_stability(outlier = land_covers[2:3]))$labels$subtitle
  start <- "\nresamples contradict the table's first band for: "
  expect_match(said, paste0(start, land_covers[[2]], ", "), fixed = TRUE)
  expect_no_match(autoplot(made_stability(outlier = character()))$labels$subtitle, "contradict")
  expect_no_match(autoplot(made_stability())$labels$subtitle, "contradict")
})

test_that("bands of inputs and steps are called as cells are", {
  value <- made_stability(bands = c("VV", "VH", "slope"))
  table <- value$tables$class
  value$tables$class <- tibble::tibble(
    table[1:2],
    input = factor(ifelse(table$band == "slope", "terrain", "sar"), c("sar", "terrain"), ordered = TRUE),
    table["band"], time = as.Date(ifelse(table$band == "slope", NA, dates[[2]])), table[-(1:3)]
  )
  expect_identical(x_labels(autoplot(value)), c("sar: VV at\n2024-05-01", "sar: VH at\n2024-05-01", "terrain: slope"))
})
