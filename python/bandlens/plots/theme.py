"""The one look of all plots: plain, readable at journal width (85 mm and 175 mm) at its default font size."""

from __future__ import annotations

import plotnine as p9

from .palette import ink

SMALL = 0.875  # size of axis text and other small print, relative to the base size
SPACING = 1.2  # between the lines of a text; its default differs between versions of plotnine
INCH = 25.4


def characters(width: float, base_size: float) -> float:
    """How many characters of small print fit across a picture of this width (mm), for a rather wide font."""
    return width / INCH * 72 / (0.6 * SMALL * base_size)


def theme_bandlens(base_size: float = 8, *, width: float = 175, lines: float = 25) -> p9.theme:
    """Theme of all plots.

    Parameters
    ----------
    base_size : float
        Font size in points.
    width : float
        Width of the picture in mm.
    lines : float
        Height of the picture, in lines of text.
    """
    return p9.theme_minimal(base_size=base_size) + p9.theme(
        figure_size=(width / INCH, lines * 1.25 * base_size / 72),
        text=p9.element_text(color=ink("text"), size=base_size),
        axis_text=p9.element_text(color=ink("subtle"), size=SMALL * base_size),
        axis_text_y=p9.element_text(ma="right", linespacing=SPACING),
        axis_title=p9.element_text(size=base_size, linespacing=SPACING),
        legend_box_spacing=0.02,
        legend_direction="horizontal",
        legend_key_height=0.9 * base_size,
        legend_key_width=13 * base_size,
        legend_position="bottom",
        legend_text=p9.element_text(color=ink("subtle"), size=SMALL * base_size),
        legend_ticks=p9.element_blank(),
        legend_title=p9.element_text(size=base_size),
        legend_title_position="top",
        panel_grid=p9.element_blank(),
        plot_subtitle=p9.element_text(color=ink("subtle"), size=SMALL * base_size, linespacing=SPACING),
        plot_title=p9.element_text(size=1.125 * base_size, weight="bold"),
        plot_title_position="plot",
        strip_text=p9.element_text(color=ink("text"), size=base_size, linespacing=SPACING),
        strip_text_x=p9.element_text(ha="left", va="bottom", ma="left", margin={"l": 0, "r": 0}),
    )
