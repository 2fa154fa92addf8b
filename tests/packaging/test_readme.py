"""What README tells a stranger can be done: its links lead somewhere, its verbs exist, and its sources install."""

import re
import shutil

import pytest
from as_written import blocks, r_script
from conftest import PYTHON, ROOT, run, run_r
from test_python_package import assert_core, pip_install

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "DESCRIPTION", "pyproject.toml", "_pkgdown.yml"]
PAGES += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "vignettes").glob("*.Rmd*"))


def test_links_lead_to_what_is_there():
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    assert links
    assert not [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


def test_files_that_are_named_are_there():
    named = re.findall(r"[`\s]((?:[\w.]+/)*[\w.]+\.(?:py|R))[`\s]", README)
    assert named
    assert not [name for name in named if not (ROOT / name).exists() and not (ROOT / "tests/python" / name).exists()]


def test_verbs_exist():
    verbs = re.findall(r"\bmake ([a-z-]+)", README)
    assert {"demo", "test"} <= set(verbs)
    known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert not set(verbs) - set(known)


# to be changed on the day on which there is a repository that anybody can reach
@pytest.mark.parametrize("page", PAGES)
def test_no_address_of_a_repository_is_given(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not re.findall(r"install_git\w+|git\+\w+|git(?:hub|lab)\.com/bandlens\S*", text)


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_archive_of_a_clone(tree, tmp_path, core_files, kind):
    archive = shutil.make_archive(tmp_path / "archive" / "bandlens", kind, tree.parent, tree.name)
    assert_core(pip_install(archive, tmp_path), core_files)


def shown(language):
    """README's blocks but for those that install."""
    every = [block for block in blocks(README) if block.language == language]
    kept = [block for block in every if not re.match(r"install[.]packages|pip install", block.code)]
    assert len(kept) >= 3
    return kept


def table(text):
    """The first output in a text."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    output = steady(next(inside for language, inside in fenced if not language))
    assert "residual" in output
    return output


def steady(text):
    """Without what rounding makes of a machine's threads."""
    return re.sub(r"residual \S+", "residual", text)


def test_r_code_runs_as_written(library, tmp_path):
    assert table(README) in steady(run_r(r_script(shown("r")), library, tmp_path))
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_python_code_runs_as_written(tmp_path):
    code = "".join(block.code for block in shown("python"))
    said = run(PYTHON, "-c", code, cwd=tmp_path, PYTHONPATH=str(ROOT / "python"), MPLBACKEND="agg")
    assert table(README.split("## In Python")[1]) in steady(said)
