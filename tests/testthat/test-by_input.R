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
