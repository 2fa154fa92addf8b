"""README and vignettes as a reader meets them: the blocks of code that are shown, one after the other."""

import re
from dataclasses import dataclass

CHUNK = re.compile(r"^```\{?(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    options: str
    code: str

    @property
    def shown(self):
        """Is it to be read? Also what isn't run when the vignette is made (`eval = FALSE`) must run for its readers."""
        return not re.search(r"(include|echo) *= *FALSE", self.options)

    @property
    def fails(self):
        """Shows what an error looks like."""
        return bool(re.search(r"error *= *TRUE", self.options))


def blocks(text):
    """Every block of code in a text that is shown to its readers."""
    return [block for block in (Block(*found) for found in CHUNK.findall(text)) if block.shown]


def r_script(shown):
    """R code that runs blocks of R, and those of Python by reticulate, as RStudio does."""
    return "\n".join(map(_in_r, (block for block in shown if block.language in ("r", "python"))))


def _in_r(block):
    if block.language == "python":
        return f'reticulate::py_run_string(r"---({block.code})---")\n'
    if block.fails:
        return (
            f'if (!inherits(try({{\n{block.code}}}), "try-error")) stop("the text shows an error, but there is none")\n'
        )
    needed = re.search(r'needs *= *"(\w+)"', block.options)
    if needed:
        return f'if (requireNamespace("{needed[1]}", quietly = TRUE)) {{\n{block.code}}}\n'
    return block.code
