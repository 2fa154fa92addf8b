# What a band report says: Markdown from a result and its checks, section by section, as inst/rmarkdown/band_report.Rmd
# puts it together.

# Beyond these, tables show only the first ones.
most_columns <- 13 # bands in the table of shares
most_beside <- 6 # bands side by side
most_in_class <- 6 # bands of a class, one below the other
most_classes <- 12 # classes that a description names

# ---- Words -----------------------------------------------------------------------------------------------------------

report_title <- function(importance) paste("Which bands does", md(importance$model), "rely on?")

report_question <- function(importance) {
  n <- length(importance$classes)
  bands <- length(importance$bands)
  what <- if (is.null(importance$groups)) count(bands, "input band") else paste(bands, "bands and groups of bands")
  paste0(
    "Which of ", what, " does the model **", md(importance$model), "** rely on",
    if (n > 1) paste0(", for which of ", n, " classes"), ", and how sure is that? Asked by ",
    display_name("method", importance$method), " on ", count(length(importance$image_class), "image"), "."
  )
}

report_answer <- function(importance, checks) {
  table <- told(tidy(importance))
  cells <- unique(table[c("class", "output")])
  own <- own_output(cells)
  lines <- vapply(seq_len(nrow(cells)), function(i) {
    rows <- table[table$class == cells$class[[i]] & table$output == cells$output[[i]], ]
    name <- if (own) cells$class[[i]] else paste0(cells$class[[i]], ", ", importance$output, " of ", cells$output[[i]])
    paste0("- **", md(name), "** (n = ", rows$n[[1]], "): ", in_words(rows), how_often_first(rows, checks))
  }, "")
  all <- importance$overall
  c(
    report_question(importance),
    "",
    if (length(importance$classes) > 1) {
      c(
        paste0("Over all classes: ", paste(unique(over_all(all, importance)), collapse = "; "), "."),
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
      "In brackets: importance with its 95 % confidence interval over images, in units of the ", score_unit(importance),
      ".",
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

# The first bands of a class, and whether the first one leads.
in_words <- function(rows) {
  rows <- rows[order(rows$rank), ]
  rows <- rows[!is.na(rows$share) & rows$share > 0, ]
  if (nrow(rows) == 0) {
    return("no band matters.")
  }
  number <- digits_for(rows$importance)
  first <- rows[1, ]
  text <- paste0(
    "**", md(first$band), "** ", percent(first$share, of = rows$share), " (", with_interval(first, number), ")"
  )
  others <- utils::head(rows[-1, ], 2)
  if (nrow(others) > 0) {
    shares <- percent(others$share, of = rows$share)
    others <- paste0(md(others$band), " ", shares, " (", with_interval(others, number), ")")
    text <- paste0(text, ", then ", paste(others, collapse = ", "))
  }
  tied <- nrow(rows) > 1 && isTRUE(rows$conf_low[[1]] <= rows$conf_high[[2]])
  names <- md(rows$band)
  paste0(text, ".", if (tied) paste0(" No clear lead: the intervals of ", names[[1]], " and ", names[[2]], " overlap."))
}

# What is first in one table may not be first in another: what check_stability() says of the first band, if it was made.
how_often_first <- function(rows, checks) {
  stability <- Filter(function(check) identical(check$name, "check_stability") && !is_missing_check(check), checks)
  if (length(stability) == 0) {
    return("")
  }
  table <- tidy(stability[[1]])
  top <- rows[rows$rank == 1, ]
  same <- function(column) as.character(table[[column]]) == as.character(top[[column]])
  often <- table$first[same("class") & same("output") & same("band")]
  if (length(often) != 1 || is.na(often)) {
    return("")
  }
  often <- percent(often, of = 1)
  paste0(" With images and background drawn anew, ", md(top$band), " is first in ", often, " of tables.")
}

over_all <- function(all, importance) {
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

# ---- Tables ----------------------------------------------------------------------------------------------------------

report_tables <- function(importance) {
  table <- told(tidy(importance))
  c(share_lines(importance, table), "", importance_lines(importance, table))
}

# Classes x bands; of many bands, one below the other, if there are not many classes as well.
share_lines <- function(importance, table) {
  bands <- importance$bands
  chosen <- if (length(bands) > most_columns) chosen_bands(importance, table, 10) else seq_along(bands)
  shares <- percent(table$share, unit = "")
  shares <- ifelse(table$rank == 1 & nzchar(shares), paste0("**", shares, "**"), shares)
  cells <- table[!duplicated(table[c("class", "output")]), ]
  shares <- lapply(bands[chosen], function(band) shares[table$band == band])
  own <- own_output(table)
  below <- length(chosen) > most_beside && nrow(cells) <= most_classes
  nm <- importance$wavelengths[chosen]
  nm <- if (below || length(chosen) <= most_beside) ifelse(is.na(nm), "", sprintf(" (%.0f&nbsp;nm)", nm)) else ""
  heads <- paste0(md(bands[chosen]), nm)
  lines <- if (below) {
    columns <- lapply(seq_len(nrow(cells)), function(i) c(vapply(shares, `[[`, "", i), cells$n[[i]]))
    names <- if (own) md(cells$class) else paste0(md(cells$class), ", output ", md(cells$output))
    kable_lines(c(list(c(heads, "n")), columns), c("band", names), align = c("l", rep("r", nrow(cells))))
  } else {
    columns <- c(list(md(cells$class)), if (!own) list(md(cells$output)), shares, list(cells$n))
    heads <- c("class", if (!own) "output", heads, "n")
    kable_lines(columns, heads, align = c("l", if (!own) "l", rep("r", length(chosen) + 1)))
  }
  c(paste0(
    "Share of each band in the importance of a class, in percent",
    if (length(chosen) == length(bands)) paste0(": each ", if (below) "column" else "row", " adds up to 100."),
    if (length(chosen) < length(bands)) {
      paste0(
        ". Shown are the ", length(chosen), " of ", length(bands), " bands with the largest mean share; ",
        "`tidy(importance)` has all."
      )
    },
    " In bold: the most important band. n: number of images."
  ), "", lines)
}

# One row per class and band, in order of importance.
importance_lines <- function(importance, table) {
  n_bands <- length(importance$bands)
  shown <- if (n_bands > most_in_class + 2) most_in_class else n_bands
  rows <- table[table$rank <= shown, ]
  rows <- rows[order(rows$class, rows$output, rows$rank), ]
  first <- !duplicated(rows[c("class", "output")])
  own <- own_output(table)
  number <- digits_for(table$importance)
  values <- c(
    list(class = ifelse(first, md(rows$class), "")),
    if (!own) list(output = ifelse(first, md(rows$output), "")),
    list(
      rank = rows$rank, band = md(rows$band), share = percent(rows$share),
      `importance (95 % interval)` = with_interval(rows, number)
    ),
    if (importance$signed) list(effect = ifelse(is.na(rows$effect), "", number(rows$effect, plus = TRUE)))
  )
  c(
    paste0(
      "Importance with its 95 % confidence interval", if (importance$signed) ", and effect,", " in units of the ",
      score_unit(importance), ".",
      if (shown < n_bands) {
        paste0(" Shown are the first ", shown, " of ", n_bands, " bands of each class; `tidy(importance)` has all.")
      },
      if (importance$signed) " A positive effect: on average, the band raises the output."
    ),
    "",
    kable_lines(
      unname(values), names(values),
      align = c("l", if (!own) "l", "r", "l", "r", "r", if (importance$signed) "r")
    )
  )
}

kable_lines <- function(columns, heads, align) {
  frame <- as.data.frame(stats::setNames(columns, seq_along(columns)), stringsAsFactors = FALSE)
  c(knitr::kable(frame, format = "pipe", col.names = heads, align = align, row.names = FALSE), "")
}

# ---- Pictures --------------------------------------------------------------------------------------------------------

report_pictures <- function(importance) {
  says <- pictures_for(importance)
  unlist(lapply(names(says), function(type) {
    c(says[[type]], "", figure(autoplot(importance, type), type, alt_text(importance, type)), "")
  }))
}

# The types that mean something for a result, and what each shows.
pictures_for <- function(importance) {
  says <- c(
    heatmap = "At a glance: the darker, the larger the band's share in the importance of the class.",
    bars = "How much each band matters, and how sure that is as far as images go.",
    effect = "Which way bands push: those that raise the output of the class, and those that lower it.",
    spectrum = "Where in the spectrum the model looks.",
    distribution = "Whether a band matters for all images of a class or for few, and whether bright images score high."
  )
  says[c(
    TRUE, TRUE, importance$signed, length(importance$bands) > 2 && in_nm(importance$wavelengths),
    is.null(importance$drops)
  )]
}

# A chunk of its own for each picture: it has its height and its description.
figure <- function(plot, name, alt) {
  knitr::knit_child(
    text = c(
      paste0("```{r band-report-figure-", name, ", fig.height = height, fig.alt = alt}"),
      "plot",
      "```"
    ),
    envir = rlang::new_environment(
      list(plot = plot, height = picture_height(plot) / 25.4, alt = alt),
      parent = asNamespace("bandlens")
    ),
    quiet = TRUE
  )
}

# Height in mm at which a picture of full width can be read: by rows of panels, and by what stands on the axis.
picture_height <- function(plot) {
  built <- ggplot2::ggplot_build(plot)
  y <- built$layout$panel_scales_y[[1]]
  marks <- if (is.null(y)) 0 else if (y$is_discrete()) length(y$get_limits()) else sum(!is.na(y$get_breaks()))
  rows <- max(built$layout$layout$ROW)
  lines <- nchar(gsub("[^\n]", "", paste(plot$labels$title, plot$labels$subtitle, sep = "\n")))
  min(30 + 2 * lines + rows * max(if (rows == 1) 45 else 34, 5 + 5 * marks), 400)
}

alt_text <- function(importance, type) {
  kind <- c(
    heatmap = "Tiles of classes and bands: each band's share of importance",
    bars = "Bars: importance of each band with 95 % confidence intervals, a panel per class",
    effect = "Tiles of classes and bands: mean signed band score",
    spectrum = "Lines: importance against wavelength, by class",
    distribution = "Points: band scores of single images, a panel per class"
  )
  table <- told(tidy(importance))
  first <- table[table$rank == 1, ]
  named <- utils::head(first, most_classes)
  paste0(
    kind[[type]], ". Most important: ", paste0(named$band, " for ", named$class, collapse = ", "),
    if (nrow(named) < nrow(first)) ", and others", "."
  )
}

# ---- Checks ----------------------------------------------------------------------------------------------------------

report_belief <- function(importance) {
  n <- length(importance$image_class)
  right <- sum(importance$image_class == importance$prediction, na.rm = TRUE)
  c(
    if (length(importance$classes) > 1) {
      c("### The model", "", if (right == n) {
        "Every image is counted in the class that the model predicts for it."
      } else {
        paste0(
          "The model predicts the class of ", right, " of the ", n, " images (", percent(right / n), ") right. ",
          "Where it is wrong, its errors are explained, too."
        )
      }, "")
    },
    if (!is.null(importance$completeness)) {
      c("### Completeness", "", paste0(
        "The scores of an image should sum to its output less that of the background. The largest deviation of any ",
        "image is ", format(importance$completeness, digits = 2), " times that difference (or times its mean over ",
        "images, where that is larger)."
      ), "")
    },
    if (!is.null(importance$median_local_fit)) {
      c("### Local fit", "", paste0(
        "The local models explain half of the images with an R^2^ of at least ",
        format(importance$median_local_fit, digits = 2), "."
      ), "")
    },
    "### What the intervals cover", "",
    paste0(
      "Which images were explained",
      if (!is.null(importance$options$background_per_image)) ", and the draw of background images for each of them",
      ". Not",
      if (!is.null(importance$background) && is.null(importance$options$background_per_image)) {
        " which background was drawn, nor"
      },
      " what another training run would learn."
    ),
    ""
  )
}

report_checks <- function(checks) {
  if (length(checks) == 0) {
    return(c(
      "### Checks", "",
      paste0(
        "No checks were made. `check_stability()` tells whether other images or another background would have given ",
        "another table; `check_deletion()` whether the bands that are ranked first matter most to the model; ",
        "`check_randomization()` whether the table depends on what the model has learnt; `check_null()` whether the ",
        "method sees that a band is ignored."
      ),
      ""
    ))
  }
  unlist(lapply(seq_along(checks), function(i) check_section(checks[[i]], i)))
}

check_section <- function(check, i) {
  question <- c(
    check_stability = "Would other images, or another background, have given another table?",
    check_deletion = "Do the bands that are ranked first matter most to the model?",
    check_randomization = "Does the table depend on what the model has learnt?",
    check_null = "Does the method see that the model ignores a band, and treat two equal bands alike?",
    compare_importance = "How far do results agree on which bands matter?"
  )
  head <- c(
    paste("###", sentence(check_title(check))), "",
    paste(if (check$name %in% names(question)) question[[check$name]], outcome_span(check)), ""
  )
  if (is_missing_check(check)) {
    return(c(head, paste0("The check could not be made: ", md(check$reason)), ""))
  }
  facts <- as.list(glance(check)[-(1:2)])
  facts <- facts[!vapply(facts, is.na, NA)]
  plot <- tryCatch(autoplot(check), bandlens_error_result = function(error) NULL)
  c(
    head,
    md(check$verdict),
    "",
    if (!is.null(plot)) {
      alt <- paste(c(plot$labels$title, check$verdict), collapse = ". ")
      c(figure(plot, paste0("check-", i), gsub("[.][.]", ".", gsub("\n", " ", alt))), "")
    },
    if (length(facts) > 0) settings_line(vapply(facts, format, "", digits = 3))
  )
}

settings_line <- function(settings, also = NULL) {
  settings <- paste0(names(settings), "&nbsp;=&nbsp;", md(settings), collapse = ", ")
  c("::: settings", paste0("Settings: ", settings, ".", also), ":::", "")
}

is_missing_check <- function(check) !inherits(check, "band_check")

check_title <- function(check) {
  titles <- c(
    check_stability = "stability", check_deletion = "deletion", check_randomization = "random weights",
    check_null = "null bands", compare_importance = "comparison"
  )
  if (check$name %in% names(titles)) titles[[check$name]] else md(check$name)
}

outcome_span <- function(check) {
  if (is_missing_check(check)) {
    "[not made]{.open}"
  } else if (is.na(check$passed)) {
    "[no pass or fail]{.open}"
  } else if (check$passed) {
    "[passed]{.passed}"
  } else {
    "[not passed]{.failed}"
  }
}

# ---- Numbers and methods ---------------------------------------------------------------------------------------------

report_meaning <- function(importance) {
  outputs <- c(
    logit = "the logit: the model's value for a class before the final softmax or sigmoid",
    probability = "the probability that the model gives a class, after the final softmax or sigmoid"
  )
  scale <- importance$output
  words <- c(
    output = if (scale %in% names(outputs)) outputs[[scale]] else md(scale),
    `band score` = paste0(
      "an image's attributions to one band, reduced over its pixels: ", display_name("statistic", importance$statistic)
    ),
    importance = paste0(
      if (importance$directed) "mean of the band scores" else "mean of |band score|",
      " over the images of a class; the 95 % confidence interval is that of this mean"
    ),
    effect = if (importance$signed) "mean of the signed band scores: positive where the band raises the output",
    share = "importance divided by its sum over the bands, within a class",
    rank = "1 is the most important band of a class",
    background = if (!is.null(importance$background)) {
      paste0(
        "images that stand for \"band not informative\": ", count(length(importance$background), "image"),
        if (identical(importance$background_source, "x")) " of the explained ones" else " of those given as background"
      )
    },
    unit = paste0(
      "importance and effect are in units of the ", score_unit(importance), "; nothing is rescaled per image"
    )
  )
  c(kable_lines(list(names(words), words), c("word", "meaning"), align = "ll"), groups_lines(importance))
}

groups_lines <- function(importance) {
  if (length(importance$groups) == 0) {
    return(NULL)
  }
  members <- vapply(importance$groups, function(group) paste(md(group), collapse = ", "), "")
  members <- paste0(md(names(members)), " (", members, ")", collapse = "; ")
  c(paste0("Bands that were treated as one: ", members, "."), "")
}

report_method <- function(importance) {
  note <- method_notes()
  note <- note[note$method == importance$method, ]
  options <- importance$options[!vapply(importance$options, is.null, NA)]
  about <- glance(importance)
  settings <- c(
    method = importance$method, statistic = importance$statistic, output = importance$output, seed = importance$seed,
    vapply(options, shown_option, "")
  )
  c(
    if (nrow(note) == 1) {
      reference <- linked(as_entities(note$reference))
      c(paste0("**", note$label, "**: ", md(note$meaning)), "", paste0("Reference: ", reference, "."), "")
    } else {
      c(paste0("**", display_name("method", importance$method), "**."), "")
    },
    settings_line(settings, sprintf(" Computed in %.1f s.", about$seconds))
  )
}

shown_option <- function(option) {
  is_short <- is.atomic(option) && is.null(dim(option)) && length(option) <= 8
  if (is_short) paste(option, collapse = ", ") else shown(option)
}

# What band_methods() says, for sessions without Python. A test holds the two together.
method_notes <- function() {
  utils::read.csv(
    system.file("rmarkdown", "methods.csv", package = "bandlens", mustWork = TRUE),
    colClasses = "character", na.strings = character(), encoding = "UTF-8"
  )
}

linked <- function(reference) {
  gsub("arXiv:([0-9.]+[0-9])", "[arXiv:\\1](https://arxiv.org/abs/\\1)", reference)
}

# What made the result: lines that are given, or the chunk of the document where users fill in theirs.
report_code <- function(code) {
  if (is.character(code)) {
    return(code)
  }
  own <- knitr::knit_code$get("explain")
  as.character(if (isFALSE(attr(own, "chunk_opts")$eval)) knitr::knit_code$get("example") else own)
}

report_source <- function(importance, code) {
  code <- paste(code, collapse = "\n")
  fence <- if (grepl("```", code, fixed = TRUE)) "~~~~" else "```"
  then <- importance$versions
  packages <- c("bandlens", "ggplot2", "reticulate", "rmarkdown")
  version <- function(name) as.character(utils::packageVersion(name))
  now <- c(R = as.character(getRversion()), vapply(packages, version, ""))
  c(
    if (nzchar(code)) c("### Code", "", paste0(fence, "r"), code, fence, ""),
    "### Versions", "",
    paste0("The table was computed with ", paste(names(then), then, collapse = ", "), "."),
    "",
    paste0("This report was written on ", format(Sys.time(), "%Y-%m-%d %H:%M"), " with ",
      paste(names(now), now, collapse = ", "), ", on ", md(utils::sessionInfo()$running), "."),
    ""
  )
}

# ---- Texts -----------------------------------------------------------------------------------------------------------

# A name as it is, whatever it means in Markdown. With a backslash, brackets are mathematics; bars end the cell of a
# table.
md <- function(text) {
  text <- gsub("([\\\\`*_{}#+.!&<>~^$@\"'-])", "\\\\\\1", as.character(text))
  text <- gsub("[", "&#91;", text, fixed = TRUE)
  text <- gsub("]", "&#93;", text, fixed = TRUE)
  as_entities(gsub("|", "&#124;", text, fixed = TRUE))
}

# Letters beyond ASCII by their numbers: cat() can't write them in every locale.
as_entities <- function(text) {
  vapply(text, function(one) {
    codes <- utf8ToInt(enc2utf8(one))
    letters <- ifelse(codes > 127, sprintf("&#%d;", codes), intToUtf8(codes, multiple = TRUE))
    paste(letters, collapse = "")
  }, "", USE.NAMES = FALSE)
}

# Whole numbers, or tenths where no band of many has a large share.
percent <- function(share, unit = "&nbsp;%", of = share) {
  digits <- if (max(of, 0, na.rm = TRUE) < 0.1) 1 else 0
  ifelse(is.na(share), "", sprintf("%.*f%s", digits, 100 * share, unit))
}

# How to print numbers of one kind: three digits of the largest.
digits_for <- function(values) {
  largest <- max(abs(values), 0, na.rm = TRUE)
  digits <- if (largest > 0) 2 - floor(log10(largest)) else 0
  if (digits > 5 || digits < -3) {
    return(function(x, plus = FALSE) formatC(x, digits = 2, format = "e", flag = if (plus) "+" else ""))
  }
  digits <- max(digits, 0)
  function(x, plus = FALSE) {
    x <- round(x, digits) + 0 # no -0.0
    formatC(x, digits = digits, format = "f", flag = if (plus) "+" else "")
  }
}

with_interval <- function(rows, number) {
  value <- number(rows$importance)
  ifelse(is.na(rows$conf_low), value, paste0(value, "; ", number(rows$conf_low), " to ", number(rows$conf_high)))
}
