# The checks, against the real core.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

small_result <- function(..., method = "saliency") {
  band_importance(small_model(), images(), labels(), method = method, ...)
}

expect_check <- function(check, name, columns) {
  expect_s3_class(check, c(name, "band_check"), exact = TRUE)
  expect_named(check$tables, names(columns))
  for (level in names(columns)) {
    table <- tidy(check, level)
    expect_identical(as.data.frame(check, level = level), as.data.frame(table))
    expect_identical(vapply(table, function(column) class(column)[[1]], ""), columns[[level]])
  }
  expect_false(holds_live_objects(check))
  file <- withr::local_tempfile()
  saveRDS(check, file)
  expect_identical(readRDS(file), check)
  expect_output(print(check), name)
  expect_output(print(summary(check)), name)
  expect_identical(nrow(glance(check)), 1L)
  expect_documented(setdiff(names(glance(check)), c("check", "passed")))
  expect_s3_class(ggplot2::ggplotGrob(autoplot(check)), "gtable")
}

# Every column of glance() is told what it means, on the page of checks.
expect_documented <- function(facts) {
  file <- test_path("..", "..", "man", "band_check.Rd")
  page <- if (file.exists(file)) tools::parse_Rd(file) else tools::Rd_db("bandlens")[["band_check.Rd"]]
  text <- paste(utils::capture.output(tools::Rd2txt(page, options = list(underline_titles = FALSE))), collapse = "\n")
  text <- sub(".*What glance tells", "", text)
  missing <- facts[!vapply(facts, function(fact) grepl(paste0("\\b", fact, "\\b"), text), NA)]
  expect_identical(missing, character())
}

of <- function(type, names) stats::setNames(rep(type, length(names)), names)

back_from_python <- function(result) {
  module <- bridge()
  as_band_importance(module[["_importance"]](module[["_result"]](as_result(result))))
}

test_that("a result that goes to Python comes back as it was", {
  skip_without_python()
  results <- list(
    c(landsat_result()), # with the columns of this version
    small_result(target = "all", method = "deepshap", n_background = 3),
    small_result(wavelengths = c(480, 560, NA, 800), groups = list(visible = 1:2)),
    small_result(method = "expected_gradients", n_samples = 4),
    small_result(method = "permutation", metric = function(true, predicted) mean(true == predicted), n_repeats = 2)
  )
  for (result in results) {
    expect_equal(back_from_python(result), result, tolerance = 1e-12)
  }
})

test_that("compare_importance() compares results as they are", {
  skip_without_python()
  one <- small_result()
  other <- small_result(method = "occlusion")
  check <- compare_importance(one, other, resamples = 50)
  expect_check(check, "compare_importance", list(class = c(
    of("ordered", c("first", "second", "class", "output", "measure")),
    of("numeric", c("estimate", "std_error", "conf_low", "conf_high")), n = "integer"
  )))
  table <- tidy(check)
  expect_identical(levels(table$class), c(classes, "all"))
  expect_identical(levels(table$measure), c("kendall_tau", "spearman_rho", "top_overlap"))
  expect_identical(levels(table$first), c("saliency", "occlusion"))
  expect_identical(is.na(table$output), table$class == "all")
  # Kendall's tau of the two tables, by R
  tau <- function(class) {
    stats::cor(tidy(one)$importance[tidy(one)$class == class], tidy(other)$importance[tidy(other)$class == class],
      method = "kendall"
    )
  }
  found <- table$estimate[table$measure == "kendall_tau" & table$class != "all"]
  expect_equal(found, vapply(classes, tau, numeric(1)), ignore_attr = TRUE)
  expect_identical(check$passed, NA)
  expect_true(check$facts$same_resamples)
  expect_equal(glance(check)[c("top", "resamples", "seed")], tibble::tibble(top = 3L, resamples = 50L, seed = 0L))
})

test_that("results are called as the user calls them", {
  skip_without_python()
  one <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
  names_of <- function(...) levels(tidy(compare_importance(..., resamples = 2))$second)
  expect_identical(names_of(one, one), c("deepshap 1", "deepshap 2"))
  expect_identical(names_of(mine = one, "{hers}" = one), c("mine", "{hers}"))
  expect_identical(names_of(one, one, names = c("a", "b")), c("a", "b"))
  expect_identical(names_of(mine = one, one), c("mine", "result 2"))
})

