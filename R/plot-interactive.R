# Interactive pictures of the class x band table, by plotly: what a tile, a bar or a point is, is said under the mouse.
#
# A figure is what plotly.js takes, written down as it is, as in Python. The static pictures are for papers; these are
# for looking closely, at many bands above all.

interactive_types <- c("heatmap", "bars", "spectrum")
page <- 100 # characters across it, for panels side by side
row_height <- c(heatmap = 26, bars = 210, spectrum = 260) # pixels of a row of tiles or panels

interactive_picture <- function(object, type = "heatmap", ..., level = NULL, scales = "fixed") {
  if (!rlang::is_string(type) || !type %in% interactive_types) {
    cause("option", "This picture is not drawn interactively.",
      expected = "type \"heatmap\", \"bars\" or \"spectrum\", or interactive = FALSE", given = shown(type)
    )
  }
  if (...length() > 0) {
    cause("option", "Interactive pictures have no such option.", expected = "`type`, `level` and `scales`",
      given = some(paste0("`", rlang::names2(list(...)), "`"))
    )
  }
  free <- choose(scales, c("fixed", "free"), "scales") == "free"
  need_plotly()
  if (!is.null(level)) object <- summed(object, choose(level, sum_levels, "level"), scores = FALSE)
  plotly::as_widget(figure_of(cells_in_words(object), type, free))
}

need_plotly <- function(there = requireNamespace("plotly", quietly = TRUE)) {
  if (!there) {
    cause("missing_package", "Interactive pictures need the R package plotly.", fix = "`install.packages(\"plotly\")`")
  }
}

# The figure as plotly.js takes it.
figure_of <- function(object, type, free) {
  table <- tidy(object)
  table$hover <- hover_texts(object, table)
  switch(type,
    heatmap = heatmap_figure(object, table, free),
    bars = bars_figure(object, table, free),
    spectrum = spectrum_figure(object, table, free)
  )
}

# Names as they are: plotly would read tags in them.
as_html <- function(names) {
  safe <- gsub("&", "&amp;", as.character(names), fixed = TRUE)
  gsub(">", "&gt;", gsub("<", "&lt;", safe, fixed = TRUE), fixed = TRUE)
}

# What is said about each class and band.
hover_texts <- function(object, table) {
  own <- as.character(table$class) == as.character(table$output)
  line <- function(known, text) ifelse(known, paste0("<br>", text), "")
  paste0(
    "<b>", as_html(table$class), "</b>",
    line(!own, paste(object$output, "of", as_html(table$output))),
    "<br>band: ", as_html(table$band),
    line(is.finite(table$wavelength), sprintf("wavelength: %.0f nm", table$wavelength)),
    "<br>importance: ", sprintf("%.3g", table$importance), " ", score_unit(object),
    line(is.finite(table$std_error), sprintf("95 %% interval: %.3g to %.3g", table$conf_low, table$conf_high)),
    line(is.finite(table$share), sprintf("share: %.1f %%, rank %d", 100 * table$share, table$rank)),
    ifelse(table$n == 1, "<br>1 image, no interval", paste0("<br>", table$n, " images"))
  )
}

heatmap_figure <- function(object, table, free) {
  classes <- rev(present(table$class))
  table$value <- 100 * (if (free) of_largest(table, "share") else table$share)
  highest <- max(table$value, 0, na.rm = TRUE)
  cells <- function(part, column) lapply(classes, function(name) part[[column]][part$class == name])
  parts <- parts_by(table, if (several_outputs(table)) "output")
  panels <- lapply(seq_along(parts), function(at) {
    list(
      title = if (length(parts) > 1) paste(object$output, "of", names(parts)[[at]]) else "",
      traces = list(list(
        type = "heatmap", x = object$bands, y = I(classes), z = cells(parts[[at]], "value"),
        text = cells(parts[[at]], "hover"), hoverinfo = "text", colorscale = colour_scale("share"),
        zmin = 0, zmax = if (highest > 0) highest else 100, showscale = at == 1,
        colorbar = list(title = list(text = if (free) "% of largest in row" else "Share (%)")),
        xgap = if (length(object$bands) <= named_bands) 1 else 0, ygap = 1
      ))
    )
  })
  plotly_figure(
    panels,
    columns = panel_columns(length(panels), length(object$bands), page),
    high = row_height[["heatmap"]] * max(length(classes), 4),
    title = figure_title("Share of importance by class and band", plot_subtitle(
      object, table, if (free) paste(own_colours("row"), "share") else "each row adds up to 100 %"
    )),
    x = category_axis(object),
    y = list(
      type = "category", automargin = TRUE, tickmode = "array", tickvals = I(classes), ticktext = I(as_html(classes))
    )
  )
}

