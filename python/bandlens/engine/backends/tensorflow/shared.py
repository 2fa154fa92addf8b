"""What was compiled for one model, for others of the same operations: runs of a training, folds of a cross-validation.

What is compiled has weights as arguments, so that it belongs to operations rather than to a model. The latest are kept
longer than their models: of several models, one is often gone when the next is explained.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

# for each architecture, a call compiles what predicts and a step or two
MOST = 8

_LATEST: OrderedDict[Hashable, Any] = OrderedDict()

# threads take turns where keys are compared, which is Python: without a lock, an ordered dictionary crashes there
_LOOKING = threading.Lock()


def shared(key: Hashable, build: Callable[[], Any]) -> Any:
    """What `build` makes, or made for an equal key; without a key, or where weights got into it, it is not kept."""
    if key is None:
        return build()
    with _LOOKING:
        found = _LATEST.get(key)
    if found is None:
        found = build()
    if not found.captured_inputs:
        with _LOOKING:
            _LATEST[key] = found
            _LATEST.move_to_end(key)
            while len(_LATEST) > MOST:
                _LATEST.popitem(last=False)
    return found
