# The shapviz package isn't needed and may not be installed: a package of that name with its two functions stands in.

local_shapviz <- function(env = parent.frame()) {
  skip_if(isNamespaceLoaded("shapviz"), "shapviz is in use")
  library <- withr::local_tempdir(.local_envir = env)
  source <- file.path(withr::local_tempdir(), "shapviz")
  dir.create(file.path(source, "R"), recursive = TRUE)
  writeLines(c("Package: shapviz", "Version: 0.9.0", "License: GPL-2"), file.path(source, "DESCRIPTION"))
  writeLines(c("export(shapviz, mshapviz)", "S3method(shapviz, matrix)"), file.path(source, "NAMESPACE"))
  writeLines(c(
    "shapviz <- function(object, ...) UseMethod('shapviz')",
    "shapviz.matrix <- function(object, X, baseline = 0, ...) {",
    "  structure(list(S = object, X = as.data.frame(X), baseline = baseline), class = 'shapviz')",
    "}",
    "mshapviz <- function(object, ...) structure(object, class = 'mshapviz')"
  ), file.path(source, "R", "shapviz.R"))
  utils::install.packages(source, lib = library, repos = NULL, type = "source", quiet = TRUE)
  withr::local_libpaths(library, action = "prefix", .local_envir = env)
  loadNamespace("shapviz", lib.loc = library)
  withr::defer(unloadNamespace("shapviz"), envir = env)
}

test_that("scores become one shapviz object per output", {
  local_shapviz()
  result <- stored_result(k = 2)
  both <- getExportedValue("shapviz", "shapviz")(result)
  expect_s3_class(both, "mshapviz")
  expect_named(both, c("water", "{forest}"))
  expect_equal(both$water$S, result$scores[, 1, ])
  expect_equal(both[[2]]$baseline, 0.5)
  expect_named(both$water$X, c("blue", "nir\u00e9"))
  expect_equal(as.matrix(both$water$X), result$band_means, ignore_attr = TRUE)

  # with a single output, a single object; with each image's own class, each with its images
  value <- bridge_value()
  each_own <- shapviz_band_importance(as_band_importance(value))
  expect_equal(each_own$water$S, stored_result()$scores[c(1, 3), 1, ])
  value$image_output[] <- 1L
  one <- shapviz_band_importance(as_band_importance(value))
  expect_s3_class(one, "shapviz")
  expect_equal(nrow(one$S), 4)

  # a package that is loaded already gets its method at once
  register_method("shapviz", "shapviz", "some_class", function(object, ...) "ours")
  expect_identical(getExportedValue("shapviz", "shapviz")(structure(1, class = "some_class")), "ours")
})

test_that("bands of several inputs keep their names apart", {
  local_shapviz()
  result <- stored_result()
  result$inputs <- c("optical", "sar")
  names <- paste(result$inputs, result$bands, sep = ": ")
  colnames(result$band_means) <- names
  one <- shapviz_band_importance(result)$water
  expect_identical(colnames(one$S), names)
  expect_named(one$X, names)
})

test_that("scores that don't add up are refused", {
  value <- bridge_value()
  value["completeness"] <- list(NULL)
  expect_error(shapviz_band_importance(as_band_importance(value)), class = "bandlens_error_result")
})
