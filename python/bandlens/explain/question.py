"""What a user asks, in one record that each verb makes once and that is passed on as a whole.

What holds the images is opened, so that a file that is not there is an error at once. Nothing else is checked here, and
no image is read: `checked` in `calls` makes a `Call` of it, or says what is wrong. Checks that need tables for other
backgrounds, models or bands ask the same question with a few things replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..data.backgrounds import BackgroundImages
from ..data.labelled import LabelledImages
from ..data.sources import Layout, Stream, numbered_axes, opened, opened_background, opened_labels
from ..errors import LabelError
from ..results.wavelength_zones import WavelengthZones

# what is in the record but no argument of a table
BESIDE = ("method_options", "image_bands", "verb_arguments", "sampling")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Question:
    """The arguments of `band_importance`, as they were given; `band_maps` has some of them."""

    model: Any
    x: Any
    y: Any = None
    method: str = "deepshap"
    background: Any = None
    n_background: int = 100
    target: str | int = "class"
    output: str = "auto"
    head: str | int | None = None
    task: str = "auto"
    zone: Any = None
    ignore: Any = None
    statistic: str | None = None
    bands: Any = None
    wavelengths: Any = None
    groups: Mapping[str, Sequence[Any]] | WavelengthZones | str | None = None
    classes: Sequence[str] | None = None
    band_axis: Any = -1
    time_axis: Any = None
    times: Any = None
    reorder: bool = False
    batch_size: int | None = None
    seed: int = 0
    method_options: Mapping[str, Any] = field(default_factory=dict)
    # names that the images themselves had, once they were looked at
    image_bands: tuple[str, ...] | None = None
    verb_arguments: Sequence[str] = ("progress",)
    # how the background is chosen, once it was looked at
    sampling: BackgroundImages | None = None

    def __post_init__(self) -> None:
        layout = numbered_axes(self.x, Layout(self.band_axis, self.time_axis))
        known = {
            "band_axis": layout.band_axis,
            "time_axis": layout.time_axis,
            "x": opened(self.x, "x", layout),
            "y": opened_labels(self.y),
        }
        # one stream for both is read once
        same = self.background is self.x
        known["background"] = known["x"] if same else opened_background(self.background, layout)
        for name, value in known.items():
            object.__setattr__(self, name, value)

    def with_streams_read(self) -> Question:
        """The question with what its streams hold, each of which is read once, whoever asks."""
        x, background = _read(self.x, "x", beside=self.y is not None), _read(self.background, "background")
        if x is self.x and background is self.background:
            return self
        return replace(self, x=x, background=background)

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """Names of all arguments of a table that are not options of a method."""
        return tuple(entry.name for entry in fields(cls) if entry.name not in BESIDE)

    @classmethod
    def of(cls, model: Any, x: Any, y: Any, verb_arguments: Sequence[str] = (), /, **arguments: Any) -> Question:
        """From arguments as `band_importance` takes them: those that are none of its own are options of the method.

        `verb_arguments` are those of the verb besides: where a name is misspelt, they may have been meant.
        """
        own = cls.arguments()
        options = {name: value for name, value in arguments.items() if name not in own}
        known = {name: value for name, value in arguments.items() if name in own}
        others = ("progress", *verb_arguments)
        return cls(model=model, x=x, y=y, method_options=options, verb_arguments=others, **known)


def _read(given: Any, name: str, *, beside: bool = False) -> Any:
    """Images of a stream, whatever they come in; `beside` says whether there are labels besides."""
    if isinstance(given, Stream):
        return given.read(name, labels_beside=beside)
    if isinstance(given, LabelledImages):
        found = _read(given.x, name, beside=beside or given.y is not None)
        if not isinstance(found, LabelledImages):
            return given if found is given.x else replace(given, x=found)
        return replace(given, x=found.x, y=found.y, classes=found.classes if given.classes is None else given.classes)
    if isinstance(given, BackgroundImages):
        found = _read(given.x, name, beside=given.y is not None)
        return given if found is given.x else replace(given, x=found)
    if isinstance(given, Mapping | list | tuple):
        return _each_read(given, name)
    return given


def _each_read(given: Any, name: str) -> Any:
    """Several inputs; labels belong to all of them, so that a stream of one has none."""
    values = list(given.values()) if isinstance(given, Mapping) else list(given)
    if not any(isinstance(one, Stream) for one in values):
        return given
    found = [_read(one, name) for one in values]
    if any(isinstance(one, LabelledImages) for one in found):
        raise LabelError(
            f"A stream of one of several inputs in `{name}` brings labels.",
            expected="labels as `y`, or one stream of all inputs, (dict of inputs, labels)",
        )
    return dict(zip(given, found, strict=True)) if isinstance(given, Mapping) else found
