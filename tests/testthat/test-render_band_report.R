# The report is read as its reader gets it: as HTML, and as the text in it.

skip_without_pandoc <- function() {
  if (!requireNamespace("rmarkdown", quietly = TRUE) || !rmarkdown::pandoc_available("1.12.3")) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("This run must not skip tests, but there is no rmarkdown with pandoc.")
    }
    skip("There is no rmarkdown with pandoc.")
  }
}

skip_without_latex <- function() {
  if (is.null(latex_engine())) {
    if (nzchar(Sys.getenv("BANDLENS_NO_SKIP"))) {
      stop("This run must not skip tests, but there is no LaTeX.")
    }
    skip("There is no LaTeX.")
  }
}

# The report as one line of HTML, and as text.
read_report <- function(file) paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = " ")

text_of <- function(html) {
  text <- gsub("<(style|script|title)[ >].*?</\\1>", " ", html, perl = TRUE)
  text <- gsub("<[^>]+>", "", text)
  for (entity in list(c("&amp;", "&"), c("&lt;", "<"), c("&gt;", ">"), c("&quot;", "\""), c("&#39;", "'"))) {
    text <- gsub(entity[[1]], entity[[2]], text, fixed = TRUE)
  }
  gsub("[\\s\u00a0]+", " ", text, perl = TRUE)
}

pictures_in <- function(html) regmatches(html, gregexpr("<img[^>]*>", html))[[1]]

report_of <- function(..., file = withr::local_tempfile(fileext = ".html", .local_envir = parent.frame())) {
  render_band_report(..., output_file = file, quiet = TRUE)
  read_report(file)
}

# A result of made-up scores, with all that a real one tells of itself.
told_whole <- function(object, model = "small") {
  overall <- object$table[object$table$class == object$classes[[1]] & object$table$output == object$outputs[[1]], ]
  overall$class <- factor("all", ordered = TRUE)
  overall$output[] <- NA
  object$overall <- overall
  object$prediction <- object$image_class
  object$model <- model
  object$versions <- c(bandlens = "0.1.0")
  object$seconds <- 1
  object$options <- list()
  object$output_values <- object$base_values <- array(0, dim(object$image_output))
  object
}

# Puts another function in a place of the package, for a test.
local_function <- function(name, value, env = parent.frame()) {
  namespace <- asNamespace("bandlens")
  was <- namespace[[name]]
  put <- function(value) {
    rlang::env_binding_unlock(namespace, name)
    assign(name, value, namespace)
    rlang::env_binding_lock(namespace, name)
  }
  put(value)
  withr::defer(put(was), envir = env)
}

test_that("a stored result becomes one file with everything in it, without Python", {
  skip_without_pandoc()
  folder <- withr::local_tempdir()
  importance <- landsat_result()
  withr::local_seed(1)
  seed <- .Random.seed
  options <- options()
  before <- list.files(system.file(package = "bandlens"), recursive = TRUE)
  file <- file.path(folder, "landsat.html")
  authors <- c("A. Mapper", "B: O'Neil")
  path <- withVisible(render_band_report(importance, output_file = file, author = authors, quiet = TRUE))
  expect_identical(path, list(value = file.path(normalizePath(folder), "landsat.html"), visible = FALSE))
  expect_identical(list.files(folder), "landsat.html")
  expect_identical(list.files(system.file(package = "bandlens"), recursive = TRUE), before)
  expect_identical(.Random.seed, seed)
  expect_identical(options()[names(options)], options)

  html <- read_report(file)
  text <- text_of(html)
  expect_match(html, "<title>Which bands does landsat_cnn rely on?</title>", fixed = TRUE)
  for (said in c(
    "Which of 4 input bands does the model landsat_cnn rely on, for which of 6 classes", "A. Mapper", "B: O", "Neil",
    "render_band_report(model = importance, output_file = file", "Over all classes: red 53 %, nir2 22 %",
    "cotton crop (n = 40): red 58 % (14.1; 12.9 to 15.4)", "the intervals of nir2 and red overlap", "DeepSHAP",
    "Lundberg & Lee 2017", "4.6e-06", "100 images of those given as background", "tensorflow 2.21.0", "|band score|",
    "No checks were made", R.version$major
  )) {
    expect_match(text, said, fixed = TRUE)
  }
  for (name in c(importance$classes, importance$bands)) {
    expect_match(text, name, fixed = TRUE)
  }

  # nothing is loaded from elsewhere; links to papers are no part of the page
  expect_no_match(html, "<(link|iframe)|url\\(|@import|src=\"(?!data:)", perl = TRUE)
  pictures <- pictures_in(html)
  expect_length(pictures, 5)
  expect_match(pictures, "alt=\"[A-Z][^\"]+Ranked first: red for red soil", all = TRUE)
})

