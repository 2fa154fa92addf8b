# Quality of explanations: what becomes of R's arguments, and the picture.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

test_that("quality is measured for several methods", {
  skip_without_python()
  quality <- check_quality(
    small_model(), images(), labels(),
    methods = c("gradient_x_input", "saliency"), n_background = 4,
    metrics = c("sensitivity_n", "max_sensitivity", "complexity"), draws = 1
  )
  expect_s3_class(quality, c("check_quality", "band_check"))
  expect_false(holds_live_objects(quality))
  table <- tidy(quality)
  expect_named(table, c("method", "metric", "better", "value", "std_error", "conf_low", "conf_high", "n", "rank"))
  expect_identical(as.character(table$metric), rep(c("sensitivity_n", "max_sensitivity", "complexity"), 2))
  expect_identical(as.character(table$better), rep(c("higher", "lower", "lower"), 2))
  own <- tidy(band_importance(small_model(), images(), labels(), method = "saliency"), "image")
  entropy <- vapply(split(abs(own$score), own$image), function(size) -sum(size / sum(size) * log(size / sum(size))), 0)
  expect_equal(table$value[[6]], mean(entropy), tolerance = 1e-5)
  expect_true(is.na(glance(quality)$passed))
  plot <- autoplot(quality)
  expect_s3_class(ggplot2::ggplot_build(plot), "ggplot_built")
  expect_match(plot$labels$subtitle, "n = 12 images")
})

test_that("what does not suit is refused", {
  expect_error(check_quality("a.keras", images(), target = "all"), class = "bandlens_error_option")
  skip_without_python()
  expect_error(
    check_quality(small_model(), images(), metrics = "sparsenes"),
    "Did you mean", class = "bandlens_error_option"
  )
})
