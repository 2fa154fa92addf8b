# Names and numbers as Markdown that any locale and any name survives.

# A name as it is, whatever it means in Markdown and to knitr. With a backslash, brackets are mathematics; bars end the
# cell of a table.
md <- function(text) {
  text <- gsub("[[:space:]]+", " ", as.character(text)) # lines would end the cell, or the item, that a name is in
  text <- gsub("([\\\\*_{}#+.!&<>~^$@\"'-])", "\\\\\\1", text)
  text <- gsub("`", "&#96;", text, fixed = TRUE) # with a backslash, knitr still takes it for code
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