bars_figure <- function(object, table, free) {
  several <- several_outputs(table)
  fills <- unname(band_colours(object$bands, object$wavelengths))
  panels <- unlist(lapply(parts_by(table, "class"), function(of_class) {
    lapply(parts_by(of_class, if (several) "output"), function(part) {
      counted <- sprintf("%s (n = %d)", part$class[[1]], part$n[[1]])
      trace <- list(
        type = "bar", x = object$bands, y = part$importance, text = part$hover, hoverinfo = "text",
        textposition = "none", marker = list(color = fills), showlegend = FALSE
      )
      if (!anyNA(part$std_error)) {
        trace$error_y <- list(
          type = "data", symmetric = FALSE, array = part$conf_high - part$importance,
          arrayminus = part$importance - part$conf_low, color = ink("text"), thickness = 1,
          width = if (length(object$bands) <= named_bands) 3 else 0
        )
      }
      list(
        title = if (several) paste0(counted, ": ", object$output, " of ", part$output[[1]]) else counted,
        traces = list(trace)
      )
    })
  }), recursive = FALSE, use.names = FALSE)
  plotly_figure(
    panels,
    columns = if (several) {
      length(present(table$output))
    } else {
      panel_columns(length(panels), length(object$bands), page)
    },
    high = row_height[["bars"]],
    title = figure_title("Importance of each band by class", plot_subtitle(
      object, table, paste(c(interval_note("whiskers", table), if (free) own_scales), collapse = "; ")
    )),
    x = category_axis(object), y = value_axis(object), free = free
  )
}

spectrum_figure <- function(object, table, free) {
  measured <- in_nm(object$wavelengths)
  classes <- present(table$class)
  many <- length(classes) > length(palette_colours("class"))
  by <- if (several_outputs(table)) "output" else if (many || free) "class"
  paints <- class_colours(classes)
  parts <- parts_by(table, by)
  panels <- lapply(seq_along(parts), function(at) {
    part <- parts[[at]]
    traces <- lapply(parts_by(part, "class"), function(line) {
      class_line(object, line, paints[[as.character(line$class[[1]])]], measured, at == 1 && !identical(by, "class"))
    })
    title <- switch(paste0("by ", by),
      "by output" = paste(object$output, "of", names(parts)[[at]]),
      "by class" = sprintf("%s (n = %d)", names(parts)[[at]], part$n[[1]]),
      ""
    )
    list(title = title, traces = unlist(traces, recursive = FALSE, use.names = FALSE))
  })
  note <- paste(c(interval_note("shaded", table), if (free && !is.null(by)) own_scales), collapse = "; ")
  plotly_figure(
    panels,
    columns = min(ceiling(sqrt(length(panels))), 5),
    high = row_height[["spectrum"]] * (if (is.null(by)) 1.4 else 1),
    title = figure_title(
      if (measured) "Importance along the spectrum, by class" else "Importance of the bands, by class",
      plot_subtitle(object, table, note)
    ),
    x = if (measured) list(title = list(text = "Wavelength (nm)")) else category_axis(object),
    y = value_axis(object), free = free
  )
}

