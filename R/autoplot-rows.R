# What a picture draws of results with several inputs or a time axis: sums over steps or bands, and cells in words.
#
# Most types know bands by name alone. They are given results whose bands are called as cells are ("sar: VV"), each
# once.

draw_themselves <- c("heatmap", "effect", "curves") # inputs and steps
of_bands <- c("bars", "spectrum", "runs") # not of bands at steps
of_images <- c("distribution", "dependence", "waterfall") # need scores of images
sum_levels <- c("band", "time", "input", "group")
summed_over <- c(
  band = "summed over steps", time = "summed over bands", input = "summed over all of an input",
  group = "summed over the bands of each group"
)

# The result with bands called as cells are, each once, and no inputs and steps.
cells_in_words <- function(object) {
  if (is.null(object$inputs) && is.null(object$times)) {
    return(object)
  }
  words <- cell_names(object)
  for (table in intersect(c("table", "overall", "run_table"), names(object))) {
    object[[table]] <- rows_in_words(object[[table]], words, object$wavelengths)
  }
  object$bands <- words
  object[c("inputs", "times", "time_kind")] <- NULL
  object
}

# A table whose rows are cells, with these words for bands.
rows_in_words <- function(table, words, wavelengths) {
  cell <- rep_len(seq_along(words), nrow(table))
  rest <- setdiff(names(table), c("run", "class", "output", "input", "band", "time", "wavelength"))
  tibble::tibble(
    table[intersect(c("run", "class", "output"), names(table))],
    band = in_levels(words)[cell], wavelength = wavelengths[cell], table[rest]
  )
}

# The bands of a check's table in words, as cells are called; missing where there is none.
bands_in_words <- function(table) {
  if (!any(c("input", "time") %in% names(table))) {
    return(table$band)
  }
  words <- row_cells(table)
  words[is.na(table$band)] <- NA
  factor(words, unique(words[!is.na(words)]), ordered = TRUE)
}

# The result whose cells are bands, steps or inputs. Scores of images are summed by the core.
summed <- function(object, level, scores) {
  table <- table_of_sums(object, level)
  if (scores) {
    return(as_band_importance(call_bridge("sums", as_result(object), level)))
  }
  first <- table[table$class == table$class[[1]] & table$output == table$output[[1]], ]
  object$table <- table
  has_bands <- level %in% c("band", "group")
  object$bands <- if (has_bands) as.character(first$band) else rep("", nrow(first))
  object$wavelengths <- if (has_bands) first$wavelength else rep(NA_real_, nrow(first))
  object$inputs <- if (!is.null(object$inputs)) as.character(first$input)
  has_times <- "time" %in% names(first)
  object$times <- if (has_times) step_texts(first$time)
  if (!has_times) object$time_kind <- NULL
  object
}

# The result that this type draws at this level.
drawable <- function(object, type, level) {
  if (!is.null(level)) {
    level <- choose(level, sum_levels, "level")
    takes <- switch(type, spectrum = , dependence = c("band", "group"), curves = "time", level)
    if (!level %in% takes) {
      cause("option", paste0("The picture \"", type, "\" does not show these sums."),
        expected = paste0("level = ", paste0("\"", takes, "\"", collapse = " or "), ", or NULL"), given = shown(level)
      )
    }
    object <- summed(object, level, type %in% of_images)
  } else if (!is.null(object$times) && type %in% of_bands) {
    cause("option", paste0("The picture \"", type, "\" shows bands, and the result has bands at steps."),
      expected = "level = \"band\", which sums scores over the steps", given = "level = NULL",
      fix = "draw the type \"heatmap\" or \"curves\", which show bands and steps"
    )
  }
  if (type == "curves" && is.null(object$times)) {
    cause("option", "The picture \"curves\" needs a time axis.",
      expected = "a result with scores per step", given = "none",
      fix = "compute importance with `time_axis`, or draw the type \"heatmap\" or \"bars\""
    )
  }
  itself <- type %in% draw_themselves && (!is.null(object$times) || any(nzchar(object$bands)))
  if (itself) object else cells_in_words(object)
}

# The picture, with words for what was summed.
tell_sums <- function(plot, type, level, width, base_size) {
  if (is.null(level)) {
    return(plot)
  }
  note <- paste0(plot$labels$subtitle, "; scores ", summed_over[[level]])
  plot <- plot + ggplot2::labs(subtitle = wrap_lines(note, width, base_size))
  noun <- c(time = "step", input = "input", group = "group")[level]
  titles <- c(
    heatmap = "Share of importance by class and %s", effect = "Effect of each %s by class",
    bars = "Importance of each %s by class", ranks = "%ss in order of importance, by class"
  )
  if (is.na(noun)) {
    return(plot)
  }
  if (type %in% names(titles)) {
    title <- sprintf(titles[[type]], if (type == "ranks") sentence(noun) else noun)
    plot <- plot + ggplot2::labs(title = title)
  }
  shown <- Filter(function(axis) grepl("^Band( \\(|$)", paste(plot$labels[[axis]])[1]), c("x", "y"))
  plot + do.call(ggplot2::labs, stats::setNames(as.list(rep(sentence(noun), length(shown))), shown))
}