test_that("the report says how much scores cancel, where it was measured", {
  importance <- landsat_result()
  importance$cancellation <- NULL
  expect_no_match(paste(report_belief(importance), collapse = " "), "sizes of an image's scores")
  importance$cancellation <- 2.4
  expect_match(paste(report_belief(importance), collapse = " "), "scores add up to at most 2.4 times the distance")
})

test_that("names may mean something in Markdown, HTML or LaTeX", {
  skip_without_pandoc()
  classes <- c("a|b *c* _d_", "<b>\\alpha</b> $x$ & `r 1 + 1`", "[url](x) (y) 1. ~^@", "it's \"q\" -- ...")
  bands <- c("red|edge", "{x}", "B_8*A", "n'ir \u03bb")
  html <- report_of(told_whole(scored(classes, bands), "a_b_c"), title = "It's: a \"title\"")
  text <- text_of(html)
  for (name in c(classes, bands)) {
    expect_match(text, name, fixed = TRUE)
  }
  expect_match(html, "<title>It\u2019s: a \u201ctitle\u201d</title>", fixed = TRUE)
})

test_that("of many bands, tables have the first ones and say so", {
  skip_without_pandoc()
  object <- told_whole(many_scored(200))
  text <- text_of(report_of(object))
  expect_match(text, "Shown are the 10 of 200 bands with the largest mean share", fixed = TRUE)
  expect_match(text, "Shown are the first 6 of 200 bands of each class", fixed = TRUE)
  expect_lt(lengths(gregexpr("band_[0-9]+", text)), 100)

  # 13 bands are all there: one below the other, or side by side where classes are many
  shares <- report_tables(scored(paste("class", 1:10), paste0("B", 1:13)))
  expect_match(shares[[1]], "each column adds up to 100")
  expect_match(shares[[17]], "^\\|B13 *\\|")
  expect_no_match(shares, "Shown are the 10", fixed = TRUE)
  shares <- report_tables(scored(paste("class", 1:20), paste0("B", 1:13)))
  expect_match(shares[[1]], "each row adds up to 100")
  expect_match(shares[[3]], "B13 *\\| *n\\|$")
})

test_that("the report fits what was explained", {
  without_sign <- scored(signed = FALSE)
  expect_no_match(report_tables(without_sign), "effect")
  expect_false("effect" %in% names(pictures_for(without_sign)))
  expect_false("spectrum" %in% names(pictures_for(without_sign)))
  expect_true(all(c("effect", "spectrum") %in% names(pictures_for(landsat_result()))))

  several <- told_whole(scored(all_outputs = TRUE))
  answer <- report_answer(several, list())
  expect_length(grep("^- ", answer), 3)
  expect_true(any(grepl("own output", answer)))

  single <- told_whole(scored(n = 1))
  expect_true(any(grepl("single image has no interval", report_answer(single, list()))))

  absent <- told_whole(scored())
  absent$classes <- c(absent$classes, "snow")
  expect_true("No image is of: snow." %in% report_answer(absent, list()))
  expect_no_match(report_answer(landsat_result(), list()), "No image is of", fixed = TRUE)

  predicted <- landsat_result()
  predicted$prediction <- predicted$image_class
  expect_true(any(grepl("class that the model predicts for it", report_belief(predicted))))
})

test_that("the answer says how often the first band is first", {
  stability <- made_stability()
  table <- tidy(stability)
  importance <- told_whole(scored(levels(table$class), levels(table$band)))
  answer <- report_answer(importance, list(stability))
  top <- importance$table[importance$table$rank == 1, ][1, ]
  often <- table$first[as.character(table$class) == top$class & as.character(table$band) == top$band]
  said <- sprintf("drawn anew, %s is first in %.0f&nbsp;%% of tables.", top$band, 100 * often)
  expect_match(grep(paste0("^- .*", top$class), answer, value = TRUE), said, fixed = TRUE)
  expect_no_match(report_answer(landsat_result(), list(stability)), "drawn anew", fixed = TRUE)
})

