"""The package as a whole: what an import costs, and what it shows."""

from __future__ import annotations

import bandlens as bl
from own_process import printed


def test_import_is_fast_and_brings_no_framework() -> None:
    code = (
        "import time, sys; start = time.perf_counter(); import bandlens; seconds = time.perf_counter() - start\n"
        "heavy = [name for name in ('tensorflow', 'keras', 'shap', 'pandas', 'plotnine') if name in sys.modules]\n"
        "print(seconds, *heavy)"
    )
    seconds, *heavy = printed("-c", code).split()
    assert heavy == []
    assert float(seconds) < 0.5


def test_public_names_exist_and_are_listed() -> None:
    for name in bl.__all__:
        assert getattr(bl, name) is not None
    assert dir(bl) == sorted(bl.__all__)


def test_every_method_says_what_it_is() -> None:
    for name, method in bl.METHODS.items():
        assert method.name == name
        assert method.label
        assert method.summary.endswith(".")
        assert method.cost
        assert method.reference
        assert method.statistic in method.statistics
        for option, entry in method.options.items():
            assert entry.meaning[0].isupper(), (name, option)
            assert entry.meaning.endswith("."), (name, option)
            entry.check(option, entry.default)
