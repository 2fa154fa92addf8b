# What a band report says: Markdown from a result and its checks, section by section, as
# inst/rmarkdown/band_report.Rmd puts it together. Here: the question, and the answer in words.

# Beyond these, tables show only the first ones.
most_columns <- 13 # bands in the table of shares
most_beside <- 6 # bands side by side
most_in_class <- 6 # bands of a class, one below the other
most_classes <- 12 # classes that a description names

report_title <- function(importance) paste("Which bands does", md(importance$model), "rely on?")

report_question <- function(importance) {
  n <- length(importance$classes)
  plain <- is.null(importance$inputs) && is.null(importance$times)
  bands <- count_bands(importance)
  what <- if (!is.null(importance$groups)) {
    paste(bands, "bands and groups of bands")
  } else if (plain) {
    count(bands, "input band")
  } else {
    count_cells(importance)
  }
  paste0(
    "Which of ", what, " does the model **", md(importance$model), "** rely on",
    if (n > 1) paste0(", for which of ", n, " classes"), ", and how sure is that? Asked by ",
    display_name("method", importance$method), " on ", count(n_images(importance), "image"), ".",
    if (!is.null(importance$accuracy)) paste0(" ", md(told_accuracy(importance)), ".")
  )
}

report_answer <- function(importance, checks) {
  question <- report_question(importance)
  importance <- cells_in_words(importance)
  table <- told(tidy(importance))
  cells <- unique(table[c("class", "output")])
  own <- own_output(cells)
  lines <- vapply(seq_len(nrow(cells)), function(i) {
    rows <- table[table$class == cells$class[[i]] & table$output == cells$output[[i]], ]
    name <- if (own) cells$class[[i]] else paste0(cells$class[[i]], ", ", importance$output, " of ", cells$output[[i]])
    paste0("- **", md(name), "** (n = ", rows$n[[1]], "): ", in_words(rows, judged_first(rows, checks)))
  }, "")
  c(
    question,
    "",
    if (length(importance$classes) > 1) {
      c(
        paste0("Over all classes: ", paste(unique(over_all(importance$overall)), collapse = "; "), "."),
        "",
        "For each class, the bands with the largest share of the importance:",
        ""
      )
    },
    lines,
    "",
    if (any(!importance$classes %in% table$class)) {
      c(paste0("No image is of: ", paste(md(setdiff(importance$classes, table$class)), collapse = ", "), "."), "")
    },
    paste0(
      "In brackets: importance with its 95 % confidence interval over ", interval_over(table), ", in units of the ",
      score_unit(importance), ".",
      if (anyNA(table$std_error)) " A single image has no interval."
    ),
    if (nrow(table) < nrow(tidy(importance))) {
      paste0("\nEvery class is told by its own output; `tidy()` has the other outputs, too.")
    },
    "",
    if (length(checks) > 0) {
      c(paste0("Checks: ", paste0(vapply(checks, function(check) {
        paste0(check_title(check), " ", outcome_span(check))
      }, ""), collapse = ", "), ". What they found is [below](#can-it-be-believed)."), "")
    }
  )
}

# The first bands of a class, and whether the first one leads: what contradicts the table comes first.
in_words <- function(rows, judged = NULL) {
  contradicted <- identical(judged$outcome, "outlier")
  rows <- rows[order(rows$rank), ]
  rows <- rows[!is.na(rows$share) & rows$share > 0, ]
  if (nrow(rows) == 0) {
    return("no band matters.")
  }
  number <- digits_for(rows$importance)
  first <- rows[1, ]
  bold <- if (contradicted) "" else "**"
  text <- paste0(
    bold, md(first$band), bold, " ", percent(first$share, of = rows$share), " (", with_interval(first, number), ")"
  )
  others <- utils::head(rows[-1, ], 2)
  if (nrow(others) > 0) {
    shares <- percent(others$share, of = rows$share)
    others <- paste0(md(others$band), " ", shares, " (", with_interval(others, number), ")")
    text <- paste0(text, ", then ", paste(others, collapse = ", "))
  }
  tied <- nrow(rows) > 1 && isTRUE(rows$conf_low[[1]] <= rows$conf_high[[2]])
  names <- md(rows$band)
  text <- paste0(
    text, ".", if (tied) paste0(" No clear lead: the intervals of ", names[[1]], " and ", names[[2]], " overlap.")
  )
  if (is.null(judged)) {
    return(text)
  }
  often <- paste0(
    "With images and background drawn anew, ", md(judged$band), " is first in ", percent(judged$first, of = 1),
    " of tables"
  )
  if (contradicted) {
    rival <- paste0(", and ", md(judged$rival), " in ", percent(judged$rival_first, of = 1), ".")
    paste0("**the first band is not settled.** ", often, rival, " In this table: ", text)
  } else {
    paste0(text, " ", often, ".")
  }
}

# What is first in one table may not be first in another: what check_stability() says of the first band, if it was made.
# Checks that were saved by earlier versions know neither rival nor outcome.
judged_first <- function(rows, checks) {
  stability <- Filter(function(check) identical(check$name, "check_stability") && !is_missing_check(check), checks)
  if (length(stability) == 0) {
    return(NULL)
  }
  top <- rows[rows$rank == 1, ]
  own <- function(table, columns) {
    same <- lapply(columns, function(column) as.character(table[[column]]) == as.character(top[[column]]))
    table[Reduce(`&`, same), ]
  }
  often <- own(tidy(stability[[1]]), c("class", "output", "band"))$first
  if (length(often) != 1 || is.na(often)) {
    return(NULL)
  }
  judged <- list(band = as.character(top$band), first = often)
  rank <- stability[[1]]$tables$rank
  if ("outcome" %in% names(rank)) {
    more <- own(rank, c("class", "output", "band"))
    judged[c("rival", "outcome")] <- lapply(more[c("rival", "outcome")], as.character)
    judged$rival_first <- more$rival_first
  }
  judged
}

over_all <- function(all) {
  outputs <- unique(all$output)
  vapply(seq_along(outputs), function(i) {
    rows <- all[all$output %in% outputs[[i]], ]
    rows <- utils::head(rows[order(rows$rank), ], 3)
    paste0(
      if (length(outputs) > 1) paste0("for the output ", md(outputs[[i]]), " "),
      paste0(md(rows$band), " ", percent(rows$share), collapse = ", ")
    )
  }, "")
}

# The rows that are told: where every output is explained for every class, each class's own.
told <- function(table) {
  own <- as.character(table$class) == as.character(table$output)
  if (several_outputs(table) && any(own)) table[own, ] else table
}
