# What the outputs of a model stand for, on its way to Python: which of several outputs, for what task, over which zone.
# Class numbers in images of labels count from 1, as everywhere in R; the core takes them so.

tasks <- c("auto", "classification", "multilabel", "regression", "segmentation")

# Arguments of the outputs that were given; a verb that takes none has none of them.
as_outputs <- function(head = NULL, task = "auto", zone = NULL, ignore = NULL) {
  list(
    head = as_head(head), task = choose(task, tasks, "task"), zone = as_zone(zone), ignore = as_ignored(ignore)
  )
}

# Name of one of several outputs, or its number counted from 1.
as_head <- function(head) {
  if (is.null(head) || rlang::is_string(head)) {
    return(head)
  }
  if (!is_count(head)) {
    cause("option", "`head` names no output of the model.",
      expected = "the name of one of its outputs, or its number, counted from 1", given = shown(head)
    )
  }
  as.integer(head) - 1L
}

# The name of a kind of zone, or a mask.
as_zone <- function(zone) {
  if (is.null(zone) || rlang::is_string(zone)) {
    return(zone)
  }
  if (!is.array(zone) || !(is.logical(zone) || is.numeric(zone)) || anyNA(zone)) {
    cause("option", "`zone` is no mask.",
      expected = "\"label\", \"predicted\", \"image\", or a logical array, images x rows x columns", given = shown(zone)
    )
  }
  unname(zone) != 0
}

# Values that stand for no class: NA is a number that is not one in Python.
as_ignored <- function(ignore) {
  if (is.null(ignore)) {
    return(NULL)
  }
  if (is.factor(ignore)) {
    ignore <- as.character(ignore)
  }
  if (is.character(ignore)) as.list(ignore) else as.list(as.double(ignore))
}
