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
