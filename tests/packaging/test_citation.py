"""How to cite the package, and the page that lists its functions, say what the package is."""

import re

from conftest import ROOT, run_r


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def field(name, source):
    return re.search(rf'^{name}: "?(.*?)"?$', source, re.MULTILINE)[1]


def test_citation_file_agrees_with_the_package():
    cff, description = text("CITATION.cff"), text("DESCRIPTION")
    assert field("version", cff) == field("Version", description)
    assert field("title", cff) == f"bandlens: {field('Title', description)}"
    assert f"license: {re.search(r'^license = .(.*?).$', text('pyproject.toml'), re.MULTILINE)[1]}" in cff


def test_r_says_how_to_cite_it(library, tmp_path):
    said = run_r('print(citation("bandlens")); print(toBibtex(citation("bandlens")))', library, tmp_path)
    title, version = (field(name, text("CITATION.cff")) for name in ("title", "version"))
    assert f"R package version {version}" in said
    assert title in " ".join(said.split())
    assert "@Manual{bandlens," in said


def test_package_page_lists_every_function():
    page = text("man/bandlens-package.Rd")
    linked = set(re.findall(r"\\link(?:\[=?([\w.]+)\])?\{", page)) | set(re.findall(r"\\link\{([\w.]+)", page))
    exported = set(re.findall(r"^export\((\w+)\)$", text("NAMESPACE"), re.MULTILINE))
    assert len(exported) > 20
    methods = {name.split(".")[0] for name in linked}
    assert not exported - linked - methods
