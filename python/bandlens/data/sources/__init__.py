"""Images where they live: in files, in arrays that are read or computed piece by piece, in streams of batches.

The rest of the package slices arrays. A `Source` is what does so for images that are no array in memory: it knows their
shape before it has read them, reads what it is asked for, and says which images of which file are wrong if it can't.
What holds images in this way is recognised in `opening`; a stream, which can only be read from its beginning to its
end, is read once, into a temporary file (`spool`). Imports the rest of `data`.
"""

from .described import Layout
from .opening import numbered_axes, opened, opened_background, opened_labels
from .source import Source
from .streams import Stream

__all__ = ["Layout", "Source", "Stream", "numbered_axes", "opened", "opened_background", "opened_labels"]
