# The pictures of a band report, with their heights and descriptions.

report_pictures <- function(importance) {
  says <- pictures_for(importance)
  unlist(lapply(names(says), function(type) {
    together <- if (knitr::is_latex_output()) c("", "\\nopagebreak") # what is said and the picture, on one page
    c(says[[type]], together, "", figure(report_picture(importance, type), type, alt_text(importance, type)), "")
  }))
}

# Types without a place for steps show what was summed over them.
report_picture <- function(importance, type) {
  autoplot(importance, type, level = if (!is.null(importance$times) && type %in% of_bands) "band")
}

# The types that mean something for a result, and what each shows.
pictures_for <- function(importance) {
  says <- c(
    heatmap = "At a glance: the darker, the larger the band's share in the importance of the class.",
    bars = "How much each band matters, and how sure that is as far as images go.",
    effect = "Which way bands push: those that raise the output of the class, and those that lower it.",
    spectrum = "Where in the spectrum the model looks.",
    curves = "When each band matters.",
    distribution = "Whether a band matters for all images of a class or for few, and whether bright images score high."
  )
  says[c(
    TRUE, TRUE, importance$signed, length(importance$bands) > 2 && in_nm(importance$wavelengths),
    !is.null(importance$times), is.null(importance$drops)
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
    curves = "Lines: importance along time, by band and class",
    distribution = "Points: band scores of single images, a panel per class"
  )
  table <- told(tidy(cells_in_words(importance)))
  first <- table[table$rank == 1, ]
  named <- utils::head(first, most_classes)
  paste0(
    kind[[type]], ". Ranked first: ", paste0(named$band, " for ", named$class, collapse = ", "),
    if (nrow(named) < nrow(first)) ", and others", "."
  )
}
