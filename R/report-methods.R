# What the numbers in a band report mean, how they were computed, and how to compute them again.

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
      if (importance$directed) {
        "mean of the band scores"
      } else if (is.null(importance$draw_errors)) {
        "mean of |band score|"
      } else {
        "mean size of the band scores, without the errors of their few background images"
      },
      " over the images of a class; the 95 % confidence interval is that of this mean"
    ),
    effect = if (importance$signed) "mean of the signed band scores: positive where the band raises the output",
    share = "importance divided by its sum over the bands, within a class",
    rank = "1 is the most important band of a class",
    background = if (!is.null(importance$background)) {
      paste0(
        "images that stand for \"band not informative\": ", count(length(importance$background), "image"),
        if (identical(importance$background_source, "x")) " of the explained ones" else " of those given as background",
        told_strategy(importance)
      )
    },
    unit = paste0(
      "importance and effect are in units of the ", score_unit(importance), "; nothing is rescaled per image"
    )
  )
  c(kable_lines(list(names(words), words), c("word", "meaning"), align = "ll"), groups_lines(importance))
}

groups_lines <- function(importance) {
  c(
    told_groups(importance$groups, "Bands that were treated as one: "),
    told_groups(importance$zone_bands, "Groups of bands that shared first: ")
  )
}

told_groups <- function(groups, words) {
  if (length(groups) > 0) {
    members <- vapply(groups, function(group) paste(md(group), collapse = ", "), "")
    c(paste0(words, paste0(md(names(members)), " (", members, ")", collapse = "; "), "."), "")
  }
}

report_method <- function(importance) {
  note <- method_notes()
  note <- note[note$method == importance$method, ]
  options <- importance$options[!vapply(importance$options, is.null, NA)]
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
    settings_line(settings, sprintf(" Computed in %.1f s.", importance$seconds))
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
