"""What a user asks, in one record that each verb makes once and that is passed on as a whole.

Nothing is checked here: `checked` in `calls` makes a `Call` of it, or says what is wrong. Checks that need tables for
other backgrounds, models or bands ask the same question with a few things replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..data.backgrounds import BackgroundImages

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
    groups: Mapping[str, Sequence[Any]] | str | None = None
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
