"""DeepSHAP: DeepLIFT's rescale rule averaged over background images (Lundberg & Lee 2017; Shrikumar et al. 2017).

`plan` reads the graph and refuses what it can't explain, `pairs` holds image and background values side by side,
`rules` has one rule per family of operations, `walk` sends multipliers from the outputs to the bands, `chunks` cuts
the work to fit the memory, `draws` makes do with a few background images per image. None of them knows a framework:
they are given a backend.
"""

from .chunks import Work, explain
from .diagnosis import trouble
from .draws import averaged, made_complete, own_draws
from .plan import Plan, make_plan
from .unmoved import unmoved

__all__ = ["Plan", "Work", "averaged", "explain", "made_complete", "make_plan", "own_draws", "trouble", "unmoved"]
