# Fields of results come and go by what the Python classes say of them (schema.csv); what is derived is named here.

# One of each kind: as the bridge gives it, the parts of that which are derived, and those that R makes of them.
kind_of_result <- function(as, value, derived, in_r = derived) {
  list(as = as, value = value, derived = derived, in_r = in_r)
}

totals <- c("completeness", "cancellation", "accuracy", "chance")
of_parts <- c(totals, "background_part", "precision_reached", "converged")
of_labels <- function(n, classes) {
  list(
    correct = array(seq_len(n) %% 2 == 0), observed = array(seq_len(n) / 4), fitted = array(seq_len(n) / 8),
    accuracy = 0.5, chance = 0.25, task = "multilabel", head = "cover", zone = "mask",
    images = array(seq_len(n) %/% 2L),
    predicted = matrix(1L, n, classes), labelled = matrix(2L, n, classes), both = matrix(0L, n, classes),
    judged = array(seq_len(n)), agreeing = array(seq_len(n))
  )
}
of_bands <- list(
  bands = c("red", "red", "nir", "nir"), inputs = c("a", "b", "b", "b"), times = c("", "", "1", "2"),
  time_kind = "number"
)
response_of_cells <- c(utils::modifyList(response_value(kind = "ice"), list(bands = of_bands$bands)), of_bands[-1])
response_of_cells$images <- array(seq_along(response_of_cells$image_class) %/% 2L)
of_cells <- list(inputs = c("a", "b"), times = c("", "2024-05-01"), time_kind = "date")
compared <- list(
  background_strata = array(c(0L, 1L, 1L)), background_strategy = "others",
  background_weights = array(c(0.25, 0.5, 0.25)), pair_images = array(c(0L, 2L)),
  pair_scores = array(seq_len(2 * ncol(bridge_value()$image_output) * 3 * 2) / 8,
    c(2, ncol(bridge_value()$image_output), 3, 2)
  ),
  pair_places = matrix(0:2, 2, 3, byrow = TRUE), precision = 0.0625, converged = TRUE,
  draw_errors = abs(bridge_value()$scores) / 8
)
# What was pooled of two runs with one class, a row over all classes, and two cells.
pooled_value <- function() {
  of_rows <- matrix(1:4 / 8, 2, 2)
  of_runs <- array(1:8 / 8, c(2, 2, 2))
  cells <- c(
    "importance", "effect", "share", "std_error", "conf_low", "conf_high", "share_low", "share_high", "p_first"
  )
  cells <- c(cells, "se_images", "se_background", "se_runs", "between_runs")
  own <- paste0("run_", c("importance", "effect", "share", "std_error"))
  columns <- list(class = array(c(0L, 0L)), output = array(c(0L, 0L)), band = array(0:1), importance = array(1:2 / 4))
  c(
    list(
      class = columns, overall = columns, run = c(list(run = array(c(0L, 0L))), columns), whole = "all",
      runs = c("a", "b"), models = c("one", "two"), classes = "water", outputs = "water",
      bands = c("B", "N"), wavelengths = c(480, NaN), method = "deepshap", statistic = "band_sum", output = "logit",
      signed = TRUE, directed = FALSE, row_class = array(c(0L, -1L)), row_output = array(c(0L, 0L)),
      row_n = array(c(3L, 4L)), rank = matrix(1:2, 2, 2, byrow = TRUE), run_n = matrix(3:4, 2, 2),
      run_accuracy = array(c(0.5, 1)), run_background = array(c(5, NaN)), run_seconds = array(c(1, 2)), n = 4L,
      same_images = TRUE, same_background = FALSE, groups = list(both = c("B", "N")), image_bands = c("B", "N"),
      task = "classification", head = "cover", zone = "mask", left_out = "city", options = list(n_samples = 50L),
      versions = list(bandlens = "0.1.0"), accuracy = 0.75, runs_part = 0.25
    ),
    stats::setNames(rep(list(of_rows), length(cells)), cells), stats::setNames(rep(list(of_runs), 4), own)
  )
}

