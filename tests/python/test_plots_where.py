"""Pictures of class activation maps: what is drawn over what, on which scale, and what the subtitle says."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandError, InputError, OptionError
from bandlens.plots import draw
from bandlens.plots.composites import greys
from bandlens.plots.where import between, over

N, ROWS, COLS = 5, 12, 10
CLASSES, BANDS = ("forest", "water"), ("blue", "green", "red", "nir")
X = np.random.default_rng(0).random((N, ROWS, COLS, 4))


def made(by: str | None = None, k: int = 1, signed: bool = False, bands: tuple[str, ...] = BANDS) -> bl.ActivationMaps:
    random = np.random.default_rng(1)
    values = random.normal(size=(N, k, *((len(bands),) if by else ()), 3, 2)).astype("float32")
    return bl.ActivationMaps(
        values=values if signed else np.abs(values),
        image_class=np.array([0, 1, 0, 1, 0]),
        prediction=np.array([0, 1, 1, 1, 0]),
        image_output=np.tile(np.arange(k), (N, 1)) if k > 1 else np.array([[0], [1], [0], [1], [0]]),
        row_at=(np.arange(3) + 0.5) / 3,
        col_at=(np.arange(2) + 0.5) / 2,
        classes=CLASSES,
        outputs=CLASSES,
        bands=bands,
        wavelengths=(float("nan"),) * len(bands),
        band_axes=np.full(len(bands), 3),
        method="gradcam",
        output="logit",
        layer="conv",
        by=by,
    )


def panels(plot: Any) -> list[str]:
    return list(plot.data["panel"].cat.categories)


def test_interpolation_is_linear_between_the_middles_of_places() -> None:
    rows, cols = (np.arange(4) + 0.5) / 4, (np.arange(3) + 0.5) / 3
    plane = 2 + 3 * rows[:, None] - 5 * cols
    large = between(plane, rows, cols, (16, 12))
    at = (np.arange(16) + 0.5) / 16, (np.arange(12) + 0.5) / 12
    at = np.clip(at[0], rows[0], rows[-1]), np.clip(at[1], cols[0], cols[-1])
    np.testing.assert_allclose(large, 2 + 3 * at[0][:, None] - 5 * at[1], atol=1e-12)
    np.testing.assert_allclose(between(np.array([[4.0]]), np.array([0.5]), np.array([0.5]), (3, 2)), 4)


def test_colours_are_mixed_with_grey() -> None:
    np.testing.assert_allclose(greys(np.array(["#FFFFFF", "#000000", "#FF0000"])), [255, 0, 0.2126 * 255])
    colour = np.array(["#FF0000"] * 2)
    assert over(np.array([100.0, 100.0]), colour, np.array([0.0, 1.0])).tolist() == ["#745A5A", "#E01414"]


def test_images_stand_in_rows_with_their_composite_first() -> None:
    plot = made(k=2).plot([0, 2], x=X)
    assert panels(plot) == ["0", "0_0", "0_1", "1", "1_0", "1_1"]
    assert plot.labels.title == "Class activation maps"
    assert "Grad-CAM, layer 'conv'; panels: logit of the class that is named" in plot.labels.subtitle
    assert "first: RGB" in plot.labels.subtitle
    assert len(plot.data) == 6 * ROWS * COLS
    assert panels(made().plot()) == ["0_0", "1_0", "2_0", "3_0"]
    assert len(made().plot().data) == 4 * 3 * 2  # places as they are


def test_bands_stand_side_by_side() -> None:
    plot = made("band", signed=True).plot(x=X)
    assert panels(plot) == ["0", "0_0", "0_1", "0_2", "0_3"]
    assert "what each band adds" in plot.labels.title
    assert "logit of forest; panels: bands" in plot.labels.subtitle
    many = tuple(f"b{at}" for at in range(30))
    assert "25 of 30 bands" in made("band", bands=many).plot().labels.subtitle
    assert "7 of 30 bands" in made("band", bands=many).plot([0, 1]).labels.subtitle


@pytest.mark.parametrize("options", [{}, {"x": X}, {"x": X, "rgb": ["nir", "red", "green"]}, {"image": 3, "x": X}])
@pytest.mark.parametrize(("by", "signed"), [(None, False), (None, True), ("band", True)])
def test_pictures_can_be_drawn(by: str | None, signed: bool, options: dict[str, Any]) -> None:
    made(by, k=2, signed=signed).plot(**options).draw()


def test_of_several_inputs_the_first_with_pixels_is_shown() -> None:
    found = made()
    fields = {**vars(found), "bands": ("t", *BANDS), "wavelengths": (float("nan"),) * 5}
    fields |= {"inputs": ("weather", *("image",) * 4), "band_axes": np.array([1, 3, 3, 3, 3])}
    several = bl.ActivationMaps(**{name: fields[name] for name in fields if name in found.__dataclass_fields__})
    plot = several.plot(x={"weather": np.zeros((N, 1)), "image": X})
    assert plot.data.equals(found.plot(x=X).data)
    assert several.plot(x=[np.zeros((N, 1)), X]).data.equals(plot.data)
    with pytest.raises(InputError, match="'weather', 'image'"):
        several.plot(x={"weather": np.zeros((N, 1))})


def test_what_can_not_be_drawn_is_refused() -> None:
    found = made()
    with pytest.raises(OptionError, match="image from 0 to 4"):
        found.plot(5)
    with pytest.raises(OptionError, match="1 to 12 images"):
        found.plot([0] * 13)
    with pytest.raises(OptionError, match="composite"):
        found.plot(rgb=["red", "green", "blue"])
    with pytest.raises(BandError, match="three"):
        found.plot(x=X, rgb=["red", "green"])
    for wrong in (X[:3], X[..., :3], X[:, 0]):
        with pytest.raises(InputError, match="not the images of the maps"):
            found.plot(x=wrong)
    with pytest.raises(OptionError, match="no such option"):
        draw(found, "where", scales="free")
