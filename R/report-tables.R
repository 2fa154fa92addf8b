# The tables of a band report, as Markdown.

report_tables <- function(importance, checks = list()) {
  whole <- if (!is.null(importance$sums$band)) summed_lines(importance)
  importance <- cells_in_words(importance)
  table <- told(tidy(importance))
  c(whole, share_lines(importance, table, checks), "", importance_lines(importance, table))
}

# What bands matter over all steps; the other tables have bands at steps.
summed_lines <- function(importance) {
  sums <- cells_in_words(summed(importance, "band", scores = FALSE))
  c("With scores summed over the steps:", "", share_lines(sums, told(tidy(sums))), "", "At single steps:", "")
}

# Rows of classes whose first band the check of stability contradicts, which is not printed in bold.
contradicted_rows <- function(table, checks) {
  cells <- paste(table$class, table$output, sep = "\r")
  found <- lapply(split(seq_len(nrow(table)), cells), function(rows) {
    if (identical(judged_first(table[rows, ], checks)$outcome, "outlier")) rows
  })
  seq_len(nrow(table)) %in% unlist(found)
}

# Classes x bands; of many bands, one below the other, if there are not many classes as well.
share_lines <- function(importance, table, checks = list()) {
  bands <- importance$bands
  chosen <- if (length(bands) > most_columns) chosen_bands(importance, table, 10) else seq_along(bands)
  shares <- percent(table$share, unit = "")
  doubtful <- contradicted_rows(table, checks)
  shares <- ifelse(table$rank == 1 & nzchar(shares) & !doubtful, paste0("**", shares, "**"), shares)
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
    " In bold: the most important band",
    if (any(doubtful)) ", but where other samples would put another band first",
    ". n: number of images."
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
