"""A model's outputs for all images are asked of workers, where a cluster is at work for the call; what it can't do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..cluster.sharing import shared_units
from ..cluster.workers import workers
from ..data.words import argument
from ..errors import OptionError
from ..methods import Method
from ..methods.kinds import MetricMethod, one_step
from ..models.elsewhere import computed_by
from ..models.predictor import Predictor


@contextmanager
def outputs_shared_out(model: Any) -> Iterator[None]:
    """Let workers compute a model's outputs inside, if there are any."""
    team = workers()
    if team is None:
        yield
        return
    with computed_by(partial(shared_units, team, model)):
        yield


def check_shares(method: Method, predictor: Predictor, options: Mapping[str, Any]) -> None:
    """Refuse a method that looks at all images at once, where a cluster is at work.

    Raises
    ------
    OptionError
    """
    if workers() is None:
        return
    if method.cuts is one_step:
        raise OptionError(
            f"The method '{method.name}' computes all images together, so that they can't be shared out.",
            expected=argument("client", None) + ", or a method that goes image by image",
            given="a `client`",
        )
    if not isinstance(method, MetricMethod) or not method.as_a_whole(predictor, options):
        return
    raise OptionError(
        "The metric is no mean over images, so that its falls can't be computed for some of them alone.",
        expected=argument("client", None) + ", or a metric that is a mean over images",
        given="a `client`",
        fix="explain it in one process, or with another metric or method",
    )
