# How few bands suffice: what becomes of R's arguments, of R's functions that make models, of what comes back.

grDevices::pdf(NULL)
withr::defer(grDevices::dev.off(), teardown_env())

# Logits of two classes that depend on red, and less on nir.
of_two <- function(x) {
  levels <- apply(x, c(1, 4), mean)
  score <- 4 * (levels[, "red"] - 0.5) + 3 * (levels[, "nir"] - 0.5)
  cbind(low = -score, high = score)
}

# A model that takes each image for the class whose mean levels are nearest.
nearest_means <- function(x, y, bands) {
  levels <- matrix(apply(x, c(1, 4), mean), nrow(x))
  centres <- lapply(levels(y), function(class) colMeans(levels[y == class, , drop = FALSE]))
  function(new) {
    own <- matrix(apply(new, c(1, 4), mean), nrow(new))
    sapply(centres, function(centre) -colSums((t(own) - centre)^2))
  }
}

truth <- function(x) factor(ifelse(of_two(x)[, "high"] > 0, "high", "low"), levels = c("low", "high"))

test_that("the bands that a model uses suffice, and the tables say so", {
  skip_without_python()
  x <- images(60)
  found <- select_bands(
    of_two, x, truth(x), output = "logit", sensors = list(mine = c("red", "nir")), metric = "log_loss"
  )
  expect_s3_class(found, "band_selection")
  expect_false(holds_live_objects(found))
  expect_setequal(found$tables$curve$band[1:2], c("red", "nir"))
  table <- tidy(found)
  expect_named(table, c(
    "n_bands", "band", "bands", "measure", "estimate", "std_error", "conf_low", "conf_high", "n", "retrained", "knee"
  ))
  expect_identical(table$n_bands, 1:4)
  expect_identical(as.character(tidy(found, "sensor")$bands), "red, nir")
  expect_equal(tidy(found, "sensor")$estimate, table$estimate[[2]], tolerance = 1e-6)
  logits <- of_two(x)
  own <- logits[cbind(1:60, as.integer(truth(x)))] - log(rowSums(exp(logits)))
  expect_equal(table$estimate[[4]], mean(own), tolerance = 1e-5)
  expect_identical(glance(found)$knee, which(table$knee))
  expect_output(print(found), "bands suffice", fixed = TRUE)
  expect_output(print(summary(found)), "The model was not trained again", fixed = TRUE)
  expect_s3_class(ggplot2::ggplotGrob(autoplot(found)), "gtable")
  expect_identical(nrow(as.data.frame(found, level = "sensor")), 1L)
  back <- select_bands(of_two, x, truth(x), output = "logit", method = "backward")
  expect_true(is.na(tidy(back)$band[[4]]))
  expect_s3_class(ggplot2::ggplotGrob(autoplot(back)), "gtable")
  importance <- band_importance(of_two, x, truth(x), method = "occlusion", output = "logit")
  ordered <- select_bands(
    of_two, x, truth(x), output = "logit", method = "importance", importance = importance, folds = 3
  )
  expect_identical(as.character(tidy(ordered)$band[1:2]), c("red", "nir"))
})

test_that("functions of R make models for sets of bands", {
  skip_without_python()
  x <- images(40)
  y <- truth(x)
  x[, , , "blue"] <- x[, , , "red"] <- 2 * as.integer(y) + x[, , , "red"] / 4
  seen <- list()
  fit <- function(x, y, bands) {
    seen[[length(seen) + 1]] <<- list(dim = dim(x), names = dimnames(x)[[4]], y = y, bands = bands)
    nearest_means(x, y, bands)
  }
  found <- select_bands(of_two, x, y, output = "logit", fit = fit, method = "importance", folds = 2,
    importance = c("red", "green", "nir", "blue")
  )
  expect_true(glance(found)$retrained)
  expect_identical(found$knee, 1L)
  expect_identical(found$selected, "red")
  expect_length(seen, 8)
  expect_equal(lapply(seen[c(1, 3)], `[[`, "dim"), list(c(20, 5, 5, 1), c(20, 5, 5, 2)))
  expect_identical(seen[[3]]$bands, c("green", "red"))
  expect_identical(seen[[3]]$names, c("green", "red"))
  expect_identical(levels(seen[[1]]$y), c("low", "high"))
  expect_output(print(summary(found)), "has models of its own", fixed = TRUE)
  # bands elsewhere
  first <- aperm(x, c(1, 4, 2, 3))
  turned <- select_bands(function(x) of_two(aperm(x, c(1, 3, 4, 2))), first, y,
    band_axis = 2, bands = dimnames(x)[[4]], output = "logit", folds = 2, method = "importance",
    importance = found$bands[c(3, 2, 4, 1)],
    fit = function(x, y, bands) {
      made <- nearest_means(aperm(x, c(1, 3, 4, 2)), y, bands)
      function(new) made(aperm(new, c(1, 3, 4, 2)))
    }
  )
  expect_equal(tidy(turned)$estimate, tidy(found)$estimate)
  broken <- function(x, y, bands) stop("no memory")
  error <- error_of(select_bands(of_two, x, y, output = "logit", fit = broken))
  expect_s3_class(error, "bandlens_error_model")
  expect_match(paste(conditionMessage(error), collapse = ""), "no memory", fixed = TRUE)
})

test_that("what does not fit is refused", {
  x <- images()
  expect_error(select_bands("a.keras", x, labels(), fit = "train"), class = "bandlens_error_option")
  expect_error(select_bands("a.keras", x, labels(), method = "forwards"), class = "bandlens_error_option")
  expect_error(select_bands("a.keras", x, labels(), folds = 1), class = "bandlens_error_option")
  expect_error(select_bands("a.keras", x, labels(), mehtod = "forward"), class = "bandlens_error_option")
  skip_without_python()
  expect_error(select_bands(small_model(), x, labels(), sensors = "landsat8"), class = "bandlens_error_bands")
  expect_error(select_bands(small_model(), x, labels(), sensors = "landsat"), class = "bandlens_error_option")
})

test_that("it is told and drawn as it was", {
  expect_snapshot(print(made_selection()))
  expect_snapshot(print(summary(made_selection())))
  expect_snapshot(glance(made_selection())[1:10])
  expect_picture("selection", autoplot(made_selection()))
  expect_picture("selection of many bands, backward, without sensors", autoplot(
    made_selection(24, method = "backward", sensors = character())
  ))
})

test_that("what can't be a `fit` is refused before anything is trained", {
  skip_without_python()
  x <- images(12)
  ask <- function(...) select_bands(small_model(), ..., folds = 2)
  few <- error_of(ask(x, labels(), fit = function(x, y) NULL))
  expect_s3_class(few, "bandlens_error_option")
  expect_match(few$parent$given, "function(x, y)", fixed = TRUE)
  batches <- list(list(x, labels()), NULL)
  at <- 0
  stream <- function() {
    at <<- at + 1
    batches[[at]]
  }
  expect_s3_class(error_of(ask(stream, fit = nearest_means)), "bandlens_error_labels")
  found <- suppressMessages(ask(stream)) # without it, labels may come with the images
  expect_identical(tidy(found), tidy(ask(x, labels())))
})