test_that("a first band that the resamples contradict is not told as the most important one", {
  importance <- landsat_result()
  table <- tidy(importance)
  classes <- importance$classes
  first <- function(class) as.character(table$band[table$class == class & table$rank == 1])
  rank <- tibble::tibble(
    class = factor(classes, classes, ordered = TRUE), output = class,
    band = factor(vapply(classes, first, ""), importance$bands, ordered = TRUE),
    first = c(0.04, rep(0.97, 5)), rival = "green", rival_first = 1 - first, outcome = c("outlier", rep("sure", 5))
  )
  by_band <- table[c("class", "output", "band")]
  by_band$first <- ifelse(table$rank == 1, rank$first[match(table$class, rank$class)], 0)
  stability <- structure(
    list(name = "check_stability", tables = list(class = by_band, rank = rank), passed = FALSE),
    class = c("check_stability", "band_check")
  )
  answer <- report_answer(importance, list(stability))
  lines <- grep("^- ", answer, value = TRUE)
  top <- first(classes[[1]])
  expect_match(lines[[1]], paste0("): **the first band is not settled.** With images and background drawn anew, ", top,
    " is first in 4&nbsp;% of tables, and green in 96&nbsp;%. In this table: ", top, " "
  ), fixed = TRUE)
  expect_no_match(lines[[1]], paste0("**", top, "**"), fixed = TRUE)
  expect_match(lines[[2]], paste0("): **", first(classes[[2]]), "** "), fixed = TRUE)
  expect_match(answer[[length(answer) - 1]], "stability [not passed]{.failed}", fixed = TRUE)

  shares <- report_tables(importance, list(stability))
  row <- grep(paste0("^\\|", classes[[1]]), shares, value = TRUE)[[1]]
  expect_no_match(row, "**", fixed = TRUE)
  expect_match(grep(paste0("^\\|", classes[[2]]), shares, value = TRUE)[[1]], "**", fixed = TRUE)
  expect_match(shares[[1]], "but where other samples would put another band first", fixed = TRUE)
  expect_no_match(report_tables(importance)[[1]], "other samples", fixed = TRUE)
})

test_that("checks that are ready are reported with verdict and picture", {
  skip_without_pandoc()
  checks <- list(made_null(failed = TRUE), made_deletion())
  html <- report_of(landsat_result(), checks = checks)
  text <- text_of(html)
  expect_match(text, "Checks: null bands not passed, deletion passed", fixed = TRUE)
  expect_length(pictures_in(html), 7)
  for (check in checks) {
    expect_match(text, gsub("\\s+", " ", check$verdict[[1]]), fixed = TRUE)
  }
})

test_that("checks are made with the arguments of the result", {
  skip_without_python()
  skip_without_pandoc()
  file <- withr::local_tempfile(fileext = ".html")
  x <- images()
  expect_message(
    render_band_report(
      small_model(), x, labels(),
      background = x, n_background = 4, output_file = file,
      checks = list(
        stability = list(backgrounds = 2, resamples = 20), deletion = list(), randomization = list(repeats = 2),
        null = list(duplicate = "red")
      )
    ),
    "Checking: randomization"
  )
  html <- read_report(file)
  text <- text_of(html)
  expect_length(pictures_in(html), 8)
  expect_match(text, "backgrounds = 2, resamples = 20", fixed = TRUE)
  expect_match(text, "duplicate = red", fixed = TRUE)
  expect_match(text, "background = x, n_background = 4", fixed = TRUE)

  # a result that is ready has its own settings; a check that can't be made is a warning
  importance <- band_importance(
    small_model(), x,
    method = "occlusion", output = "probability", replacement = "background_mean"
  )
  settings <- settings_of(importance)
  expect_identical(settings$target, "class")
  again <- rlang::inject(band_importance(small_model(), x, classes_of(importance), !!!settings))
  expect_identical(again$table, importance$table)
  # neither softmax nor sigmoid; and one number, which is no class
  for (outputs in 3:1) {
    bare <- python(sprintf("lambda x: __import__('tensorflow').reduce_mean(x, axis=(1, 2))[:, :%d] * 3.0", outputs))
    importance <- band_importance(bare, x, method = "occlusion")
    settings <- settings_of(importance)
    expect_identical(importance$output, "output")
    expect_null(settings$output)
    again <- rlang::inject(band_importance(bare, x, classes_of(importance), !!!settings))
    expect_identical(again$table, importance$table)
  }
  grouped <- band_importance(small_model(), x, method = "saliency", groups = list(visible = 1:3))
  expect_warning(
    text <- text_of(report_of(small_model(), x, importance = grouped, checks = c("null", "deletion"))),
    "lacks the check \"null\"",
    class = "bandlens_warning_check"
  )
  expect_match(text, "null bands not made", fixed = TRUE)
  expect_match(text, "The check could not be made", fixed = TRUE)
})

