"""Every way to make a class activation map, by name: one record each."""

from __future__ import annotations

from functools import partial

from ..data.options import Option, flag, one_of
from . import eigencam, formulas, gradients, scorecam
from .kinds import CamMethod

ONE_BACKWARDS = "one forward pass per image, and one backwards from each explained output to the layer"

CAM_METHODS: dict[str, CamMethod] = {
    method.name: method
    for method in (
        CamMethod(
            name="gradcam",
            label="Grad-CAM",
            summary="The layer's features, each weighted by its mean gradient over rows and columns.",
            cost=ONE_BACKWARDS,
            reference="Selvaraju et al. 2017, arXiv:1610.02391",
            maps=partial(gradients.maps, formula=formulas.grad_cam),
            relu=True,
            differentiates=True,
        ),
        CamMethod(
            name="gradcam++",
            label="Grad-CAM++",
            summary="The layer's features, each weighted by its positive gradients, those more that few places have.",
            cost=ONE_BACKWARDS,
            reference="Chattopadhay et al. 2018, arXiv:1710.11063",
            maps=partial(gradients.maps, formula=formulas.grad_cam_plus_plus),
            relu=True,
            differentiates=True,
            options={
                "normalize_alphas": Option(
                    False,
                    "Whether the coefficients alpha of a feature are divided by their sum over rows and columns, which "
                    "the published formula does not do, and tf-keras-vis does.",
                    flag,
                )
            },
        ),
        CamMethod(
            name="hirescam",
            label="HiResCAM",
            summary="The layer's activations, each times its own gradient, summed over features.",
            cost=ONE_BACKWARDS,
            reference="Draelos & Carin 2020, arXiv:2011.08891",
            maps=partial(gradients.maps, formula=formulas.hires_cam),
            relu=False,
            differentiates=True,
        ),
        CamMethod(
            name="layercam",
            label="LayerCAM",
            summary="The layer's activations, each times its own gradient where that is positive, summed.",
            cost=ONE_BACKWARDS,
            reference="Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
            maps=partial(gradients.maps, formula=formulas.layer_cam),
            relu=True,
            differentiates=True,
        ),
        CamMethod(
            name="scorecam",
            label="Score-CAM",
            summary="The layer's features, each weighted by the output for the image masked by it.",
            cost="one forward pass per image and feature of the layer",
            reference="Wang et al. 2020, arXiv:1910.01279",
            maps=scorecam.maps,
            relu=True,
            differentiates=False,
            options={
                "channel_weights": Option(
                    "softmax",
                    "How outputs of masked images are made into weights: 'softmax' over the features, as published; "
                    "'output', which takes them as they are, as tf-keras-vis does with probabilities.",
                    one_of(*scorecam.WEIGHTS),
                )
            },
        ),
        CamMethod(
            name="eigencam",
            label="Eigen-CAM",
            summary="The projection of the layer's activations in which they vary most, the same for every output.",
            cost="one forward pass per image",
            reference="Muhammad & Yeasin 2020, arXiv:2008.00299",
            maps=eigencam.maps,
            relu=False,
            differentiates=False,
        ),
    )
}
