"""What a Python of its own prints: much is settled when TensorFlow or Keras starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """The output of Python with these arguments, such as ``"-c", code``, and variables of the environment."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()
