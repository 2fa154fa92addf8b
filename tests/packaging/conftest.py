"""Copies of the checkout to install from, as they arrive by the different routes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, cwd, ok=True, **environment):
    """Run a command; its output, or the failure with its output."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ok != (done.returncode == 0):
        pytest.fail(f"{' '.join(map(str, command))} returned {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def checked_files():
    """Everything in the checkout that git knows or would add, as paths relative to it."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    return sorted({name for name in listed if name and os.path.lexists(ROOT / name)})


@pytest.fixture(scope="session")
def core_files():
    """The files of the core, relative to python/."""
    files = [name.removeprefix("python/") for name in checked_files() if name.startswith("python/bandlens/")]
    assert "bandlens/__init__.py" in files
    return files


def clone(folder):
    """The checkout as a clone or a Unix tarball gives it: inst/python is a link."""
    for name in checked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    assert (folder / "inst/python").is_symlink()
    return folder


@pytest.fixture
def tree(tmp_path):
    """A clone, to do with as a test likes."""
    return clone(tmp_path / "bandlens")


def break_link(folder):
    """What a ZIP download makes of the link: a small text file."""
    (folder / "inst/python").unlink()
    (folder / "inst/python").write_text("../python")
    return folder


@pytest.fixture
def zip_tree(tree):
    """The checkout as a ZIP download gives it: no link, and (as R's and Python's unzip do) no executable files."""
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o644)
    return break_link(tree)


def contents(folder):
    """The files below a folder, without what Python leaves there."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return [name for name in found if "__pycache__" not in name and ".egg-info" not in name]


def version_in(folder):
    """The version of the bandlens that is imported from a folder."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bandlens as b; print(b.__file__, b.__version__, sep='\\n')"
    )
    where, version = run(sys.executable, "-I", "-B", "-c", code, folder, cwd="/").splitlines()
    assert Path(where).is_relative_to(folder)
    return version


# A library of R that has the real keras3, and a Python for it; without, a stand-in of few functions is used.
KERAS3_LIB = os.environ.get("KERAS3_LIB")
ENVS = ROOT / ".envs"
PYTHON = ENVS / ("python-current" if KERAS3_LIB else "python-r") / "bin" / "python"


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """A library of R with bandlens as README's own line installs it, and with keras3."""
    folder, empty = tmp_path_factory.mktemp("as_written"), "no-repository/src/contrib"
    clone(folder / "bandlens")
    (folder / "library").mkdir()
    (folder / empty).mkdir(parents=True)
    (folder / empty / "PACKAGES").touch()
    (line,) = re.findall(r"^remotes::install_local.*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    # what it needs is there; no repository is asked for newer ones
    code = f'options(repos = c(CRAN = "file://{folder}/no-repository")); {line}'
    run("Rscript", "-e", code, cwd=folder, R_LIBS=str(folder / "library"), R_REMOTES_UPGRADE="never")
    if not KERAS3_LIB:
        double = ROOT / "tests/packaging/keras3-double"
        run("R", "CMD", "INSTALL", "--no-docs", f"--library={folder / 'library'}", double, cwd=folder)
    return folder / "library"


def run_r(code, library, folder, *, python=PYTHON, more=(), **environment):
    """Run R code in a session of its own, with a library before the others; what it prints."""
    (folder / "script.R").write_text(code, encoding="utf-8")
    places = [library, *([KERAS3_LIB] if KERAS3_LIB else []), *more]
    given = {"R_LIBS": os.pathsep.join(map(str, places)), "RETICULATE_PYTHON": str(python), **environment}
    if "py_run_string" in code:  # for those who installed the Python side
        given["PYTHONPATH"] = str(ROOT / "python")
    return run("Rscript", "--vanilla", "script.R", cwd=folder, **given)