# A class: a ribbon and a line for each run of bands.
class_line <- function(object, part, paint, measured, legend) {
  order <- if (measured) order(object$wavelengths) else seq_along(object$bands)
  run <- (if (measured) runs(object$wavelengths) else rep(0, length(order)))[order]
  places <- (if (measured) object$wavelengths else object$bands)[order]
  part <- part[order, ]
  name <- as.character(part$class[[1]])
  group <- list(legendgroup = name, name = as_html(name))
  unlist(lapply(unique(run), function(at) {
    here <- part[run == at, ]
    x <- places[run == at]
    dots <- length(places) <= named_bands || length(x) == 1 || part$n[[1]] == 1
    ribbon <- c(list(
      type = "scatter", x = c(x, rev(x)), y = c(here$conf_low, rev(here$conf_high)), fill = "toself", fillcolor = paint,
      opacity = 0.25, mode = "lines", line = list(width = 0), hoverinfo = "skip", showlegend = FALSE
    ), group)
    line <- c(list(
      type = "scatter", mode = if (dots) "lines+markers" else "lines", x = I(x), y = I(here$importance),
      text = I(here$hover), hoverinfo = "text", line = list(color = paint, width = 1.5), showlegend = legend && at == 0
    ), if (dots) list(marker = list(color = paint, size = 5)), group)
    c(if (!anyNA(here$std_error)) list(ribbon), list(line))
  }), recursive = FALSE)
}

# Parts of a table by class or output, in their order; all of it where there is no column.
parts_by <- function(table, column) {
  if (is.null(column)) list(table) else split(table, factor(table[[column]], present(table[[column]])))
}

colour_scale <- function(palette) {
  entries <- unname(palette_colours(palette))
  lapply(seq_along(entries), function(at) list((at - 1) / (length(entries) - 1), entries[[at]]))
}

figure_title <- function(title, note) {
  small <- gsub("\n", "<br>", as_html(note), fixed = TRUE)
  paste0("<b>", title, "</b><br><span style='font-size:12px;color:", ink("subtle"), "'>", small, "</span>")
}

category_axis <- function(object) {
  ticks <- band_ticks(object$bands, object$wavelengths)
  list(
    type = "category", title = list(text = ticks$title), tickmode = "array",
    tickvals = I(object$bands[ticks$positions]), ticktext = I(as_html(ticks$labels))
  )
}

value_axis <- function(object) {
  list(
    title = list(text = paste0(mean_score(object), " (", score_unit(object), ")")), rangemode = "tozero",
    zerolinecolor = ink("missing")
  )
}

# Panels in rows, each with its own axes and its title above it; titles of axes stand at the edges.
plotly_figure <- function(panels, columns, high, title, x, y, free = TRUE) {
  rows <- ceiling(length(panels) / columns)
  height <- 190 + rows * high * (if (rows > 1) 1.35 else 1)
  axes <- list()
  for (at in seq_along(panels)) {
    key <- axis_key(at)
    axes[[paste0("xaxis", key)]] <- c(
      list(showgrid = FALSE), utils::modifyList(x, if (at + columns > length(panels)) list() else no_title)
    )
    own <- utils::modifyList(y, if (at %% columns == 1 || columns == 1) list() else no_title)
    axes[[paste0("yaxis", key)]] <- c(list(gridcolor = ink("grid")), own, if (!free && at > 1) list(matches = "y"))
  }
  data <- lapply(seq_along(panels), function(at) {
    key <- axis_key(at)
    lapply(panels[[at]]$traces, function(trace) c(trace, list(xaxis = paste0("x", key), yaxis = paste0("y", key))))
  })
  above <- lapply(seq_along(panels), function(at) {
    key <- axis_key(at)
    list(
      text = as_html(panels[[at]]$title), xref = paste0("x", key, " domain"), yref = paste0("y", key, " domain"),
      x = 0, y = 1, xanchor = "left", yanchor = "bottom", showarrow = FALSE
    )
  })
  list(data = unlist(data, recursive = FALSE), layout = c(list(
    title = list(text = title, x = 0, xref = "paper", y = 1 - 15 / height, yref = "container", yanchor = "top"),
    grid = list(rows = rows, columns = columns, pattern = "independent", ygap = if (rows > 1) 0.35 else 0.1),
    height = height, margin = list(t = 100, r = 20),
    annotations = above[vapply(panels, function(panel) nzchar(panel$title), NA)],
    font = list(color = ink("text"), size = 12), paper_bgcolor = ink("paper"), plot_bgcolor = ink("paper"),
    hoverlabel = list(align = "left")
  ), axes))
}

no_title <- list(title = list(text = ""))

axis_key <- function(at) if (at == 1) "" else as.character(at)
