"""Band occlusion: by how much an output falls when a whole band is replaced by something uninformative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from ..data.options import Option, one_of
from ..data.words import argument
from ..errors import OptionError
from .filling import ABSENT_OPTION, check_replacement
from .findings import Findings, Pairs, Scores
from .kinds import BandMethod
from .mixtures import mixed_outputs, without_constants
from .references import background_images, mean_background, own
from .task import Request, Task

# outputs without a band that are held at once
MOST_NUMBERS = 1 << 22
# of the Gaussian, relative to the length of the image along each axis: nothing but slow trends is left
BLUR = 0.25


def scores(task: Task) -> Findings:
    """f(x) less the output without each band, averaged over what the band is replaced by."""
    present, values = ~np.eye(len(task.members), dtype=bool), task.values
    blur = task.options["replacement"] == "blur"
    references = np.empty(0) if blur else replacements(task, task.options["replacement"])
    for part, batch in task.batches(_per_step(task), task.predictor.trace.dtype):
        with_these = blurred(task, batch)[:, None] if blur else of_images(task, part, references)
        without = mixed_outputs(task, task.seeds[part], batch, with_these, present, positions=part)
        full = without_constants(task, part, values[part])
        falls = full[..., None, None] - np.moveaxis(without, 3, 1)
        if task.options["replacement"] == "background":
            yield Scores(part, task.over_background(falls, part, 2))
            yield Pairs(part, falls)
        else:
            yield Scores(part, falls[:, :, 0])
        task.tick(len(batch))


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    return range(0, task.images.n, _per_step(task))


def beforehand(task: Task) -> None:
    """How bands depend on each other is the same in every window."""
    _ = task.filling


def _per_step(task: Task) -> int:
    """Images that are computed together: as many as fit, so that their outputs without each band fit, too."""
    m = len(task.draws) if task.draws is not None and task.options["replacement"] == "background" else 1
    return max(1, min(task.images_per_batch, MOST_NUMBERS // (m * len(task.members) * task.seeds.shape[1])))


def replacements(task: Task, kind: str) -> np.ndarray:
    """Images to take bands from, shape (m, *image shape), the same for all images or one for each class."""
    if kind == "background":
        return background_images(task)
    return mean_background(task) if kind == "background_mean" else np.zeros((1, *task.images.shape))


def of_images(task: Task, part: slice, references: np.ndarray) -> np.ndarray:
    """Of `replacements`, those for some images, as `mixed_outputs` takes them."""
    own_mean = task.options["replacement"] == "background_mean" and len(references) > 1
    return own(task, part, references)[:, None] if own_mean else references


def blurred(task: Task, batch: np.ndarray) -> np.ndarray:
    """Images without detail, band by band."""
    found = np.empty_like(batch)
    cells = task.images.cells
    for (part, image), (_, where) in zip(cells.split(np, batch, 1), cells.split(np, found, 1), strict=True):
        widths = [BLUR * length if axis in part.pixel_axes else 0 for axis, length in enumerate(image.shape)]
        where[...] = ndimage.gaussian_filter(image, widths)
    return found


def needs_background(options: Mapping[str, Any]) -> bool:
    """Whether bands are replaced by the background's."""
    return options["replacement"] in ("background", "background_mean")


def prepare(request: Request) -> None:
    """Blurring needs pixels, and bands that depend on others a background."""
    check_replacement(request.options, {"conditional": ("background", "background_mean"), "nearest": ("background",)})
    refuse_blur(request)


def refuse_blur(request: Request) -> None:
    """Refuse blurring where an input has a single pixel per band."""
    if request.options["replacement"] != "blur":
        return
    for part in request.images.cells.parts:
        if all(part.shape[axis - 1] == 1 for axis in part.pixel_axes):
            of = f" in input '{part.name}'" if part.name else ""
            raise OptionError(
                f"There is nothing to blur{of}: each band of an image is a single pixel.",
                expected=argument("replacement", "background", "background_mean", "zero"),
                given=argument("replacement", "blur"),
            )


OCCLUSION = BandMethod(
    name="occlusion",
    label="Band occlusion",
    summary="Fall of the output when the band is replaced as a whole, all others staying as they are.",
    cost="one forward pass per image and band, and per background image with replacement='background'",
    reference="Zeiler & Fergus 2014, arXiv:1311.2901",
    scores=scores,
    cuts=cuts,
    beforehand=beforehand,
    prepare=prepare,
    options={
        "absent": ABSENT_OPTION,
        "replacement": Option(
            "background",
            "What a band is replaced by: 'background', the same pixels of each background image in turn, averaging the "
            "outputs; 'background_mean', the mean background image; 'zero'; 'blur', the band itself without detail.",
            one_of("background", "background_mean", "zero", "blur"),
        ),
    },
    needs_background=needs_background,
)
