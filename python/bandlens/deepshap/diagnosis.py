"""Where in a network DeepSHAP's scores go wrong: asked on the worst image, once they are known to be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..calls import Call


def locate(call: Call, image: int, output: int) -> str | None:
    """Operation in which the residual or the cancellation of an image's scores arises.

    Parameters
    ----------
    call : Call
    image : int
        Position in `call.images`.
    output : int
        Which of the image's explained outputs: a column of `call.image_output`.

    Returns
    -------
    str or None
        What to call the operation in a message, such as "'truediv' in layer 'ndvi'"; None where none was established,
        which is always so as long as operations are not measured one by one.
    """
    return None
