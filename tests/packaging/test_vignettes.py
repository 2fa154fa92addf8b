"""Vignettes are knitted beforehand: what is checked in must be complete, small, and not older than its source.

What they show must run as it stands, in a new session with the package installed.
"""

import re

import pytest
from as_written import blocks, r_script
from conftest import ROOT, run_r

FOLDER = ROOT / "vignettes"
NAMES = sorted(path.name.removesuffix(".Rmd.orig") for path in FOLDER.glob("*.Rmd.orig"))
HEADING = re.compile(r"^#+ .*|^title: .*", re.MULTILINE)
KB = 1000


def knitted(name):
    return (FOLDER / f"{name}.Rmd").read_text(encoding="utf-8")


def prose(text):
    return HEADING.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def test_each_source_is_knitted():
    assert NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.Rmd")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_runs_no_code(name):
    assert not re.findall(r"^```+\s*\{|`r ", knitted(name), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_follows_its_source(name):
    assert prose(knitted(name)) == prose((FOLDER / f"{name}.Rmd.orig").read_text(encoding="utf-8"))


def test_pictures_are_there_described_and_small():
    shown = [picture for name in NAMES for picture in re.findall(r'<img src="(.*?)" alt="(.*?)"', knitted(name))]
    assert all(len(description) > 30 for _, description in shown)
    files = {path.relative_to(FOLDER).as_posix(): path.stat().st_size for path in (FOLDER / "figures").iterdir()}
    assert sorted(path for path, _ in shown) == sorted(files)
    assert max(files.values()) < 100 * KB
    assert sum(files.values()) < 1000 * KB


def test_say_nothing_of_the_machine_they_were_knitted_on():
    assert not [name for name in NAMES if re.search(r"/(work|home|root|tmp)/", knitted(name))]


# train ten networks, three, and one, on data that has to be downloaded
SLOW = {"sentinel2", "landcover", "correlated"}
# on the website and in the sources alone, as the installed package has little room
ARTICLES = {"landcover"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in NAMES])
def test_runs_as_written(name, library, tmp_path):
    shown = blocks((FOLDER / f"{name}.Rmd.orig").read_text(encoding="utf-8"))
    assert next(block.code for block in shown if block.language == "r").startswith("library(bandlens)\n")
    (tmp_path / "figures").mkdir()
    run_r(r_script(shown), library, tmp_path)


def test_are_listed_once_installed(library, tmp_path):
    said = run_r('cat(vignette(package = "bandlens")$results[, "Item"], sep = "\\n")', library, tmp_path)
    assert set(said.split()) == set(NAMES) - ARTICLES


@pytest.mark.parametrize("name", NAMES)
def test_shows_its_source_s_code(name):
    """Whether output is as new as the code, no test can tell; `make vignettes` makes both."""

    def code(suffix):
        shown = blocks((FOLDER / f"{name}{suffix}").read_text(encoding="utf-8"))
        return [line for block in shown for line in block.code.splitlines() if line.strip()]

    assert code(".Rmd") == code(".Rmd.orig")
