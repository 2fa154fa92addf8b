"""DeepSHAP: what each band adds to an output, in comparison with background images, by one walk through the model.

For each pair of an image and a background image, the change of the output is traced back, operation by operation, to
the changes of the bands (DeepLIFT's rescale rule, Shrikumar et al. 2017); the mean over the background is what is
reported (Lundberg & Lee 2017). Nothing here knows a framework: a backend and its trace of the model are given.

`plan` reads the model's graph once: which operations are taken together, which rule each part has, and what can't be
explained (`reading` finds out what depends on what, `regions`, `normalizations`, `unmoved` and `ratios` about parts
that have no rule, or one as a whole only); `joined` takes more of them together, where that is faster.
`rows` computes with values in the middle of the graph, `pairs` holds those of images and background side by side,
`multiplier` is what travels between them;
`rules` has one rule per kind of operation, and `formulas`, `sets` and `variances` their arithmetic; `walk` goes from
the outputs to the bands, or the other way. `chunks` cuts the
work to fit the memory, `announcing` says beforehand what steps will need, `draws` makes do with a few background
images per image, and `diagnosis` names the operation at which something goes wrong.
"""

from .chunks import Work, chunk_of, explain, write
from .diagnosis import trouble
from .draws import averaged, made_complete, own_draws
from .joined import joined
from .plan import Plan, make_plan
from .ratios import parts
from .unmoved import unmoved

__all__ = [
    "Plan",
    "Work",
    "averaged",
    "chunk_of",
    "explain",
    "joined",
    "made_complete",
    "make_plan",
    "own_draws",
    "parts",
    "trouble",
    "unmoved",
    "write",
]
