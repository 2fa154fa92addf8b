"""Results of a model of several inputs that have a shape of their own for each: one result per input, by its name.

Tables of importance hold bands of all inputs. Maps and images can't: inputs differ in their pixels. Each input's result
is what a model of one input gives, so that whatever is done with it is done in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..data.words import choices, few, nearest, quoted
from ..errors import InputError, OptionError

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

Result = TypeVar("Result")

# what tells rows of an input apart: its name stands before the first of these that there is
OWN = ("row", "pixel", "pixel_1", "band")
# arguments of pictures that hold something for each input
EACH = ("x", "found")


@dataclass(frozen=True, eq=False, repr=False)
class ByInput(Mapping[str, Result], Generic[Result]):
    """One result for each input of a model, by the input's name, in the model's order.

    ``maps["radar"]`` is the result for the input "radar": a `BandMaps`, a `TopImages` or a `FeatureImages`, as of a
    model of one input. ``dict(maps)`` are all of them.

    Attributes
    ----------
    results : dict of str to result
    """

    results: dict[str, Result]

    def __getitem__(self, name: str) -> Result:
        return self.results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(self.results)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """`values` of each input's result, by the input's name."""
        return {name: one.values for name, one in self.results.items()}  # type: ignore[attr-defined]

    def to_frame(self, *level: str) -> pd.DataFrame:
        """Tidy table of all inputs: those of the inputs' results, one below the other.

        Parameters
        ----------
        *level : str
            As for `to_frame` of each input's result.

        Returns
        -------
        pandas.DataFrame
            Their columns, and `input`. Positions of pixels that an input does not have are missing.
        """
        import pandas as pd

        frames = [one.to_frame(*level) for one in self.results.values()]  # type: ignore[attr-defined]
        bands = [one.bands for one in self.results.values()]  # type: ignore[attr-defined]
        columns = list(dict.fromkeys(column for frame in frames for column in frame.columns))
        columns = sorted(columns, key=lambda name: _place(name, max(frames, key=lambda one: len(one.columns)).columns))
        whole = [name for frame in frames for name in frame.columns if frame[name].dtype.kind == "i"]
        table = pd.concat(frames, ignore_index=True)
        for name in set(whole):
            table[name] = table[name].astype("Int64" if table[name].isna().any() else "int64")
        if "band" in columns:
            levels = pd.Index(list(dict.fromkeys(name for names in bands for name in names)))
            table["band"] = pd.Categorical(table["band"], categories=levels, ordered=True)
        owners = np.repeat(np.array(self.inputs, dtype=object), [len(frame) for frame in frames])
        own = pd.Categorical(owners, categories=pd.Index(self.inputs), ordered=True)
        table = table[columns]
        table.insert(next((columns.index(name) for name in OWN if name in columns), 0), "input", own)
        return table

    def plot(self, input: str | int = 0, **options: Any) -> plotnine.ggplot:
        """Draw the result of one input.

        Parameters
        ----------
        input : str or int
            Its name, or its position.
        **options
            As for `plot` of this input's result. `x` and `found` are those of all inputs: a dict by the inputs' names,
            or a list in their order.

        Returns
        -------
        plotnine.ggplot

        Raises
        ------
        OptionError
            If there is no such input.
        InputError
            If `x` or `found` have nothing for it.
        """
        name = self._name(input)
        options = {key: self._own(value, name, key) if key in EACH else value for key, value in options.items()}
        drawn: plotnine.ggplot = self.results[name].plot(**options)  # type: ignore[attr-defined]
        return drawn

    def _name(self, given: Any) -> str:
        """Name of an input that there is."""
        if isinstance(given, str) and given in self.results:
            return given
        if isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given < len(self):
            return self.inputs[given]
        raise OptionError(
            "There is no such input.",
            expected=f"{choices(self.inputs)}, or its position, from 0 to {len(self) - 1}",
            given=repr(given),
            fix=nearest(given, self.inputs) if isinstance(given, str) else None,
        )

    def _own(self, given: Any, name: str, argument: str) -> Any:
        """What is given for one input."""
        if given is None:
            return None
        if isinstance(given, Mapping) and name in given:
            return given[name]
        if isinstance(given, list | tuple) and len(given) == len(self):
            return given[self.inputs.index(name)]
        raise InputError(
            f"`{argument}` holds nothing for the input '{name}'.",
            expected=f"a dict or a list with an entry for each of {few(map(quoted, self.inputs))}",
            given=few(map(quoted, given)) if isinstance(given, Mapping) else type(given).__name__,
        )

    def __repr__(self) -> str:
        shown = "".join(f"\n  {name}: {one!r}" for name, one in self.results.items())
        return f"<ByInput: {len(self)} inputs{shown}>"


def _place(name: str, columns: Any) -> int:
    """Where a column stands: all inputs have the same ones, but for those of pixels."""
    known = list(columns)
    return known.index(name) if name in known else known.index("band") - 1