test_that("the template knits as it is, and has its own code in it when it is filled in", {
  skip_without_pandoc()
  folder <- withr::local_tempdir()
  draft <- rmarkdown::draft(file.path(folder, "mine.Rmd"), "band_report", package = "bandlens", edit = FALSE)
  expect_identical(list.files(folder), "mine.Rmd")
  html <- rmarkdown::render(draft, quiet = TRUE, envir = new.env())
  text <- text_of(read_report(html))
  expect_match(text, "landsat_cnn")
  expect_match(text, "Say here what follows from it")
  expect_match(text, "importance <- readRDS(", fixed = TRUE)

  lines <- c(readLines(draft), "", "```{r shown}", "1 + 1 # mine, too", "```")
  filled <- sub("explain, eval = FALSE", "explain", lines, fixed = TRUE)
  filled[grepl("^(model|x|y|background|bands) <-", filled)] <- "# mine"
  from <- grep("^importance <- band_importance", filled)
  filled[from] <- "importance <- readRDS(system.file(\"extdata\", \"landsat_importance.rds\", package = \"bandlens\"))"
  filled <- filled[-(from + 1:4)]
  writeLines(filled, draft)
  text <- text_of(read_report(rmarkdown::render(draft, quiet = TRUE, envir = new.env())))
  expect_match(text, "# mine", fixed = TRUE)
  expect_match(text, "1 + 1 # mine, too", fixed = TRUE)
})

test_that("what can't work is said before anything is computed", {
  importance <- landsat_result()
  expect_class <- function(object, kind, text) {
    expect_s3_class(object, paste0("bandlens_error_", kind))
    expect_match(conditionMessage(object), "Can't write the report", fixed = TRUE)
    expect_match(paste(c(conditionMessage(object$parent), object$parent$given), collapse = " "), text)
  }
  fails <- function(...) error_of(render_band_report(..., quiet = TRUE))
  expect_class(fails(), "input", "nothing to report on")
  expect_class(fails("model.keras"), "input", "no images")
  expect_class(fails(importance = 1), "result", "no result")
  expect_class(fails(importance, checks = "nul"), "option", "nul")
  expect_class(fails(importance, checks = 3), "option", "which checks")
  expect_class(fails(importance, checks = list(null = 3)), "option", "no check")
  expect_class(fails(importance, checks = "null"), "option", "Without the model")
  expect_class(fails(importance, seed = 3), "option", "seed")
  expect_class(fails("model.keras", importance = importance), "input", "images that were explained")
  expect_class(fails("model.keras", 1, importance = importance), "background", "background")
  expect_class(fails("model.keras", 1, NULL, 3), "option", "without a name")
  expect_class(fails(importance, title = 3), "option", "title")
  expect_class(fails(importance, author = NA_character_), "option", "author")
  expect_class(fails(importance, output_file = 3), "option", "no path")
  expect_class(fails(importance, output_file = "report.pdf", format = "html"), "option", "fit the format")
  expect_class(fails(importance, format = "docx"), "option", "docx")
  expect_class(fails(importance, output_file = file.path(tempfile(), "report.html")), "option", "no folder")
})

test_that("a report can be a PDF", {
  skip_without_pandoc()
  skip_without_latex()
  file <- withr::local_tempfile(fileext = ".pdf")
  render_band_report(landsat_result(), output_file = file, quiet = TRUE)
  expect_identical(readBin(file, "raw", 4), charToRaw("%PDF"))
  expect_gt(file.size(file), 1e5) # with its pictures
})

test_that("what is not installed is named", {
  file <- withr::local_tempfile()
  skip_without_pandoc()
  local_function("latex_engine", function() NULL)
  error <- error_of(render_band_report(landsat_result(), output_file = paste0(file, ".pdf"), quiet = TRUE))
  expect_s3_class(error, "bandlens_error_missing_package")
  expect_match(error$parent$message, "LaTeX")
  expect_match(error$parent$fix, "format = \"html\"", fixed = TRUE)
  local_function("has_pandoc", function() FALSE)
  error <- error_of(render_band_report(landsat_result(), output_file = file, quiet = TRUE))
  expect_s3_class(error, "bandlens_error_missing_package")
  expect_match(error$parent$message, "pandoc")
})

test_that("the file has the ending of its format", {
  withr::local_dir(withr::local_tempdir())
  named <- function(...) basename(report_file(...))
  expect_identical(named(NULL, NULL), "band_report.html")
  expect_identical(named(NULL, "pdf"), "band_report.pdf")
  expect_identical(named("a.PDF", NULL), "a.PDF")
  expect_identical(named("a.b", NULL), "a.b.html")
  expect_identical(named("a", "pdf"), "a.pdf")
  expect_identical(named("a.htm", NULL), "a.htm")
})

