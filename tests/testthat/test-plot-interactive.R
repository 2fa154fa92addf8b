# Interactive pictures: what they show, and say under the mouse. Figures are made without plotly, which draws them.

nm <- c(650, 550, 480, 850)

skip_without_plotly <- function() {
  if (!requireNamespace("plotly", quietly = TRUE)) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("plotly isn't there")
    }
    skip("The R package plotly is not installed.")
  }
}

test_that("what a tile, a bar and a point is, is said under the mouse", {
  object <- scored(n = c(5, 1, 3), wavelengths = nm)
  table <- object$table
  said <- hover_texts(object, table)
  expect_identical(said[[2]], paste0(
    "<b>water</b><br>band: green<br>wavelength: 550 nm<br>importance: ", sprintf("%.3g", table$importance[[2]]),
    " logit<br>95 % interval: ", sprintf("%.3g to %.3g", table$conf_low[[2]], table$conf_high[[2]]),
    "<br>share: ", sprintf("%.1f %%, rank %d", 100 * table$share[[2]], table$rank[[2]]), "<br>5 images"
  ))
  expect_match(said[table$class == "forest"], "1 image, no interval")
  expect_no_match(said[table$class == "forest"], "95 %")
  every <- scored(all_outputs = TRUE)
  expect_match(hover_texts(every, every$table)[[6]], "<b>water</b><br>logit of forest<br>band: green<br>importance")
  odd <- scored(c("a <b>x</b> & y", "water"), n = 3)
  expect_match(hover_texts(odd, odd$table)[[1]], "<b>a &lt;b&gt;x&lt;/b&gt; &amp; y</b>", fixed = TRUE)

  for (type in interactive_types) {
    shown <- unlist(lapply(figure_of(object, type, FALSE)$data, `[[`, "text"))
    expect_setequal(shown, said)
  }
})

test_that("figures show the numbers of the table", {
  object <- scored(n = c(5, 1, 3), wavelengths = nm)
  table <- object$table
  tiles <- figure_of(object, "heatmap", FALSE)$data[[1]]
  expect_identical(as.vector(tiles$y), rev(object$classes))
  expect_equal(rev(tiles$z), unname(split(100 * table$share, table$class)))
  expect_equal(figure_of(object, "heatmap", TRUE)$data[[1]]$zmax, 100)

  bars <- figure_of(object, "bars", FALSE)
  expect_equal(lapply(bars$data, `[[`, "y"), unname(split(table$importance, table$class)))
  expect_equal(bars$data[[1]]$y + bars$data[[1]]$error_y$array, table$conf_high[1:4])
  expect_equal(bars$data[[1]]$y - bars$data[[1]]$error_y$arrayminus, table$conf_low[1:4])
  expect_null(bars$data[[2]]$error_y)
  above <- vapply(bars$layout$annotations, `[[`, "", "text")
  expect_identical(above, c("water (n = 5)", "forest (n = 1)", "city (n = 3)"))
  expect_identical(bars$layout$yaxis2$matches, "y")
  expect_null(figure_of(object, "bars", TRUE)$layout$yaxis2$matches)
  expect_match(figure_of(object, "bars", TRUE)$layout$title$text, "scales differ between panels", fixed = TRUE)

  lines <- figure_of(object, "spectrum", FALSE)$data
  expect_length(lines, 5) # two of three classes have a ribbon
  expect_equal(as.vector(lines[[2]]$x), sort(nm))
  expect_equal(as.vector(lines[[2]]$y), table$importance[1:4][order(nm)])
  expect_equal(lines[[1]]$y, c(table$conf_low[1:4][order(nm)], rev(table$conf_high[1:4][order(nm)])))
  nine <- figure_of(many_scored(200, 9), "spectrum", FALSE)
  expect_length(unique(vapply(nine$data, `[[`, "", "xaxis")), 9)
  expect_length(figure_of(scored(all_outputs = TRUE), "bars", FALSE)$data, 9)
})

test_that("plot() gives a widget that plotly draws without a word", {
  skip_without_plotly()
  for (object in list(scored(wavelengths = nm), many_scored(200, 20), many_scored(60, 1), scored(all_outputs = TRUE))) {
    for (type in interactive_types) {
      expect_silent(widget <- plot(object, type, interactive = TRUE))
      expect_s3_class(widget, c("plotly", "htmlwidget"), exact = TRUE)
      expect_silent(built <- plotly::plotly_build(widget))
      expect_length(built$x$data, length(figure_of(object, type, FALSE)$data))
    }
  }
  expect_true(withVisible(plot(scored(), interactive = TRUE))$visible)
})

test_that("what is not drawn interactively is named", {
  object <- scored()
  expect_error(plot(object, interactive = "yes"), class = "bandlens_error_option")
  expect_snapshot(error = TRUE, {
    plot(object, "ranks", interactive = TRUE)
    plot(object, "bars", width = 85, interactive = TRUE)
    autoplot(object, interactive = TRUE)
    in_verb("draw the picture", need_plotly(FALSE))
  })
  expect_error(in_verb("draw the picture", need_plotly(FALSE)), class = "bandlens_error_missing_package")
})
