test_that("results print as a short table", {
  expect_snapshot(stored_result())
  expect_snapshot(stored_result(k = 2))
})

test_that("how well local models fit is shown, and a class for which no band matters", {
  value <- bridge_value()
  value[c("residuals", "completeness", "cancellations", "cancellation")] <- list(NULL)
  value$median_local_fit <- 0.8765
  value$table$share <- array(c(NaN, NaN, 1, 0))
  expect_snapshot(summary(as_band_importance(value)))
})

test_that("summaries name the most important bands", {
  expect_snapshot(summary(stored_result()))
  expect_snapshot(summary(stored_result(k = 2), top = 1))
  expect_equal(nrow(summary(stored_result(), top = 1)$top), 2)
  expect_error(summary(stored_result(), top = 0), class = "bandlens_error_option")
})

test_that("results print in documents", {
  skip_if_not_installed("knitr")
  text <- withr::with_dir(withr::local_tempdir(), {
    environment <- list2env(list(result = stored_result()), parent = globalenv())
    knitr::knit(text = c("```{r}", "result", "```"), quiet = TRUE, envir = environment)
  })
  expect_match(text, "## Band importance by deepshap", fixed = TRUE)
  expect_no_match(text, "\033", fixed = TRUE)
})

test_that("plot() draws what autoplot() returns", {
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off())
  expect_invisible(drawn <- plot(stored_result()))
  expect_s3_class(drawn, "ggplot")
})

test_that("of many bands, the most important ones of each class are shown", {
  few <- stored_result()
  value <- bridge_value()
  n_bands <- 60
  value$bands <- sprintf("band %d", seq_len(n_bands))
  value$wavelengths <- rep(NaN, n_bands)
  value$scores <- array(0, c(4, 1, n_bands))
  value$band_means <- matrix(0, 4, n_bands)
  cells <- lapply(value$table, function(column) array(rep(column[c(1, 3)], each = n_bands)))
  cells$band <- array(rep(seq_len(n_bands) - 1L, 2))
  cells$rank <- array(c(n_bands:1, seq_len(n_bands)))
  cells$share <- array(c(seq_len(n_bands), n_bands:1) / sum(seq_len(n_bands)))
  value$table <- cells
  result <- as_band_importance(value)
  expect_snapshot(result)
  rows <- format(result, n = 4)
  expect_match(rows, "116 more rows", all = FALSE)
  expect_no_match(format(few), "Most important bands")

  value$classes <- value$outputs <- sprintf("class %d", 1:23)
  value$table <- lapply(cells, function(column) array(rep(column[seq_len(n_bands)], 23)))
  value$table$class <- value$table$output <- array(rep(0:22, each = n_bands))
  value$image_class <- value$prediction <- array(c(0L, 1L, 0L, 1L))
  expect_match(format(as_band_importance(value)), "and 3 rows more", all = FALSE)
})