test_that("the call is as it was written, without the data in it", {
  written <- "render_band_report(model, x[1:3, ], seed = 2)"
  expect_identical(call_lines(str2lang(written)), written)
  inlined <- as.call(list(quote(bandlens::render_band_report), quote(m), array(0, c(20, 5, 5, 4)), seed = 2))
  expect_identical(call_lines(inlined), "render_band_report(m, <array [20 x 5 x 5 x 4]>, seed = 2)")
})

test_that("every letter can be written in every locale", {
  expect_identical(md(c("for\u00eat", "a", "")), c("for&#234;t", "a", ""))
  importance <- told_whole(scored(c("for\u00eat", "eau")))
  written <- c(report_answer(importance, list()), report_tables(importance), report_meaning(importance))
  expect_true(all(utf8ToInt(paste(written, collapse = "")) < 128))
})

test_that("importance of few background images is told as what it is the mean of", {
  importance <- told_whole(scored(c("wood", "water")))
  expect_match(paste(report_meaning(importance), collapse = " "), "mean of (.{1,6})band score\\1")
  importance$draw_errors <- 0 * importance$scores
  expect_match(paste(report_meaning(importance), collapse = " "), "without the errors of their few background images")
})

test_that("numbers have three digits of the largest", {
  number <- digits_for(c(14.13, 0.5))
  expect_identical(number(c(14.13, -0.04, -3)), c("14.1", "0.0", "-3.0"))
  expect_identical(digits_for(4567)(4567.3), "4567")
  expect_identical(digits_for(3e-7)(c(3e-7, 1.234e-8)), c("3.00e-07", "1.23e-08"))
  expect_identical(digits_for(c(0, NA))(0), "0")
  expect_identical(digits_for(2)(c(1.5, -1), plus = TRUE), c("+1.50", "-1.00"))
})

test_that("notes on methods are those of band_methods()", {
  skip_without_python()
  fields <- c("method", "label", "meaning", "reference")
  # if not: write.csv(as.data.frame(band_methods())[fields], "inst/rmarkdown/methods.csv", row.names = FALSE)
  expect_identical(method_notes(), as.data.frame(band_methods())[fields])
})

test_that("a file of another kind is refused before anything is computed", {
  for (file in c("r.docx", "a/b.TEX", "notes.md")) {
    error <- error_of(render_band_report("no model", images(), output_file = file))
    expect_s3_class(error, "bandlens_error_option")
    expect_identical(error$parent$message, "A report is HTML or PDF.")
    expect_match(error$parent$given, file, fixed = TRUE)
  }
  # a dot in a name is no ending
  expect_match(report_file(file.path(tempdir(), "area.1"), NULL), "area[.]1[.]html$")
})

test_that("misspelt arguments and checks are offered the nearest name", {
  fix <- function(...) error_of(render_band_report(...))$parent$fix
  expect_identical(fix(landsat_result(), tilte = "x"), "did you mean \"title\"?")
  expect_identical(fix("model.keras", images(), outputfile = "x"), "did you mean \"output_file\"?")
  expect_identical(fix(landsat_result(), checks = "stabilty"), "did you mean \"stability\"?")
})

test_that("names are text, whatever they mean to Markdown, HTML, knitr and YAML, and nothing of them is run", {
  skip_without_pandoc()
  run <- withr::local_tempfile()
  code <- sprintf("`r file.create('%s')`", run)
  classes <- c(code, "<b>bold</b>", "a|b*c*_d_", "$x$ {{y}} \"q\" 'z'")
  bands <- c("two\nlines", "# x \\ [l](u) ^s^ ~t~ @k &amp; ```", code)
  model <- paste(code, "<i>x</i> 'q' \"p\": $y$")
  importance <- told_whole(scored(classes, bands), model = model)
  check <- made_stability(bands, classes, outlier = classes[[1]])
  check$verdict <- c(code, "<b>said</b>")
  html <- report_of(importance, checks = list(check), author = c(code, "O'B: \"x\" <b>y</b>"), title = NULL)
  expect_false(file.exists(run))
  text <- text_of(gsub("<img[^>]*>", "", html))
  for (name in c(gsub("\n", " ", classes), gsub("\n", " ", bands), model, "<b>said</b>")) {
    expect_match(text, name, fixed = TRUE)
  }
  expect_no_match(html, "<b>bold</b>", fixed = TRUE)
  expect_no_match(html, "<i>x</i>", fixed = TRUE)

  # a title may be Markdown, and is no code either
  html <- report_of(importance, title = paste("*Which*", code))
  expect_false(file.exists(run))
  expect_match(html, "<em>Which</em>", fixed = TRUE)
})
