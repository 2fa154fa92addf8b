"""The house as CONTRIBUTING.md describes it: rooms that import only downwards, no circles, no large module."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import bandlens
import pytest

PACKAGE = Path(bandlens.__file__).parent
# from the ground up; a room imports only rooms before it
ROOMS = (
    *(
        "data",
        "datasets",
        "engine",
        "models",
        "methods",
        "cluster",
        "results",
        "explain",
        "scenes",
        "features",
        "localization",
        "checks",
        "plots",
        "r",
    ),
    *("demo", "bandlens", "__main__"),
)
# what every room may import
EVERYWHERE = {"errors", "progress", "_version"}
MOST_LINES = 400


def modules() -> dict[str, Path]:
    """Every module by its name without the package's."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        *folders, name = file.relative_to(PACKAGE).with_suffix("").parts
        found[".".join([*folders, *([] if name == "__init__" else [name])])] = file
    return found


MODULES = modules()


@cache
def imports(module: str) -> set[str]:
    """Modules of the package that a module imports: at the top, in functions, and for types alone."""
    file, found = MODULES[module], set()
    here = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(one.name.split(".")[0] == "bandlens" for one in node.names), f"{module}: import relatively"
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = [part for part in here[: len(here) - node.level + 1] if part]
            base = ".".join([*above, *([node.module] if node.module else [])])
            for one in node.names:
                inner = f"{base}.{one.name}" if base else one.name
                found.add(inner if inner in MODULES else base)
    return found - {module}


def room(module: str) -> str:
    return module.split(".")[0] or "bandlens"


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda name: name or "bandlens")
def test_rooms_import_only_what_is_below(module: str) -> None:
    here = room(module)
    below = {here, *EVERYWHERE, *(ROOMS[: ROOMS.index(here)] if here in ROOMS else ())}
    above = sorted(other for other in imports(module) if room(other) not in below)
    assert not above, f"{module} imports {above}"


def test_nothing_goes_round_in_circles() -> None:
    graph = {module: imports(module) for module in MODULES if module}
    # a package is imported before its modules, which is no circle; what it collects from them would be one
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_at_the_top_is_what_a_user_meets() -> None:
    top = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    assert top == {"__init__", "__main__", "_version", "demo", "errors", "progress"}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(ROOMS) - {"demo", "bandlens", "__main__"}


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda name: name or "bandlens")
def test_modules_say_what_they_are_for_and_are_small(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("name", sorted(set(ROOMS) - {"demo", "bandlens", "__main__"}))
def test_rooms_say_what_they_may_import(name: str) -> None:
    docs = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "import" in docs
    mentioned = {other for other in ROOMS if f"`{other}`" in docs}
    used = defaultdict(set)
    for module in MODULES:
        used[room(module)] |= {room(other) for other in imports(module)} - {room(module)} - EVERYWHERE
    if "every" not in docs.split("mport", 1)[1].split(";")[0].split(".")[0]:
        assert used[name] <= mentioned, f"{name} imports {sorted(used[name] - mentioned)}, which it doesn't say"


SHARED = 10


def bodies(module: str) -> list[tuple[str, list[str]]]:
    """Functions of a module and the lines of their bodies, without docstrings and comments, each once."""
    found = []
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            inside = [one for one in node.body if not isinstance(one, ast.FunctionDef)]
            if inside and ast.get_docstring(node) is not None:
                inside = [
                    one for one in inside if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
                ]
            lines = [line.strip() for one in inside for line in ast.unparse(one).splitlines()]
            found.append((f"{module}.{node.name}", lines))
    return found


def test_no_two_functions_share_ten_lines() -> None:
    seen: dict[tuple[str, ...], str] = {}
    shared = set()
    for module in MODULES:
        for name, lines in bodies(module):
            for start in range(len(lines) - SHARED + 1):
                key = tuple(lines[start : start + SHARED])
                if seen.setdefault(key, name) != name:
                    shared.add((seen[key], name))
    assert not shared


def test_a_name_of_r_is_defined_once() -> None:
    # all files of an R package share one namespace, so that the last of two definitions wins without a word
    homes = defaultdict(list)
    for file in sorted((Path(__file__).parents[2] / "R").glob("*.R")):
        for name in re.findall(r"^(`[^`]+`|[\w.]+) <- ", file.read_text(encoding="utf-8"), re.MULTILINE):
            homes[name].append(file.name)
    assert homes
    assert not {name: files for name, files in homes.items() if len(files) > 1}