test_that("check_stability() takes the arguments of band_importance()", {
  skip_without_python()
  check <- check_stability(
    small_model(), images(), labels(),
    background = images(20, seed = 2), n_background = 4, wavelengths = c(480, 560, 660, NA), backgrounds = 2,
    resamples = 20
  )
  ranks <- of("numeric", c("rank_low", "rank_high", "first"))
  expect_check(check, "check_stability", list(
    class = c(
      of("ordered", c("class", "output", "band")), of("numeric", c(
        "wavelength", "importance", "share", "std_error_images", "std_error_background", "std_error", "conf_low",
        "conf_high", "share_low", "share_high"
      )), rank = "integer", ranks
    ),
    rank = c(
      of("ordered", c("class", "output")), of("numeric", c("rank_stability", "conf_low", "conf_high")), n = "integer",
      band = "ordered", first = "numeric", rival = "ordered", rival_first = "numeric", outcome = "ordered"
    )
  ))
  expect_identical(levels(tidy(check)$band), bands)
  result <- band_importance(small_model(), images(), labels(), background = images(20, seed = 2), n_background = 4)
  expect_identical(tidy(check)$importance, tidy(result)$importance)
  expect_identical(check$facts$resampled, c("images", "background"))

  grouped <- check_stability(
    small_model(), images(), as.integer(labels()),
    method = "occlusion", replacement = "zero", groups = list(visible = 1:3), classes = classes,
    backgrounds = 2, resamples = 4
  )
  expect_identical(levels(tidy(grouped)$band), c("visible", "nir"))
  expect_identical(levels(tidy(grouped)$class), classes)
})

test_that("check_randomization() randomises a copy", {
  skip_without_python()
  before <- small_model()$get_weights()
  check <- check_randomization(small_model(), images(), labels(), method = "saliency", layers = 2, repeats = 2)
  expect_check(check, "check_randomization", list(similarity = c(
    step = "integer", of("ordered", c("layer", "class", "measure")),
    of("numeric", c("estimate", "conf_low", "conf_high")), n = "integer"
  )))
  expect_identical(small_model()$get_weights(), before)
  table <- tidy(check)
  expect_identical(levels(table$layer)[c(1, nlevels(table$layer))], c("trained model", "first"))
  expect_identical(levels(table$measure), c("spearman_rho", "kendall_tau", "share_overlap"))
  expect_identical(unique(table$n), 2L)

  alone <- check_randomization(
    small_path(), images(), labels(),
    method = "saliency", cascade = FALSE, layers = "first", repeats = 1
  )
  expect_identical(levels(tidy(alone)$layer), c("trained model", "first"))
  expect_identical(alone$passed, NA)
})

test_that("check_plausibility() compares ways to fill absent bands", {
  skip_without_python()
  check <- check_plausibility(small_model(), images(), folds = 2, pixels = 4, seed = 1)
  columns <- c(
    of("ordered", c("absent", "unit")), of("numeric", c("auc", "std_error", "conf_low", "conf_high")), n = "integer"
  )
  expect_check(check, "check_plausibility", list(
    absent = columns, removed = append(columns, c(removed = "integer"), after = 2)
  ))
  expect_identical(check$passed, NA)
  expect_match(check$verdict[[1]], "absent = \"marginal\"", fixed = TRUE)
  expect_identical(levels(tidy(check)$absent), c("marginal", "conditional", "nearest"))
  alone <- check_plausibility(small_model(), images(), absent = "nearest", folds = 2, pixels = 4)
  expect_identical(unique(as.character(tidy(alone)$absent)), "nearest")
  expect_error(check_plausibility(small_model(), images(), absent = "none"), "not among those allowed")
})

test_that("absent bands may depend on those that are there", {
  skip_without_python()
  result <- band_importance(
    small_model(), images(), labels(), method = "occlusion", absent = "conditional", n_background = 5
  )
  expect_match(format(result), "absent bands given the others", all = FALSE)
  expect_match(autoplot(result)$labels$subtitle, "absent bands given the others")
  deletion <- check_deletion(small_model(), result, images(), labels(), absent = "nearest", orders = 4)
  expect_identical(deletion$facts$absent, "nearest")
  expect_match(gsub("\n", " ", autoplot(deletion)$labels$subtitle), "absent bands of the nearest pixels")
  together <- band_interactions(small_model(), images(), labels(), absent = "conditional", n_background = 5)
  expect_identical(together$absent, "conditional")
  expect_match(format(together), "absent bands given the others", all = FALSE)
  expect_error(band_interactions(small_model(), images(), labels(), absent = "never"), "absent")
})

test_that("check_null() counts bands from 1", {
  skip_without_python()
  null <- function(...) check_null(small_model(), images(), labels(), method = "saliency", ...)
  check <- null(duplicate = 4)
  expect_check(check, "check_null", list(role = c(
    of("ordered", c("class", "output", "role", "band")),
    of("numeric", c("importance", "expected", "difference", "tolerance")), outcome = "ordered", n = "integer"
  )))
  expect_true(check$passed)
  expect_identical(check$facts$duplicate, "nir")
  expect_identical(null(duplicate = "green")$facts$duplicate, "green")
  expect_identical(levels(tidy(check)$band), c(bands, "noise", "nir (copy)"))
})

