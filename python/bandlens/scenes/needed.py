"""Packages that only scenes need: imported where they are used, with an error that says how to get a missing one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import MissingPackageError

EXTRA = "scenes"


def needed(package: str, what: str) -> Any:
    """A package of the extra, imported; `what` needs it.

    Raises
    ------
    MissingPackageError
        If it isn't there.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package.split(".")[0]:
            raise  # something that it needs itself, of which it says more
        raise MissingPackageError(
            f"{what} needs the Python package {package}.", fix=f"pip install 'bandlens[{EXTRA}]'"
        ) from error
