"""Every route by which the R package arrives ends with the core installed, but for its pictures, or says what to do."""

import re
import shutil

from conftest import PYTHON, ROOT, break_link, contents, run, version_in

VERSION = re.search(r"^Version: (.+)$", (ROOT / "DESCRIPTION").read_text(), re.MULTILINE)[1]

PICTURES = re.compile(r"bandlens/plots/.*\.py$")  # those of Python, which R draws itself


def install(source, tmp_path, ok=True):
    library = tmp_path / "library"
    library.mkdir()
    output = run("R", "CMD", "INSTALL", "--no-docs", f"--library={library}", source, cwd=tmp_path, ok=ok)
    return output if not ok else library / "bandlens" / "python"


def build(source, tmp_path):
    run("R", "CMD", "build", "--no-build-vignettes", "--no-manual", source, cwd=tmp_path)
    return tmp_path / f"bandlens_{VERSION}.tar.gz"


def assert_core(core, core_files):
    assert sorted(contents(core)) == sorted(name for name in core_files if not PICTURES.match(name))
    assert version_in(core) == VERSION


def test_folder(tree, tmp_path, core_files):
    assert_core(install(tree, tmp_path), core_files)
    assert (tree / "inst/python").is_symlink()  # the sources stay as they were


def test_built_package_has_the_core_once(tree, tmp_path, core_files):
    (tree / "python/bandlens/__pycache__").mkdir(exist_ok=True)
    (tree / "python/bandlens/__pycache__/stale.cpython-311.pyc").write_bytes(b"")
    (tree / "python/bandlens.egg-info").mkdir()
    package = build(tree, tmp_path)
    inside = run("tar", "-tzf", package, cwd=tmp_path).split()
    core = [name.removeprefix("bandlens/inst/python/") for name in inside if "/bandlens/" in name]
    assert sorted(name for name in core if not name.endswith("/")) == sorted(core_files)
    unwanted = r"^bandlens/(python|\.ci|\.git|\.envs|Makefile|pyproject|cleanup|tests/p)|pycache|egg-info"
    assert not [name for name in inside if re.search(unwanted, name)]
    assert_core(install(package, tmp_path), core_files)


def test_zip_download(zip_tree, tmp_path, core_files):
    assert_core(install(zip_tree, tmp_path), core_files)


def test_zip_download_through_build(zip_tree, tmp_path, core_files):
    """The way remotes and pak go, where no shell script of ours can run: Windows without Rtools."""
    assert_core(install(build(zip_tree, tmp_path), tmp_path), core_files)


def test_broken_link_through_build(tree, tmp_path, core_files):
    package = build(break_link(tree), tmp_path)
    assert "bandlens/python/" not in run("tar", "-tzf", package, cwd=tmp_path).split()
    assert_core(install(package, tmp_path), core_files)


def test_lost_link(tree, tmp_path, core_files):
    """R's own untar on Windows leaves links to folders out."""
    (tree / "inst/python").unlink()
    assert_core(install(tree, tmp_path), core_files)


def test_clone_without_links(tree, tmp_path, core_files):
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    run(*git, "init", "--quiet", cwd=tree)
    run(*git, "add", "--all", cwd=tree)
    run(*git, "commit", "--quiet", "--no-verify", "--message=t", cwd=tree)
    run(*git, "clone", "--quiet", "-c", "core.symlinks=false", tree, "clone", cwd=tmp_path)
    assert (tmp_path / "clone/inst/python").read_text() == "../python"
    assert_core(install(tmp_path / "clone", tmp_path), core_files)


def test_sources_without_the_core_say_what_to_do(tree, tmp_path):
    shutil.rmtree(break_link(tree) / "python")
    output = install(tree, tmp_path, ok=False)
    assert "lack its Python core" in output
    assert "Install from a complete copy" in output


def test_pictures_of_python_are_said_to_be_elsewhere(tree, tmp_path):
    """The installed package has the colours that R reads, and Python's results say where their pictures are."""
    core = install(tree, tmp_path)
    assert {"palette.csv", "labels.csv", "composites.csv"} == {
        path.name for path in (core / "bandlens/plots").iterdir()
    }
    code = """
import numpy as np, bandlens as bl
x = np.random.default_rng(0).normal(size=(4, 2, 2, 3))
result = bl.band_importance(lambda x: x.mean((1, 2)), x, [0, 1, 2, 0], method="permutation")
try:
    result.plot()
except bl.errors.MissingPackageError as error:
    print(error)
"""
    said = run(PYTHON, "-c", code, cwd=tmp_path, PYTHONPATH=str(core))
    assert "inside the R package" in said
    assert "autoplot()" in said


def test_installed_package_is_small(library):
    """The Makefile allows R CMD check 6 MB, 6144 of these, above which it has a note."""
    said = run("du", "-sk", library / "bandlens", cwd=library)
    assert int(said.split()[0]) < 6000
