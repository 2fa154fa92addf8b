test_that("every method is a row with its options", {
  skip_without_python()
  methods <- band_methods()
  expect_s3_class(methods, "tbl_df")
  expect_named(methods, c(
    "method", "label", "meaning", "cost", "statistic", "additive", "maps", "background", "options", "reference"
  ))
  expect_identical(methods$method, c(
    "saliency", "smoothgrad", "vargrad", "gradient_x_input", "integrated_gradients", "expected_gradients", "deepshap",
    "lrp", "occlusion", "shapley", "owen", "permutation", "sage", "lime"
  ))
  expect_identical(methods$method[methods$additive], c(
    "integrated_gradients", "expected_gradients", "deepshap", "lrp", "shapley", "owen"
  ))
  expect_identical(methods$method[!methods$maps], c("occlusion", "shapley", "owen", "permutation", "sage"))
  expect_identical(
    vapply(methods$options, function(options) paste(names(options), collapse = " "), ""),
    rep("option default meaning", 14)
  )
  expect_identical(nrow(methods$options[[1]]), 0L)
  expect_identical(methods$options[[2]]$option, c("noise_level", "n_samples"))
  expect_identical(methods$options[[2]]$default, c("0.15", "50"))
  expect_match(methods$options[[12]]$meaning[[1]], "classes counted from 1", fixed = TRUE)
  expect_false(holds_live_objects(methods))
})

test_that("methods print as paragraphs, parts of the table as a table", {
  skip_without_python()
  methods <- band_methods()
  expect_snapshot(methods[methods$method %in% c("deepshap", "permutation", "saliency"), ])
  expect_output(print(methods[c("method", "label")]), "# A tibble: 14", fixed = TRUE)
  expect_output(print(tibble::as_tibble(methods)), "# A tibble: 14", fixed = TRUE)
})

test_that("every method can be called from R, and with every option's default given by name", {
  skip_without_python()
  methods <- band_methods()
  for (row in seq_len(nrow(methods))) {
    options <- methods$options[[row]]
    # as text, numbers and words alike
    defaults <- lapply(stats::setNames(options$default, options$option), utils::type.convert, as.is = TRUE)
    defaults[options$default == "NULL"] <- list(NULL)
    arguments <- c(list(small_model(), images(), labels(), method = methods$method[[row]]), defaults)
    result <- do.call(band_importance, arguments)
    expect_identical(result$statistic, methods$statistic[[row]])
    expect_identical(!is.null(result$completeness), methods$additive[[row]])
    expect_identical(!is.null(result$background), methods$background[[row]])
    expect_false(holds_live_objects(result))
    expect_identical(as.character(unique(tidy(result, "overall")$class)), "all")
    expect_setequal(names(result$options), options$option)
  }
})
