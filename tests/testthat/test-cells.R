# Tables of several inputs and of a time axis, and what a row is called.

# A real result whose four bands are taken for others; its tables are made anew by the core.
relabelled <- function(bands, inputs = NULL, times = NULL, kind = NULL) {
  result <- landsat_result()
  result$bands <- bands
  result$inputs <- inputs
  result$times <- times
  result$time_kind <- kind
  result[seq_along(result$image_class)]
}

test_that("columns stand where they were agreed to, and names come in their order", {
  one <- c("class", "output", "band", "wavelength", "importance")
  expect_identical(names(tidy(stored_result()))[1:5], one)
  expect_identical(names(tidy(timed()))[1:5], c("class", "output", "band", "time", "wavelength"))
  expect_identical(names(tidy(fused()))[1:5], c("class", "output", "input", "band", "wavelength"))
  both <- fused(dates, "date")
  expect_identical(names(tidy(both))[1:6], c("class", "output", "input", "band", "time", "wavelength"))
  images <- tidy(both, "image")
  expect_named(images, c("image", "class", "output", "input", "band", "time", "wavelength", "score"))
  expect_identical(levels(images$input), c("optical", "sar", "terrain"))
  expect_identical(levels(images$band), c("blue", "nir", "VV", "slope"))
  expect_identical(as.character(images$band[1:13]), both$bands)
  expect_equal(as.vector(tapply(tidy(both)$share, tidy(both)$class, sum)), c(1, 1, 1))
})

test_that("steps are dates, numbers or an ordered factor, and missing where there are none", {
  expect_identical(tidy(timed())$time[1:3], as.Date(dates))
  expect_identical(tidy(timed(c("1", "2.5", "10"), "number"))$time[1:3], c(1, 2.5, 10))
  names <- tidy(timed(c("sowing", "flowering", "harvest"), "name"))$time
  expect_true(is.ordered(names))
  expect_identical(levels(names), c("sowing", "flowering", "harvest"))
  hours <- from_times(c("2024-04-01T06:30:00", ""), "date")
  expect_identical(hours, as.POSIXct(c("2024-04-01 06:30:00", NA), tz = "UTC"))
  for (kind in c("date", "number", "name")) {
    times <- switch(kind, date = dates, number = c("1", "2", "3"), c("a", "b", "c"))
    table <- tidy(fused(times, kind))
    expect_true(is.na(table$time[table$input == "terrain"][[1]]))
    expect_identical(step_texts(table$time), rep_len(fused(times, kind)$times, nrow(table)))
  }
  expect_identical(step_texts(hours), c("2024-04-01T06:30:00", ""))
})

test_that("a cell is called the same everywhere", {
  both <- fused(dates, "date")
  expect_identical(cell_names(timed())[[2]], "NDVI at 2024-05-01")
  expect_identical(cell_names(fused()), c("optical: blue", "optical: nir", "sar: VV", "sar: blue", "terrain: slope"))
  expect_identical(cell_names(both)[c(1, 13)], c("optical: blue at 2024-04-01", "terrain: slope"))
  expect_identical(row_cells(tidy(both))[1:13], cell_names(both))
  expect_identical(row_cells(both$sums$time)[c(1, 7)], c("optical at 2024-04-01", "terrain"))
  expect_identical(row_cells(both$sums$input)[1:3], c("optical", "sar", "terrain"))
  expect_identical(count_cells(both), "5 bands of 3 inputs x 3 steps")
  expect_identical(count_cells(timed()), "2 bands x 3 steps")
  expect_identical(count_cells(stored_result()), "2 bands")
  best <- tidy(timed())[tidy(timed())$class == "water", ]
  expect_match(top_lines(top_bands(timed()$table, 1))[[1]], row_cells(best[best$rank == 1, ]), fixed = TRUE)
})

test_that("tables of sums are those that there are", {
  result <- fused(dates, "date")
  expect_identical(tidy(result, "band"), result$sums$band)
  expect_identical(tibble::as_tibble(as.data.frame(result, level = "time")), result$sums$time)
  expect_named(tidy(result, "input")[1:4], c("class", "output", "input", "importance"))
  expect_error(tidy(stored_result(), "time"), "has not a time axis", class = "bandlens_error_option")
  expect_error(tidy(timed(), "input"), "has not several inputs", class = "bandlens_error_option")
  found <- error_of(tidy(fused(), "band"))$parent
  expect_match(found$fix, "`time_axis`", fixed = TRUE)
  expect_match(found$expected, "\"input\"", fixed = TRUE)
})

test_that("the core's tables come with inputs, steps and sums", {
  skip_without_python()
  dated <- relabelled(c("a", "a", "b", "b"), times = rep(dates[1:2], 2), kind = "date")
  expect_identical(tidy(dated)$time[1:4], as.Date(rep(dates[1:2], 2)))
  expect_identical(levels(tidy(dated)$band), c("a", "b"))
  expect_named(tidy(dated, "overall")[1:5], c("class", "output", "band", "time", "wavelength"))
  expect_identical(colnames(dated$band_means)[[2]], paste("a at", dates[[2]]))
  sums <- tidy(dated, "band")
  own <- rowSums(dated$scores[dated$image_class == sums$class[[1]], 1, 1:2])
  expect_equal(sums$importance[[1]], mean(abs(own)))
  expect_equal(sums$effect[[1]], mean(own))
  expect_s3_class(tidy(dated, "time")$time, "Date")
  expect_false(any(c("band", "wavelength") %in% names(tidy(dated, "time"))))

  several <- relabelled(c("a", "b", "a", "c"), inputs = c("x", "x", "y", "y"))
  expect_identical(as.character(tidy(several)$input[1:4]), c("x", "x", "y", "y"))
  expect_identical(levels(tidy(several)$band), c("a", "b", "c"))
  expect_identical(as.character(tidy(several, "input")$input[1:2]), c("x", "y"))
  expect_named(augment(several)[7:10], paste0(".score_", c("x: a", "x: b", "y: a", "y: c")))
  named <- relabelled(c("a", "b", "c", "c"), c("x", "x", "y", "y"), c("", "", "late", "early"), "name")
  expect_identical(levels(tidy(named)$time), c("late", "early"))
  expect_identical(is.na(tidy(named)$time[1:4]), c(TRUE, TRUE, FALSE, FALSE))
  numbers <- relabelled(rep("a", 4), times = c("1", "2", "3.5", "4"), kind = "number")
  expect_identical(tidy(numbers, "time")$time[1:4], c(1, 2, 3.5, 4))
  path <- withr::local_tempfile(fileext = ".rds")
  saveRDS(dated, path)
  expect_identical(readRDS(path), dated)
  expect_identical(c(dated[1:10], dated[-(1:10)])$sums, dated$sums)
})

test_that("they print what they are", {
  result <- fused(dates, "date")
  result$completeness <- 1e-6
  lines <- cli::ansi_strip(format(result))
  expect_match(lines[[2]], "5 bands of 3 inputs x 3 steps", fixed = TRUE)
  expect_match(paste(lines, collapse = "\n"), "terrain: slope|optical: nir at 2024-0")
  few <- timed(bands = "NDVI")
  few$completeness <- 1e-6
  lines <- cli::ansi_strip(format(few))
  expect_match(lines[[4]], "class +band +time +importance")
  expect_match(lines[[6]], "2024-04-01")
})
