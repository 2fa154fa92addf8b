# Results that models of several inputs have for each of them.

test_that("maps of several inputs are an array for each, and together the scores", {
  skip_without_python()
  model <- fused_model()
  x <- fused_images(6)
  background <- fused_images(8, seed = 2)
  ask <- function(verb) verb(model, x, labels(6), background = background, bands = list(sar = c("VV", "VH")))
  maps <- ask(band_maps)
  expect_s3_class(maps, "by_input")
  expect_s3_class(maps$sar, "band_maps")
  expect_identical(lapply(as.array(maps), dim), list(
    optical = c(6L, 1L, 6L, 6L, 3L), sar = c(6L, 1L, 3L, 3L, 2L), weather = c(6L, 1L, 2L)
  ))
  expect_identical(dimnames(as.array(maps)$sar)[[5]], c("VV", "VH"))
  expect_identical(maps$sar$input, "sar")
  sums <- lapply(as.array(maps), function(values) apply(values, c(1, length(dim(values))), sum))
  expect_equal(do.call(cbind, sums), ask(band_importance)$scores[, 1, ], tolerance = 1e-4, ignore_attr = TRUE)
  expect_false(holds_live_objects(maps))
  expect_lt(maps$weather$completeness, 1e-4)

  table <- tidy(maps)
  expect_named(table, c(
    "image", "class", "output", "input", "row", "col", "band", "wavelength", "attribution"
  ))
  expect_identical(levels(table$input), names(x))
  expect_identical(levels(table$band), c("blue", "red", "nir", "VV", "VH", "rain", "wind"))
  own <- table[table$input == "sar", setdiff(names(table), "input")]
  expect_equal(own$attribution, tidy(maps$sar)$attribution)
  expect_identical(unique(table$row[table$input == "weather"]), NA_integer_)
  expect_identical(as.data.frame(maps), as.data.frame(table))
  listed <- band_maps(model, unname(x), labels(6), background = unname(background))
  expect_equal(unname(listed$sar$values), unname(maps$sar$values))
})

# Made-up maps of three inputs.
input_maps <- function() {
  inputs <- list(
    optical = maps_value(), sar = maps_value(c(2, 2), c("VV", "VH")), weather = maps_value(integer(), c("rain", "wind"))
  )
  for (name in names(inputs)) inputs[[name]]$input <- name
  as_by_input(list(inputs = names(inputs), results = unname(inputs)), as_band_maps)
}

test_that("an input's result is drawn beside its own images", {
  maps <- input_maps()
  x <- lapply(unclass(maps), map_pixels_of)
  expect_identical(ggplot2::ggplot_build(autoplot(maps))$plot$labels$title, "Attribution of each pixel, by band")
  expect_match(autoplot(maps, "sar", x = x)$labels$subtitle, "; input sar")
  expect_match(autoplot(maps, 2, image = 1:2, x = unname(x))$labels$subtitle, "; input sar")
  bars <- autoplot(maps, "weather", x = x)
  expect_s3_class(bars$layers[[2]]$geom, "GeomCol")
  expect_silent(ggplot2::ggplotGrob(bars))
  expect_error(autoplot(maps, "radar"), "no such input", class = "bandlens_error_option")
  expect_match(conditionMessage(error_of(autoplot(maps, "sa"))$parent), "no such input")
  expect_match(error_of(autoplot(maps, "sa"))$parent$fix, "\"sar\"")
  expect_error(autoplot(maps, 4), "no such input", class = "bandlens_error_option")
  expect_error(autoplot(maps, "sar", x = x["optical"]), "holds nothing for the input", class = "bandlens_error_input")
  expect_error(autoplot(maps, "sar", x = x$sar), "holds nothing for the input", class = "bandlens_error_input")
})

test_that("they print what there is", {
  expect_snapshot(input_maps())
})

test_that("images of features are made and found in each input", {
  skip_without_python()
  model <- fused_model()
  x <- fused_images()
  layer <- grep("^concatenate", list_layers(model)$layer, value = TRUE)[[1]]
  # two of the weather, behind four of each of the others
  expect_identical(list_layers(model)$n_features[list_layers(model)$layer == layer], 10L)
  named <- list(sar = c("VV", "VH"))
  top <- top_images(model, x, layer, 9:10, n = 3, bands = named)
  expect_s3_class(top, "by_input")
  best <- order(-x$weather[, 1])[1:3]
  expect_identical(as.vector(top$optical$index[1, ]), best)
  expect_equal(as.vector(as.array(top)$weather[1, , 1, 1, ]), as.vector(unname(x$weather)[best, ]))
  expect_equal(as.vector(as.array(top)$sar[1, 1, , , 2]), as.vector(x$sar[best[[1]], , , 2]), tolerance = 1e-6)
  expect_named(tidy(top, "band"), c("feature", "place", "image", "input", "band", "wavelength", "mean", "std"))
  found <- visualize_features(model, layer, 9, background = x, steps = 4, jitter = 0, objective = "mean_activity")
  expect_named(found, "weather")
  expect_gt(found$weather$activation_after, found$weather$activation_before)
  expect_identical(found$weather$bands, c("rain", "wind"))
  only <- visualize_features(model, layer, 9,
    background = unname(x), input = "weather", steps = 4, jitter = 0, objective = "mean_activity",
    value_range = list(weather = c(-3, 3)), bands = named, band_axis = list(sar = 4)
  )
  expect_s3_class(only, "feature_images")
  expect_identical(only$low, c(-3, -3))
  one <- top_images(model, x, layer, 9, n = 3)
  expect_silent(ggplot2::ggplotGrob(autoplot(one, "weather", found = found)))
  expect_match(autoplot(top, "sar")$labels$subtitle, "input sar")
  expect_match(autoplot(found, "weather", type = "spectrum")$labels$subtitle, "input weather, the others held")
  expect_match(format(found)[[2]], "input 'weather'")
  activations <- layer_activations(model, x, layer, 9:10)
  expect_equal(unname(as.array(activations)), unname(x$weather), tolerance = 1e-6)

  ask <- function(...) visualize_features(model, layer, 9, ..., steps = 1)
  expect_error(ask(), "several inputs: while an image", class = "bandlens_error_option")
  expect_error(ask(background = x, input = "wether"), "no such input", class = "bandlens_error_option")
  expect_error(ask(background = x, input = "optical"), "do not change with the input", class = "bandlens_error_layer")
  expect_error(ask(background = x["sar"]), "does not hold what", class = "bandlens_error_background")
  expect_error(ask(background = x, start = list(sar = "grey")), "says nothing of", class = "bandlens_error_option")
  expect_error(
    visualize_features(small_model(), "first", background = images(), input = "a", steps = 1), "has one input",
    class = "bandlens_error_option"
  )
})
