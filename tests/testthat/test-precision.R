# Precision instead of patience, and tables at any time: that R asks for them, and what it makes of the answers.

# these models were not trained
quietly <- function(expr) suppressWarnings(expr, classes = "bandlens_warning_accuracy")

test_that("every share is as precise as asked, and the result says of which images", {
  skip_without_python()
  x <- images(120)
  y <- labels(120)
  background <- images(40, seed = 2)
  explain <- function(...) quietly(band_importance(small_model(), x, y, background = background, ...))
  result <- explain(precision = 0.2)
  row <- glance(result)
  expect_true(row$converged)
  expect_lte(row$precision_reached, 0.2)
  table <- tidy(result)
  expect_equal(row$precision_reached, max((table$share_high - table$share_low) / 2))
  expect_match(format(result), "Shares known to \u00b1[0-9.]+ points \\(\u00b120 asked for\\)", all = FALSE)
  # images and background are positions in what was given
  expect_true(all(result$images %in% 1:120))
  expect_identical(unique(tidy(result, "image")$image), result$images)
  again <- quietly(band_importance(
    small_model(), x[result$images, , , ], y[result$images],
    background = background[result$background, , , ], background_per_image = result$options$background_per_image
  ))
  expect_equal(tidy(again)$share, table$share, tolerance = 1e-4)
  # pieces keep what was asked for, and files all
  file <- withr::local_tempfile()
  saveRDS(result, file)
  expect_identical(glance(readRDS(file)), row)
  expect_true(is.na(glance(explain(method = "saliency"))$converged))
})

test_that("what was not reached is a warning of its own class", {
  skip_without_python()
  warned <- NULL
  result <- withCallingHandlers(
    band_importance(small_model(), images(30), labels(30), background = images(9), precision = 0.001),
    bandlens_warning_precision = function(warning) {
      warned <<- conditionMessage(warning)
      rlang::cnd_muffle(warning)
    },
    bandlens_warning_accuracy = rlang::cnd_muffle
  )
  expect_match(warned, "Shares are known to .* points .*, not to \u00b10.1 points as asked for")
  expect_false(glance(result)$converged)
})

test_that("time alone is enough, and what can't be followed is refused", {
  skip_without_python()
  result <- quietly(band_importance(small_model(), images(60), labels(60), max_seconds = 0.01))
  expect_true(is.na(glance(result)$converged))
  expect_gt(glance(result)$precision_reached, 0)
  asked <- function(...) band_importance(small_model(), images(), labels(), ...)
  expect_error(asked(precision = 1), "0.01 is one point", class = "bandlens_error_option")
  expect_error(asked(precision = "high"), class = "bandlens_error_option")
  expect_error(asked(max_seconds = -1), "`max_seconds` must be a number", class = "bandlens_error_option")
  expect_error(
    asked(precision = 0.1, method = "permutation", metric = function(true, predicted) 0),
    "`precision` follows the intervals", class = "bandlens_error_option"
  )
  expect_error(
    check_stability(small_model(), images(), labels(), precision = 0.1), "no such option",
    class = "bandlens_error_option"
  )
})

test_that("an interrupt gives the table so far where somebody sits at the prompt, and stays one elsewhere", {
  skip_without_python()
  calls <- 0
  model <- function(x) {
    calls <<- calls + 1
    if (calls == 40) {
      signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
    }
    cbind(a = apply(x, 1, mean), b = apply(x, 1, max))
  }
  asked <- function() {
    calls <<- 0
    band_importance(
      model, images(60), factor(rep(c("a", "b"), 30)),
      method = "occlusion", n_background = 2, batch_size = 10
    )
  }
  rlang::local_interactive(TRUE)
  result <- NULL
  expect_warning(result <- quietly(asked()), "first [0-9]+ of 60 images", class = "bandlens_warning_interrupted")
  expect_lt(n_images(result), 60)
  expect_identical(result$images, seq_len(n_images(result)))
  for (there in c(TRUE, FALSE)) {
    rlang::local_interactive(there)
    local_fake("explain", function(verb, model, x, y, asked, ...) stop(asked$arguments$keep_on_interrupt))
    expect_error(asked(), as.character(there))
  }
})

test_that("images that were chosen are taken by their places, and labels for checks are in the order of `x`", {
  skip_without_python()
  x <- images(24)
  y <- labels(24)
  result <- band_importance(small_model(), x, y, n_background = 4, max_seconds = 60, progress = FALSE)
  expect_setequal(result$images, 1:24)
  expect_false(identical(result$images, 1:24))
  own <- result$image_class == levels(result$image_class)[[2]]
  part <- result[own]
  expect_identical(part$scores, result$scores[own, , , drop = FALSE])
  expect_identical(part$images, result$images[own])
  expect_identical(as.integer(classes_of(result, x)), as.integer(result$image_class)[order(result$images)])
  expect_identical(as.character(classes_of(result, x)), result$classes[as.integer(factor(y))])
  expect_error(classes_of(part, x), "those of all", class = "bandlens_cause")
})

test_that("a bar shows what is reached, and what is to be read once is said once", {
  withr::local_options(cli.progress_handlers_only = "logger", bandlens.quiet = FALSE)
  bar <- progress_bar(TRUE)
  expect_message(bar(0, 1, NULL, "It takes 5 minutes."), "5 minutes", class = "bandlens_message_time")
  shown <- utils::capture.output({
    bar(1, 3, "shares known to 2 points")
    bar(3, 3)
  })
  expect_true(length(shown) > 0)
  skip_without_python()
  told <- list()
  watching <- reticulate::import("bandlens.r.watching")$Watching(function(...) told[[length(told) + 1]] <<- list(...))
  watching(0L, 3L)
  watching$beside("two points")
  watching(1L, 3L)
  watching$say("long")
  expect_identical(told, list(list(0L, 3L), list(1L, 3L, "two points"), list(0L, 1L, "two points", "long")))
})
