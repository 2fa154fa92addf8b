"""The command line, and the whole job on real data: fewer epochs and images, otherwise as a newcomer runs it."""

import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from bandlens import __version__, band_importance, datasets, demo
from bandlens.__main__ import main
from bandlens.results.tables import CLASS_COLUMNS

IMAGES = 120


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Folder and results of a short demo."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    return folder, demo.run(folder, epochs=1, images=IMAGES)


@pytest.mark.parametrize("method", ["saliency", "deepshap"])
def test_demo_writes_the_class_band_table(outcome, method):
    folder, results = outcome
    table = pd.read_csv(folder / f"class_band_{method}.csv")
    data = datasets.landsat()
    assert tuple(table.columns) == CLASS_COLUMNS
    assert len(table) == 24
    assert list(dict.fromkeys(table["class"])) == list(data.classes)
    assert list(dict.fromkeys(table["band"])) == list(data.bands)
    assert list(dict.fromkeys(table["wavelength"])) == list(data.wavelengths)
    assert table.groupby("class")["n"].first().sum() == IMAGES
    np.testing.assert_allclose(table.groupby("class")["share"].sum(), 1)
    assert (table["conf_low"] < table["importance"]).all()
    assert (table["importance"] < table["conf_high"]).all()
    np.testing.assert_allclose(table["importance"], results[method].to_frame()["importance"])


def test_demo_results_are_what_the_methods_promise(outcome):
    _, results = outcome
    assert results["deepshap"].n_background == demo.N_BACKGROUND == 500
    assert results["deepshap"].completeness < 1e-4
    assert results["saliency"].completeness is None
    assert results["deepshap"].model == "landsat_cnn"


def test_demo_saves_the_model_it_explains(outcome):
    folder, results = outcome
    data = datasets.landsat()
    again = band_importance(folder / "landsat.keras", data.x_test[:1], data.y_test[:1], method="saliency")
    np.testing.assert_allclose(again.scores[0], results["saliency"].scores[0], rtol=1e-5)


def test_demo_draws_pictures(outcome):
    folder, _ = outcome
    names = {f"{kind}_{method}.png" for method, kind in demo.PICTURES}
    assert names == {path.name for path in folder.glob("*.png")}
    assert len(names) >= 3
    for name in names:
        picture = matplotlib.image.imread(folder / name)
        assert picture.shape[1] > 1000  # 175 mm at 200 dpi
        assert picture[..., :3].std() > 0.05  # not blank


def test_command_line_runs_the_demo(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(demo, "run", lambda output, **options: calls.append((output, options)))
    assert main(["demo", "--output", str(tmp_path), "--epochs", "2", "--images", "9", "--seed", "3"]) == 0
    assert main(["demo"]) == 0
    assert calls == [
        (str(tmp_path), {"epochs": 2, "images": 9, "seed": 3}),
        ("demo", {"epochs": 30, "images": None, "seed": 1}),
    ]


def test_command_line_reports_a_folder_it_cannot_write(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert main(["demo", "--output", str(tmp_path / "taken")]) == 1
    captured = capsys.readouterr()
    assert "taken" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("wrong", [[], ["nonsense"], ["demo", "--epochs", "0"], ["demo", "--images", "some"]])
def test_command_line_refuses_wrong_usage(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_python_m_bandlens_answers_without_tensorflow():
    code = """
import runpy, sys
sys.argv[1:] = ["--version"]
try:
    runpy.run_module("bandlens", run_name="__main__")
finally:
    assert "tensorflow" not in sys.modules
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == f"bandlens {__version__}"


def test_readme_code_runs():
    """The first block, with a smaller background; tests/packaging runs all of them as they stand."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    short = code.replace("n_background=500", "n_background=5")
    assert short.count("n_background=5,") == 1
    names = {}
    exec(short, names)
    assert names["importance"].n_background == 5
    assert len(names["table"]) == 24
