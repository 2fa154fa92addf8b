"""Every route by which the R package arrives ends with the whole core installed, or says what to do."""

import re
import shutil

from conftest import ROOT, break_link, contents, run, version_in

VERSION = re.search(r"^Version: (.+)$", (ROOT / "DESCRIPTION").read_text(), re.MULTILINE)[1]


def install(source, tmp_path, ok=True):
    library = tmp_path / "library"
    library.mkdir()
    output = run("R", "CMD", "INSTALL", "--no-docs", f"--library={library}", source, cwd=tmp_path, ok=ok)
    return output if not ok else library / "bandlens" / "python"


def build(source, tmp_path):
    run("R", "CMD", "build", "--no-build-vignettes", "--no-manual", source, cwd=tmp_path)
    return tmp_path / f"bandlens_{VERSION}.tar.gz"


def assert_core(core, core_files):
    assert sorted(contents(core)) == sorted(core_files)
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
