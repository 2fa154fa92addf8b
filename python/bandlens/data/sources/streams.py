"""Streams of batches: pipelines of tf.data, Keras' data sets, PyTorch's loaders, functions that give a generator.

A stream is read once, from its beginning to its end, at the first time that its images are needed; see `spool`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...errors import BandlensError, LabelError, SourceError
from ...progress import announce, ticker
from ..labelled import LabelledImages
from ..positions import first
from ..words import shape_text
from .batches import Batch, batch_of, joined_labels
from .raw import Raw
from .source import in_words
from .spool import Spool

UNITS = {"GB": 1e9, "MB": 1e6, "kB": 1e3}


class Read(NamedTuple):
    """What a stream held.

    Attributes
    ----------
    images : Raw, dict or list of Raw
        Of several inputs as they came.
    labels : object
    """

    images: Any
    labels: Any


class Stream:
    """A stream that was recognised, and not read yet.

    Parameters
    ----------
    start : callable
        Gives an iterator over its batches.
    where : str
        What it is, in words.
    batches : int or None
        How many there are, where that is known.
    classes : callable
        Names of classes that the labels bring, once they were read.
    bands : callable
        Names of bands that the images bring, once they were read.
    """

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        where: str,
        batches: int | None = None,
        classes: Callable[[], Any] = lambda: None,
        bands: Callable[[], Any] = lambda: None,
    ) -> None:
        self._start, self.where, self._batches, self._classes, self._bands = start, where, batches, classes, bands
        self._found: Read | None = None

    def __repr__(self) -> str:
        return f"<Stream: {self.where}>"

    def read(self, name: str, *, labels_beside: bool = False) -> LabelledImages | Any:
        """Its images, as containers that can be read in any order, with their labels if there are any.

        Parameters
        ----------
        name : str
            What it is given as, for errors.
        labels_beside : bool
            Whether there are labels elsewhere, so that there must be none in it.

        Raises
        ------
        SourceError
            If it fails, or its batches are no images of one shape and type.
        LabelError
            If it brings labels that are given elsewhere.
        """
        if self._found is None:
            self._found = _read(self._start(), name, self.where, self._batches, labels_beside=labels_beside)
        images, labels = self._found
        bands = self._bands()
        if labels is None and bands is None:
            return images
        return LabelledImages(images, y=labels, bands=bands, classes=self._classes())

    def labels(self) -> Any:
        """All that it holds, of a stream of labels."""
        parts = []
        try:
            for given in self._start():
                one = given[0] if isinstance(given, tuple | list) and len(given) == 1 else given
                parts.append(np.asarray(one.numpy() if hasattr(one, "numpy") else one))
        except Exception as error:
            raise _failed(f"The stream of labels, {self.where},", len(parts), sum(map(len, parts)), error) from error
        if not parts:
            raise SourceError(f"The stream of labels, {self.where}, is empty.")
        return np.concatenate([np.atleast_1d(part) for part in parts])


def stream_of(given: Any, name: str) -> Stream | None:
    """A stream, if something is one.

    Raises
    ------
    SourceError
        If it would never end.
    """
    made_by = [(one.__module__.split(".")[0], one.__name__) for one in type(given).__mro__]
    if hasattr(given, "element_spec") and hasattr(given, "cardinality"):
        count = int(given.cardinality())
        if count == -1:
            raise _endless(
                name, "a pipeline of tf.data that repeats for ever", "leave out `repeat()`, or `take()` some"
            )
        return Stream(lambda: iter(given), "a pipeline of tf.data", count if count >= 0 else None)
    if any(one in (("keras", "PyDataset"), ("keras", "Sequence"), ("tf_keras", "Sequence")) for one in made_by):
        number = given.num_batches if hasattr(given, "num_batches") else len(given)
        if number is None:
            raise _endless(name, "a data set of Keras that has no number of batches", "give its `__len__()`")
        return Stream(lambda: (given[at] for at in range(number)), "a data set of Keras", number)
    if ("torch", "DataLoader") in made_by:
        return Stream(lambda: iter(given), "a loader of PyTorch", _length(given))
    if inspect.isgenerator(given) or (hasattr(given, "__next__") and hasattr(given, "__iter__")):
        # what it is and which names labels and bands had, where it says so itself
        where = getattr(given, "where", "an iterator")
        classes, bands = (getattr(given, name, lambda: None) for name in ("classes", "bands"))
        return Stream(lambda: iter(given), where, classes=classes, bands=bands)
    if callable(given) and not hasattr(given, "shape") and not isinstance(given, type):
        return Stream(lambda: _called(given, name), "a function that gives a generator")
    return None


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:  # of a stream of its own, nobody knows
        return None


def _called(function: Callable[[], Any], name: str) -> Iterator[Any]:
    """The iterator that a function gives."""
    found = function()
    if not hasattr(found, "__iter__") or hasattr(found, "shape"):
        raise SourceError(
            f"The function given as `{name}` does not give an iterator.",
            expected="a function without arguments that gives a fresh iterator over batches, such as one with `yield`",
            given=type(found).__name__,
        )
    return iter(found)


def _endless(name: str, what: str, fix: str) -> SourceError:
    return SourceError(f"`{name}` never ends.", expected="a stream of batches that ends", given=what, fix=fix)


def _read(start: Iterator[Any], name: str, where: str, batches: int | None, *, labels_beside: bool) -> Read:
    spools: list[Spool] = []
    labels: list[Any] = []
    known: Batch | None = None
    count = at = 0
    try:
        with ticker(None, batches, "Reading the stream", unit="batch") as tick:
            for batch in _checked(start, name, where):
                if known is None:
                    known = batch
                    if batch.labels is not None and labels_beside:
                        raise LabelError(
                            f"There are labels in `{name}` and beside it.",
                            expected="labels in the batches of the stream, or as `y`",
                            given=f"both, {where} that gives images and labels",
                        )
                    spools += [Spool(one.shape[1:], one.dtype) for one in batch.inputs]
                _check_alike(batch, known, f"Batch {count + first()} of `{name}`", at)
                for spool, one in zip(spools, batch.inputs, strict=True):
                    spool.add(one)
                if batch.labels is not None:
                    labels.append(batch.labels)
                count, at = count + 1, at + batch.n
                tick(1)
    except BaseException:
        for spool in spools:
            spool.dropped()
        raise
    if known is None:
        raise SourceError(f"`{name}` holds no images: {where} that is empty.", expected="at least one batch")
    images = [spool.finished() for spool in spools]
    announce(
        f"`{name}` is a stream ({where}): its {at} images were read once, and are kept in a temporary file of "
        f"{_size(images)} until they are explained."
    )
    found: Any = images if known.several else images[0]
    if known.names is not None:
        found = dict(zip(known.names, images, strict=True))
    return Read(found, joined_labels(labels) if labels else None)


def _size(images: list[Raw]) -> str:
    """Room that images take, in words."""
    size = sum(int(np.prod(one.shape)) * one.dtype.itemsize for one in images)
    unit = next((unit for unit, factor in UNITS.items() if size >= factor), "kB")
    return f"{size / UNITS[unit]:.3g} {unit}"


def _checked(start: Iterator[Any], name: str, where: str) -> Iterator[Batch]:
    """Batches as arrays; what fails is named."""
    count = at = 0
    while True:
        try:
            given = next(start)
        except StopIteration:
            return
        except BandlensError:
            raise
        except Exception as error:  # the user's own code
            raise _failed(f"`{name}`, {where},", count, at, error) from error
        batch = batch_of(given, f"Batch {count + first()} of `{name}`", at)
        if batch.n:
            yield batch
        count, at = count + 1, at + batch.n


def _failed(what: str, count: int, at: int, error: Exception) -> SourceError:
    return SourceError(
        f"{what} fails at batch {count + first()}, after {at} images (counted from {first()}).", given=in_words(error)
    )


def _check_alike(batch: Batch, known: Batch, place: str, at: int) -> None:
    """Refuse a batch that is not like the first one."""
    images = f"images {at + first()} to {at + batch.n - 1 + first()} (counted from {first()})"
    if (batch.names, len(batch.inputs)) != (known.names, len(known.inputs)):
        raise SourceError(
            f"{place} has other inputs than the first one.",
            expected=", ".join(known.names or ()) or f"{len(known.inputs)} inputs",
            given=f"{', '.join(batch.names or ()) or f'{len(batch.inputs)} inputs'}, for {images}",
        )
    for mine, own in zip(batch.inputs, known.inputs, strict=True):
        if mine.shape[1:] != own.shape[1:] or mine.dtype != own.dtype:
            raise SourceError(
                f"{place} holds images unlike those before.",
                expected=f"shape {shape_text(own.shape[1:])}, {own.dtype}",
                given=f"shape {shape_text(mine.shape[1:])}, {mine.dtype}, for {images}",
                fix="crop or pad images to one shape, and cast them to one type",
            )
    if (batch.labels is None) != (known.labels is None):
        raise SourceError(
            f"{place} has {'no ' if batch.labels is None else ''}labels, and the first one has "
            f"{'none' if known.labels is None else 'some'}.",
            expected="labels in each batch, or in none",
            given=images,
        )
