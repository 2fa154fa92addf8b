# The axis of time: steps stand at their dates or numbers, named ones side by side, and labels are those of steps.

# Where each cell stands on the axis; missing where it has no step.
step_places <- function(object) {
  found <- from_times(object$times, object$time_kind)
  if (is.factor(found)) as.numeric(found) else found
}

# From where to where each cell's step lasts: from midway to the one before until midway to the next, of its own input;
# all of the axis where a cell has no step.
step_spans <- function(object) {
  places <- step_places(object)
  at <- as.numeric(places)
  inputs <- if (is.null(object$inputs)) rep("", length(at)) else object$inputs
  left <- right <- rep(NA_real_, length(at))
  for (input in unique(inputs[!is.na(at)])) {
    mine <- !is.na(at) & inputs == input
    steps <- sort(unique(at[mine]))
    half <- if (length(steps) > 1) diff(steps) / 2 else if (inherits(places, "POSIXct")) 43200 else 0.5
    inner <- half[seq_len(length(steps) - 1)]
    which <- match(at[mine], steps)
    left[mine] <- (steps - c(half[[1]], inner))[which]
    right[mine] <- (steps + c(inner, half[[length(half)]]))[which]
  }
  left[is.na(at)] <- min(left, na.rm = TRUE)
  right[is.na(at)] <- max(right, na.rm = TRUE)
  list(left = like_places(left, places), right = like_places(right, places))
}

like_places <- function(numbers, places) {
  if (inherits(places, "Date")) {
    structure(numbers, class = "Date")
  } else if (inherits(places, "POSIXct")) {
    as.POSIXct(numbers, origin = "1970-01-01", tz = "UTC")
  } else {
    numbers
  }
}

# Scale, title and text of the x axis. `room`: characters that fit across a panel; `expand`: room at both ends, as a
# part of the axis.
time_axis <- function(object, room, expand = 0) {
  places <- step_places(object)
  known <- which(!is.na(places) & !duplicated(places))
  known <- known[order(places[known])]
  names <- object$times[known]
  numbers <- as.numeric(places[known])
  flat <- longest(names) + 1
  upright <- fits_steps(numbers, room) >= flat
  chosen <- labelled_steps(numbers, (if (upright) flat else 3) / room)
  scale <- switch(class(places)[[1]],
    Date = ggplot2::scale_x_date,
    POSIXct = function(...) ggplot2::scale_x_datetime(..., timezone = "UTC"),
    ggplot2::scale_x_continuous
  )
  list(
    scale(breaks = places[known][chosen], labels = names[chosen], expand = ggplot2::expansion(mult = expand)),
    ggplot2::labs(x = step_title(object)),
    if (!upright) ggplot2::theme(axis.text.x = ggplot2::element_text(angle = 45, hjust = 1, vjust = 1))
  )
}

# Characters from one step to the next, where they are nearest.
fits_steps <- function(numbers, room) {
  if (length(numbers) < 2) room else min(diff(numbers)) / diff(range(numbers)) * room
}

# Steps, in order, with a label: from the first, each that is so far from the one before, as a part of the axis.
labelled_steps <- function(numbers, least) {
  extent <- max(diff(range(numbers)), .Machine$double.xmin)
  chosen <- 1L
  for (step in seq_along(numbers)[-1]) {
    if ((numbers[[step]] - numbers[[chosen[[length(chosen)]]]]) / extent >= least) chosen <- c(chosen, step)
  }
  chosen
}

step_title <- function(object) switch(object$time_kind, date = "Date", number = "Time", "Step")
