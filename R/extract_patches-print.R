# What is said of patches: how many of which classes, of how many bands and inputs.

#' @export
print.band_patches <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.band_patches <- function(x, ...) {
  inputs <- if (is.list(x$x)) x$x else list(x$x)
  sizes <- lapply(inputs, dim)
  of <- function(size) paste0(size[[2]], " x ", size[[3]], " pixels, ", count(size[[4]], "band"))
  bands <- vapply(inputs, function(own) some(dimnames(own)[[4]]), "")
  c(
    cli::style_bold(paste0(
      count(sizes[[1]][[1]], "patch", "patches"), " of ",
      if (is.list(x$x)) count(length(inputs), "input") else of(sizes[[1]])
    )),
    if (is.list(x$x)) {
      paste0(names(inputs), ": ", vapply(sizes, of, ""), ": ", bands)
    } else {
      paste("Bands:", bands)
    },
    paste("Classes:", told_classes(x$y)),
    if (any(x$dropped > 0)) paste("Dropped:", was_dropped(x$dropped)),
    cli::col_grey(paste0(
      "# $x are the images, $y their classes", if (!is.null(x$places)) ", $places where they come from"
    ))
  )
}

told_classes <- function(y) {
  if (is.null(y)) {
    return("none given")
  }
  counts <- if (is_pixel_labels(y)) count_pixels(y) else table(y)
  text <- some(paste0(names(counts), " (", counts, ")"))
  without <- sum(is.na(y))
  paste0(
    if (is_pixel_labels(y)) "of pixels: ", text, if (without > 0) paste0("; ", without, " without a label")
  )
}

#' @export
summary.band_patches <- function(object, ...) {
  in_verb("summarise it", no_other_arguments())
  y <- if (is.null(object$y)) factor(rep(NA, n_windows(object$x)), exclude = NULL) else object$y
  pixels <- is_pixel_labels(y)
  patches <- if (pixels) {
    lapply(stats::setNames(nm = levels(y)), function(class) which(apply(array(y == class, dim(y)), 1, any)))
  } else {
    split(seq_along(y), y)
  }
  places <- object$places
  location <- if (is.null(places[["location"]])) places[["polygon"]] else places[["location"]]
  tibble::tibble(
    class = factor(levels(y), levels(y)),
    n = unname(lengths(patches)),
    locations = if (!is.null(location)) {
      vapply(patches, function(own) length(unique(location[own])), 0L, USE.NAMES = FALSE)
    },
    pixels = if (pixels) as.vector(count_pixels(y))
  )
}