test_that("check_deletion() follows what a result says", {
  skip_without_python()
  result <- small_result()
  check <- check_deletion(small_model(), result, images(), orders = 6, n_background = 2)
  expect_check(check, "check_deletion", list(
    curve = c(
      of("ordered", c("order", "class")), removed = "integer", of("ordered", c("band", "measure")),
      of("numeric", c("estimate", "conf_low", "conf_high")), n = "integer"
    ),
    area = c(
      of("ordered", c("class", "measure")), of("numeric", c("area", "conf_low", "conf_high")), n = "integer"
    )
  ))
  # bands go in the order of their ranks
  curve <- tidy(check)
  curve <- curve[curve$order == "importance" & curve$class == "water" & curve$measure == "accuracy", ]
  water <- tidy(result)[tidy(result)$class == "water", ]
  expect_identical(as.character(curve$band), c(NA, as.character(water$band[order(water$rank)])))

  deletion <- function(...) tidy(check_deletion(small_model(), result, images(), ..., orders = 6, n_background = 2))
  expect_identical(deletion(as.integer(labels())), tidy(check))
  expect_identical(deletion(as.character(labels())), tidy(check))
  expect_identical(deletion(labels(), batch_size = 5)[1:5], tidy(check)[1:5])
  expect_identical(levels(deletion(replacement = "zero", output = "logit")$measure)[[1]], "logit")

  grouped <- check_deletion(small_model(), small_result(groups = list(visible = 1:3)), images(), steps = 1)
  expect_identical(levels(tidy(grouped)$band), c("visible", "nir"))
  renamed <- check_deletion(small_model(), small_result(bands = c("a", "b", "c", "d")), images(), steps = 2)
  expect_identical(levels(tidy(renamed)$band), c("a", "b", "c", "d"))
})

test_that("the `y` of a regression holds values, also in checks", {
  skip_without_python()
  model <- python("lambda x: __import__('tensorflow').reduce_mean(x, axis=(1, 2))[:, :1] * 3.0")
  y <- seq(-1, 2, length.out = 12)
  check <- check_stability(model, images(), y, method = "permutation", n_repeats = 2, resamples = 4, backgrounds = 2)
  expect_identical(levels(tidy(check)$class), "all")
  result <- band_importance(model, images(), method = "occlusion")
  deletion <- check_deletion(model, result, images(), orders = 4)
  expect_identical(tidy(check_deletion(model, result, images(), y, orders = 4)), tidy(deletion))
  expect_error(check_deletion(model, result, images(), y[-1], orders = 4), "one finite number per image")
  expect_identical(levels(tidy(deletion)$measure), "fidelity")
  expect_s3_class(ggplot2::ggplotGrob(autoplot(deletion)), "gtable")
  expect_s3_class(ggplot2::ggplotGrob(autoplot(compare_importance(result, result, resamples = 2))), "gtable")
})

test_that("checks print what was found", {
  skip_without_python()
  result <- readRDS(system.file("extdata", "landsat_importance.rds", package = "bandlens"))
  expect_snapshot({
    compare_importance(one = result, other = result, resamples = 20)
    made_stability()
    made_randomization()
    made_deletion()
    made_null()
  })
})

test_that("arguments of checks that don't fit are named, counted from 1", {
  skip_without_python()
  result <- small_result()
  expect_snapshot(error = TRUE, {
    compare_importance(result)
    compare_importance(result, tidy(result))
    compare_importance(result, result, resample = 10)
    compare_importance(result, small_result(bands = letters[1:4]))
    compare_importance(result, result, top = 4)
    compare_importance(result, result, names = c("a", "a"))
    check_stability(small_model(), images(), labels(), 5)
    check_stability(small_model(), images(), labels(), backgrounds = 1)
    check_stability(small_model(), images(), labels(), method = "saliency", resample = 10)
    check_stability(small_model(), images(), labels() == "water", seed = -1)
    check_randomization(small_model(), images(), labels(), target = "predicted")
    check_randomization(small_model(), images(), labels(), cascade = "yes")
    check_null(small_model(), images(), labels(), duplicate = 0)
    check_null(small_model(), images(), labels(), duplicate = 5)
    check_null(small_model(), images(), labels(), groups = list(visible = 1:3))
    check_deletion(small_model(), images(), labels())
    check_deletion(small_model(), result, images()[1:5, , , ])
    check_deletion(small_model(), result, images(seed = 2))
    check_deletion(small_model(), result, images(), replacement = "noise")
    check_deletion(small_model(), result, images(), labels(), 3)
  })
})

test_that("layers that are none are named", {
  skip_without_python()
  error <- error_of(check_randomization(small_model(), images(), labels(), layers = "last"))
  expect_s3_class(error, "bandlens_error_option")
  expect_match(error$parent$expected, "first, ", fixed = TRUE)
  expect_identical(error$parent$given, "\"last\"")
})

test_that("the progress of a check is told", {
  skip_without_python()
  seen <- NULL
  report <- function(done, total) seen <<- rbind(seen, c(done, total))
  call_bridge("check_null", small_model(), images(), NULL, list(method = "saliency", seed = 0L), report)
  expect_identical(seen[nrow(seen), ], c(2L, 2L))
})

test_that("a result that is not complete is named", {
  skip_without_python()
  result <- small_result()
  result$scores <- NULL
  expect_error(compare_importance(result, result), "not complete", class = "bandlens_error_result")
})
