"""Every route by which the Python package arrives ends with the whole core installed; what is said twice agrees."""

import email
import re
import sys
import zipfile

from conftest import ROOT, contents, run, version_in

DESCRIPTION = (ROOT / "DESCRIPTION").read_text()
VERSION = re.search(r"^Version: (.+)$", DESCRIPTION, re.MULTILINE)[1]


def pip_install(source, tmp_path):
    target = tmp_path / "site"
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--target", target, source),
        cwd=tmp_path,
    )
    return target


def build(what, source, tmp_path):
    run(sys.executable, "-m", "build", "--no-isolation", f"--{what}", "--outdir", tmp_path / what, source, cwd=tmp_path)
    (package,) = (tmp_path / what).iterdir()
    return package


def assert_core(site, core_files):
    assert sorted(f"bandlens/{name}" for name in contents(site / "bandlens")) == sorted(core_files)
    assert version_in(site) == VERSION


def test_checkout(tree, tmp_path, core_files):
    assert_core(pip_install(tree, tmp_path), core_files)


def test_zip_download(zip_tree, tmp_path, core_files):
    assert_core(pip_install(zip_tree, tmp_path), core_files)


def test_source_distribution_and_its_wheel(tree, tmp_path, core_files):
    sdist = build("sdist", tree, tmp_path)
    run("tar", "-xzf", sdist, cwd=tmp_path)
    wheel = build("wheel", tmp_path / f"bandlens-{VERSION}", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_string(
            archive.read(f"bandlens-{VERSION}.dist-info/METADATA").decode(),
        )
    assert metadata["License-Expression"] == "MIT"
    listed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    needed = [re.match(r"[\w-]+", line)[0] for line in listed]
    for_r = re.search(r"^SystemRequirements: Python.*? with ((?:.|\n )*)$", DESCRIPTION, re.MULTILINE)[1]
    named = [name.lower() for name in re.findall(r"([A-Za-z]+)(?: \(.*?\))?(?:,| and|$)", for_r)]
    assert named == needed[: len(named)] == ["tensorflow", "numpy", "scipy"]  # tables and pictures are R's own
    assert_core(pip_install(wheel, tmp_path), core_files)
