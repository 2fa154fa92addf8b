"""Why a framework or a model failed, in one sentence.

Keras puts the reason on the third line of its message, behind "Exception encountered when calling ...", and what it was
given behind it; TensorFlow puts it behind a traceback of the graph.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\{\{function_node[^}]*\}\}|\[Op:\w*\]")
# what comes before the reason, and what comes after it
_BEFORE = re.compile(
    r"Exception encountered when calling|Graph execution error|Detected at node|Traceback|in user code|File \""
)
_AFTER = re.compile(r"(Call )?[Aa]rguments received by|config=|Full object config|\[\[\{\{node|defined at \(")
_INSIDE = "Exception encountered: "

LONGEST = 300


def reason(error: BaseException | None) -> str:
    """The first line of an error's message that says why; its type, where it has none.

    Parameters
    ----------
    error : Exception
    """
    text = _ESCAPES.sub("", str(error)).rpartition(_INSIDE)[2]
    for line in map(str.strip, text.splitlines()):
        if _AFTER.match(line):
            break
        if line and not _BEFORE.match(line):
            found = _AFTER.split(line)[0].strip()
            return found if len(found) <= LONGEST else f"{found[:LONGEST]}..."
    return type(error).__name__


def is_of_framework(error: BaseException) -> bool:
    """Whether an error comes from a compiled step, so from what a model does with values, and not from our own code."""
    origins = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    # PyTorch raises Python's own
    return bool(origins & {"tensorflow", "jax", "jaxlib", "torch"}) or type(error) in (RuntimeError, IndexError)
