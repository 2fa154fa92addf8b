"""Does the model fit the data? What looks wrong is warned of: with nonsense for images, a table looks as sound as any.

`data.plausibility` knows what images look like, `models.preparation` what a model was made for, `explain.accuracy`
whether it is right. Here it is decided what to say, in which words, and each kind of thing once.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..data.plausibility import (
    OtherScale,
    Sample,
    constant_bands,
    is_baseline,
    no_data,
    other_scale,
    sample_of,
)
from ..data.positions import first, spelled
from ..data.words import few
from ..errors import AccuracyWarning, DataWarning
from ..models.preparation import FACTORS, Misfit, images_for, misfit, was_trained
from .accuracy import accuracy_doubts, fits_well
from .selfcheck import is_unsaid
from .subject import Subject, View, some_positions, times

# all wavelengths below are too short for light, in nm; in micrometres they are what instruments have
SHORTEST = 100.0
# a single band, and as many values on another axis: those are the bands
LEAST_LENGTH = 8
# differences between the two largest logits, for the typical image, beyond which all probabilities are 0 or 1 to the
# last digit, as no training leaves them, and what is usual
SATURATED = 1000.0
USUAL = (0.1, 50.0)
LEAST_IMAGES = 10
MOST_NAMED = 4


def check_fit(subject: Subject, stacklevel: int = 4) -> None:
    """Warn of what does not fit together; at most once of each kind.

    Parameters
    ----------
    subject : Subject
    stacklevel : int
        Of the line that is to be named.

    Warns
    -----
    DataWarning, AccuracyWarning
    """
    if is_unsaid():
        return
    for message in _data_doubts(subject):
        warnings.warn(message, DataWarning, stacklevel=stacklevel)
    for message in accuracy_doubts(subject):
        warnings.warn(message, AccuracyWarning, stacklevel=stacklevel)


def _data_doubts(subject: Subject) -> Iterator[str]:
    for view in subject.views:
        yield from _view_doubts(subject, view)
    doubt = _unfit(subject)
    if doubt is not None:
        yield doubt


def _view_doubts(subject: Subject, view: View) -> Iterator[str]:
    """What there is to say of one input."""
    images = sample_of(view.images)
    background = None if view.background is None else sample_of(view.background)
    if background is not None and is_baseline(background):
        background = None  # chosen on purpose, and no sample of anything
    samples = {view.x: images} if background is None else {view.x: images, view.reference: background}
    for doubt in (
        _wavelengths(view.wavelengths),
        _one_band(subject, view),
        _no_data(samples),
        _constant(view, images, background),
        None if background is None else _scales(view, images, background, other_scale(images, background)),
    ):
        if doubt is not None:
            yield doubt


def _wavelengths(wavelengths: Sequence[float]) -> str | None:
    known = [value for value in wavelengths if value == value]
    if not known or max(known) >= SHORTEST:
        return None
    return (
        f"`wavelengths` are in nm, and {_span(min(known), max(known))} would be shorter than any light. They look like "
        "micrometres: multiply them by 1000."
    )


def _one_band(subject: Subject, view: View) -> str | None:
    shape, axis = view.images.shape, view.images.band_axis
    if subject.images.parts or view.images.time_axis is not None:
        return None  # who says so much of the axes has looked at them
    lengths = {at + 1: size for at, size in enumerate(shape) if at + 1 != axis}
    longest = [at for at, size in lengths.items() if size > 1]
    # images have two such axes; a map of a series in time is one of its values
    if shape[axis - 1] > 1 or subject.maps or len(longest) not in (1, 3):
        return None
    *_, place = longest
    if lengths[place] < LEAST_LENGTH:
        return None
    return (
        f"`x` has a single band on axis {axis + first()}, which has all the importance, and {lengths[place]} values on "
        f"axis {place + first()}. If these are the bands of spectra, say so with "
        f"{spelled(f'band_axis={place}', f'`band_axis = {place + 1}`')}."
    )


def _no_data(samples: Mapping[str, Sample]) -> str | None:
    found = {name: no_data(sample) for name, sample in samples.items()}
    named = [
        f"{_share(one.share)} of the pixels in `{name}` are {one.value:g} in "
        f"{'all bands' if one.every_band else 'a band'}"
        for name, one in found.items()
        if one is not None
    ]
    if not named:
        return None
    return (
        f'{" and ".join(named)}, apart from all other values: that looks like "no data", which the model takes for '
        "numbers like any others. Fill such pixels as in training, or leave such images out."
    )


def _constant(view: View, images: Sample, background: Sample | None) -> str | None:
    found = constant_bands(view.images, images)
    if background is not None:
        found = {band: value for band, value in found.items() if (background.values[..., band] == value).all()}
    # with one-hot or 0/1 data all may be so
    if not found or len(found) == images.n_bands:
        return None
    named = [f"'{view.bands[band]}' ({value:g})" for band, value in found.items()]
    where = f"`{view.x}`" if background is None else f"`{view.x}` and `{view.reference}`"
    several = len(named) > 1
    return (
        f"{'Bands' if several else 'Band'} {few(named, MOST_NAMED)} {'have' if several else 'has'} one value in all of "
        f"{where}: nothing can be learnt of {'them' if several else 'it'} from these images."
    )


def _scales(view: View, images: Sample, background: Sample, found: OtherScale | None) -> str | None:
    if found is None:
        return None
    band, *others = found.bands
    also = ""
    if others:
        names = [f"'{view.bands[other]}'" for other in others]
        also = f"; so it is in {few(names, MOST_NAMED)}"
    return (
        f"`{view.x}` and `{view.reference}` are on different scales: in band '{view.bands[band]}' `{view.x}` is "
        f"{_span(*images.span(band))} and `{view.reference}` {_span(*background.span(band))}{also}. Bring both to the "
        "scale that the model was trained on."
    )


def _unfit(subject: Subject) -> str | None:
    """That the model is not made for these values; where labels say that it is right, it is."""
    if fits_well(subject.labels, subject.outputs) or subject.images.parts:
        return None  # of several inputs, no layer sees all, and there is no one scale
    positions = images_for(subject.images.n, subject.images.shape)
    if not len(positions):
        return None
    batch = subject.images.take(positions, subject.predictor.trace.dtype)
    found = misfit(subject.model, batch)
    if found is not None:
        return _misfit(found, float(batch.min()), float(batch.max()))
    return _saturated(subject)


def _misfit(found: Misfit, low: float, high: float) -> str:
    given = f"`x` is {_span(low, high)}"
    if found.kind == "rescaling":
        return (
            f"{given}, and the model's layer '{found.layer}' divides by {found.factor:g}: all that the model sees is "
            f"at most {found.size:.2g}. Don't rescale the images yourself: the model does."
        )
    if found.kind == "normalised":
        return (
            f"{given}, which looks normalised already, and the model's layer '{found.layer}' normalises again. Give "
            "the images as they were before."
        )
    what = (
        f"values are typically {found.size:.0f} standard deviations from those that it has seen in training"
        if found.kind == "far out"
        else "values hardly differ, by the measure of those that it has seen in training"
    )
    fix = f" With {times(found.factor)} they would be as usual." if found.factor else ""
    return f"{given}, which the model was not trained on: in its layer '{found.layer}' {what}.{fix}"


def _saturated(subject: Subject) -> str | None:
    """Outputs that are one-hot for all images, and would not be on another scale."""
    predictor = subject.predictor
    if (
        predictor.scale != "logit"
        or predictor.trace.head is None
        or predictor.pixels
        or len(subject.outputs) < LEAST_IMAGES
    ):
        return None
    lead = float(np.median(_leads(subject.outputs)))
    if lead <= SATURATED or not was_trained(subject.model):
        return None
    positions = some_positions(subject.images.n)
    for factor in FACTORS:
        if factor < 1 and USUAL[0] <= np.median(_leads(subject.outputs_of(positions, factor))) <= USUAL[1]:
            return (
                f"The model's outputs are saturated: for a typical image the logit of its class is {lead:.0f} above "
                f"the next, so that all probabilities are exactly 0 or 1. `x` looks unscaled: with {times(factor)}, "
                "for one, they would be as usual."
            )
    return None


def _leads(outputs: np.ndarray) -> np.ndarray:
    best = np.sort(outputs, axis=1)
    found: np.ndarray = best[:, -1] - best[:, -2]
    return found


def _span(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"


def _share(part: float) -> str:
    return f"{100 * part:.2g} %"
