"""What this machine's processor is called: processors of one kind round alike, others may not."""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path

# where Linux says so, whose `platform.processor()` does not
LISTED = Path("/proc/cpuinfo")


@cache
def processor() -> str:
    """Its name, as the system gives it."""
    named = re.search(r"^model name\s*:\s*(.+)$", LISTED.read_text(), re.MULTILINE) if LISTED.exists() else None
    return named[1] if named else platform.processor() or platform.machine()
