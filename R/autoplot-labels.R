# What titles, axes and legends say: what was computed, on which scale, over how many images.

# Display name of a method or statistic; the key itself where there is none.
display_name <- function(what, key, default = key) {
  table <- plots_file("labels.csv")
  found <- table$label[table$what == what & table$key == key]
  if (length(found) > 0) found[[1]] else default
}

# Unit of importance and effect, such as "logit" or "logit per unit of input".
score_unit <- function(object) {
  trimws(paste(object$output, display_name("unit", object$method, default = "")))
}

# What importance is: the mean size of band scores, or of the scores themselves where chance must average out.
mean_score <- function(object) if (object$directed) "Mean band score" else "Mean |band score|"

# Is every class explained by its own output?
own_output <- function(table) all(as.character(table$class) == as.character(table$output))

# Do outputs need facets: is more than one explained, and not just each class's own?
several_outputs <- function(table) length(unique(table$output)) > 1 && !own_output(table)

# Two lines: method, statistic and explained output; number of images and a note.
plot_subtitle <- function(object, table, note) {
  sources <- c(
    display_name("method", object$method), display_name("statistic", object$statistic),
    absent_as(object[["options"]][["absent"]])
  )
  two_lines(sources, object, table, note)
}

# What is told of how bands are absent, where they are not the background's whatever the others are.
absent_as <- function(absent) {
  told <- c(conditional = "absent bands given the others", nearest = "absent bands of the nearest pixels")
  if (isTRUE(absent %in% names(told))) told[[absent]]
}

# What was computed, and of which output; number of images and a note.
two_lines <- function(sources, object, table, note) {
  explained <- if (own_output(table)) {
    paste("class", object$output)
  } else if (several_outputs(table)) {
    paste(object$output, "of each output")
  } else {
    paste(object$output, "of", table$output[[1]])
  }
  images <- count(n_images(object), "image")
  paste0(paste(c(sources, explained), collapse = ", "), "\nn = ", images, "; ", note)
}

# Levels that occur, in their order.
present <- function(values) levels(values)[levels(values) %in% values]

# Names broken at spaces into lines of at most `width` characters; longer words stay whole.
wrap <- function(names, width) {
  vapply(names, function(name) paste(strwrap(name, width + 1), collapse = "\n"), "", USE.NAMES = FALSE)
}

# Characters of the longest line.
longest <- function(texts) max(0, nchar(unlist(strsplit(texts, "\n", fixed = TRUE))))