of_where <- of_labels(4, 2)
of_where$images <- array(0:3)
made <- list(
  activation_maps = kind_of_result(as_activation_maps,
    c(where_value("band"), of_where, list(inputs = as.list(c("a", "b", "b", "b")))), c("tables", "accuracy", "chance")
  ),
  band_importance = kind_of_result(as_band_importance,
    utils::modifyList(
      bridge_value(), c(
        list(options = list(n_samples = 50L), image_bands = c("B", "N"), sums = list(band = bridge_value()$table)),
        list(zone_bands = list(one = list("B"), both = list("B", "N"))),
        of_cells, compared, of_labels(4, length(bridge_value()$classes))
      )
    ),
    c("table", "overall", "whole", "median_local_fit", "sums", of_parts),
    c("table", "overall", "median_local_fit", "sums", of_parts)
  ),
  band_interactions = kind_of_result(as_band_interactions,
    utils::modifyList(interactions_value(), c(
      compared[c("background_strata", "background_strategy", "background_weights", "pair_images")],
      list(pair_scores = array(1:60 / 8, c(2, 1, 3, 10)), groups = list(both = c("band_1", "band_2"))),
      of_labels(15, 3), completeness = 0.5
    )),
    c("tables", "whole", "accuracy", "chance", "completeness"), c("tables", "accuracy", "chance", "completeness")
  ),
  band_maps = kind_of_result(as_band_maps,
    c(maps_value(), of_labels(3, length(maps_value()$classes)), input = "a"), totals
  ),
  band_response = kind_of_result(as_band_response, response_of_cells, character()),
  band_selection = kind_of_result(as_band_selection, selection_value(),
    c("tables", "knee", "selected", "verdict", "caveat")
  ),
  counterfactual_spectra = kind_of_result(as_counterfactual_spectra, counterfactuals_value(),
    c("tables", "verdict", "caveat")
  ),
  feature_images = kind_of_result(as_feature_images, c(features_value(), input = "a"),
    c("tables", "levels", "contrast"), c("tables", "contrast")
  ),
  layer_activations = kind_of_result(as_layer_activations, activations_value(), "tables", "table"),
  layer_kernels = kind_of_result(as_layer_kernels, kernels_value(), "tables"),
  pooled_importance = kind_of_result(as_pooled_importance,
    utils::modifyList(pooled_value(), of_cells),
    c("class", "overall", "run", "whole", "accuracy", "runs_part"),
    c("table", "overall", "run_table", "accuracy", "runs_part")
  ),
  top_images = kind_of_result(as_top_images,
    utils::modifyList(top_value(), list(quantile = diag(3)[c(1:3, 1), ], input = "a")), "tables"
  ),
  wavelength_zones = kind_of_result(as_wavelength_zones, zones_value(), c("tables", "groups", "unshared_share"))
)

test_that("results have the fields that the classes say, and what is derived, and nothing else", {
  expect_setequal(names(made), unique(core_file("r", "schema.csv")$result))
  for (kind in names(made)) {
    one <- made[[kind]]
    expect_setequal(names(one$as(one$value)), c(schema_of(kind)$field, one$in_r))
  }
})

test_that("results of every kind are in Python what they are in R", {
  skip_without_python()
  bridge()
  theirs <- reticulate::import("bandlens.r.schema")
  restored <- reticulate::import("bandlens.results.schema", convert = FALSE)$restored
  all_fields <- reticulate::import("bandlens.r.conversions")$all_fields
  for (kind in names(made)) {
    one <- made[[kind]]
    result <- one$as(one$value)
    back <- all_fields(restored(theirs$result_class(kind), as_fields(result, kind)))
    expect_setequal(names(back), schema_of(kind)$field)
    back$band_axis <- one$value$band_axis # in R it is that of the values
    again <- one$as(c(back, one$value[one$derived]))
    expect_identical(again, result, label = kind)
  }
})

test_that("what the bridge gives are the fields that the classes say", {
  skip_without_python()
  found <- list()
  test <- environment()
  lapply(names(made), function(kind) {
    local_fake(paste0("as_", kind), function(value) found[[kind]] <<- value, test)
  })
  model <- small_model()
  band_importance(model, images(), method = "saliency")
  # two copies of one model, which is said
  suppressWarnings(band_importance(models = list(model, small_path()), images(), labels(), method = "saliency"))
  class_activation_maps(model, images(), labels(), by = "band", n_background = 2)
  band_maps(model, images(), method = "saliency")
  band_interactions(model, images(), labels(), n_background = 3)
  band_response(model, images(), labels())
  select_bands(model, images(), labels(), folds = 2)
  counterfactual_spectra(function(x) cbind(0.5 - rowMeans(x), rowMeans(x) - 0.5), images(), output = "logit")
  suppressWarnings(visualize_features(model, "first", steps = 2, value_range = c(0, 1), progress = FALSE))
  layer_activations(model, images(), "first")
  layer_kernels(model, "first")
  # one of the features is never active, which is said
  expect_warning(top_images(model, images(), "first", n = 2), class = "bandlens_warning_dead_feature")
  wavelength_zones(images())
  for (kind in names(made)) {
    one <- made[[kind]]
    expect_setequal(names(found[[kind]]), c(schema_of(kind)$field, one$derived))
  }
})

test_that("a field that is added to a class comes to R and goes back by itself", {
  before <- schema_of("band_importance")
  field <- data.frame(
    result = "band_importance", field = "weights", kind = "numbers", axes = "image x band", of = "", newer = "yes"
  )
  local_fake("schema_of", function(result) rbind(before, field))
  expect_identical(stored_result(), as_band_importance(bridge_value())) # which lacks it
  expect_null(stored_result()$weights)
  value <- bridge_value()
  value$weights <- matrix(c(1, NaN), 4, 2)
  result <- as_band_importance(value)
  expect_identical(result$weights, matrix(c(1, NA), 4, 2, dimnames = list(NULL, c("blue", "nir\u00e9"))))
  expect_identical(as_result(result)$weights, matrix(c(1, NaN), 4, 2))
})
