# The one look of all pictures: plain, readable at journal width (85 mm and 175 mm) at its default font size.

small_print <- 0.875 # size of axis text and the like, relative to the base size

# How many characters of small print fit across a picture of this width (mm), for a rather wide font.
characters <- function(width, base_size) width / 25.4 * 72 / (0.6 * small_print * base_size)

theme_bandlens <- function(base_size) {
  small <- ggplot2::rel(small_print)
  subtle <- ink("subtle")
  theme <- ggplot2::theme_minimal(base_size = base_size) +
    ggplot2::theme(
      text = ggplot2::element_text(colour = ink("text")),
      axis.text = ggplot2::element_text(colour = subtle, size = small),
      axis.title = ggplot2::element_text(lineheight = 1.1),
      axis.title.x = ggplot2::element_text(margin = ggplot2::margin(t = 0.5 * base_size)),
      legend.box.spacing = ggplot2::unit(0.5 * base_size, "pt"),
      legend.direction = "horizontal",
      legend.key.height = ggplot2::unit(0.9 * base_size, "pt"),
      legend.key.width = ggplot2::unit(13 / 5 * base_size, "pt"), # a colour bar is five keys wide
      legend.margin = ggplot2::margin(),
      legend.position = "bottom",
      legend.text = ggplot2::element_text(colour = subtle, size = small),
      legend.title = ggplot2::element_text(size = ggplot2::rel(1), hjust = 0.5),
      panel.grid = ggplot2::element_blank(),
      plot.background = ggplot2::element_rect(fill = ink("paper"), colour = NA),
      plot.subtitle = ggplot2::element_text(colour = subtle, size = small),
      plot.title = ggplot2::element_text(face = "bold", size = ggplot2::rel(1.125)),
      plot.title.position = "plot",
      strip.text = ggplot2::element_text(colour = ink("text"), size = ggplot2::rel(1)),
      strip.text.x = ggplot2::element_text(
        hjust = 0, vjust = 0, margin = ggplot2::margin(0.4 * base_size, 0, 0.4 * base_size, 0)
      )
    )
  if (guides_by_theme()) {
    theme <- theme + ggplot2::theme(legend.ticks = ggplot2::element_blank(), legend.title.position = "top")
  }
  theme
}

# A colour bar without ticks and with its title on top.
colour_bar <- function() {
  if (guides_by_theme()) ggplot2::guide_colourbar() else ggplot2::guide_colourbar(ticks = FALSE, title.position = "top")
}

# ggplot2 3.5.0 moved the looks of guides from their arguments to the theme.
guides_by_theme <- function() utils::packageVersion("ggplot2") >= "3.5.0"
