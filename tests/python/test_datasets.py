"""The shipped data is what it says it is."""

import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from bandlens import datasets, demo
from bandlens.datasets import make_landsat_model


@pytest.fixture(scope="module")
def landsat():
    return datasets.landsat()


def test_official_split_and_class_counts(landsat):
    assert landsat.x_train.shape == (4435, 3, 3, 4)
    assert landsat.x_test.shape == (2000, 3, 3, 4)
    # counts per class from the original documentation, codes 1, 2, 3, 4, 5, 7
    assert np.bincount(landsat.y_train).tolist() == [1072, 479, 961, 415, 470, 1038]
    assert np.bincount(landsat.y_test).tolist() == [461, 224, 397, 211, 237, 470]


def test_axes_are_row_column_band(landsat):
    # the first line of the original file sat.trn: pixels left to right, then top to bottom, bands fastest; class 3
    assert landsat.x_train[0, 0].tolist() == [[92, 115, 120, 94], [84, 102, 106, 79], [84, 102, 102, 83]]
    assert landsat.x_train[0, 1].tolist() == [[101, 126, 133, 103], [92, 112, 118, 85], [84, 103, 104, 81]]
    assert landsat.classes[landsat.y_train[0]] == "grey soil"


def test_bands_and_wavelengths_belong_together(landsat):
    assert landsat.bands == ("green", "red", "nir1", "nir2")
    assert landsat.wavelengths == (550, 650, 750, 950)
    # physics: a crop is dark in red and bright in the near infrared, bare soil is not
    crop = landsat.x_train[landsat.y_train == landsat.classes.index("cotton crop")].mean(axis=(0, 1, 2))
    soil = landsat.x_train[landsat.y_train == landsat.classes.index("grey soil")].mean(axis=(0, 1, 2))
    red, nir = landsat.bands.index("red"), landsat.bands.index("nir2")
    assert crop[nir] > 2 * crop[red]
    assert soil[nir] < soil[red]


def test_values_are_digital_numbers_a_model_takes_as_they_are(landsat):
    for x, y in ((landsat.x_train, landsat.y_train), (landsat.x_test, landsat.y_test)):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.flags.c_contiguous
        assert (x == np.round(x)).all()
        assert x.min() >= 0
        assert x.max() <= 255


def test_source_and_licence_are_stated(landsat):
    assert "10.24432/C55887" in landsat.source
    assert "CC BY 4.0" in landsat.licence
    assert "CC BY 4.0" in repr(landsat)


def test_share_of_test_patches_that_overlap_training_patches(landsat):
    """The documentation says 97 %."""

    def keys(x):
        return [patch.tobytes() for patch in x]

    train, test = landsat.x_train, landsat.x_test
    # a test patch one pixel to the right of, left of, below or above a training patch
    pairs = (
        (test[:, :, :2], train[:, :, 1:]),
        (test[:, :, 1:], train[:, :, :2]),
        (test[:, :2], train[:, 1:]),
        (test[:, 1:], train[:, :2]),
    )
    overlaps = np.zeros(len(test), dtype=bool)
    for part, of in pairs:
        known = set(keys(of))
        overlaps |= [key in known for key in keys(part)]
    assert round(100 * overlaps.mean()) == 97


def test_landsat_model_is_as_good_as_the_documentation_says(landsat):
    model = keras.saving.load_model(datasets.landsat_model())
    accuracy = np.mean(np.argmax(model.predict(landsat.x_test, verbose=0), axis=1) == landsat.y_test)
    said = f"{100 * accuracy:.1f} % of the test patches".replace(" ", r"\s+(?:#' )?")
    root, folder = Path(__file__).parents[2], datasets.landsat_model().parent
    for page in (folder / "README.md", folder / "__init__.py", root / "R" / "datasets.R"):
        assert re.search(said, page.read_text(encoding="utf-8")), page


def test_landsat_model_is_the_demo_s(landsat):
    """Same layers and options, but for those that only newer versions of Keras know."""
    shipped = keras.saving.load_model(datasets.landsat_model())
    trained = demo.train(landsat, epochs=1)
    assert shipped.get_config()["name"] == trained.get_config()["name"] == "landsat_cnn"
    for ours, theirs in zip(shipped.layers, trained.layers, strict=True):
        assert type(ours) is type(theirs)
        assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]


def test_landsat_model_has_no_option_that_older_keras_refuses():
    with zipfile.ZipFile(datasets.landsat_model()) as archive:
        config = archive.read("config.json").decode()
    assert not [name for name in make_landsat_model.LATER if f'"{name}"' in config]
