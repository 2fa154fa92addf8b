"""Removing bands from images of a model that gives outputs for every pixel: curves by hand, zones, labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import LabelError, OptionError, ResultError

N, BANDS, CLASSES = 12, 4, ["water", "soil", "crop"]
WEIGHTS = np.array([[5.0, -1, 0], [0, 4.0, -1], [-1, 0, 4.5], [0.5, 0.5, 0.5]])
RANDOM = np.random.default_rng(0)
MASKS = RANDOM.integers(0, 3, (N, 6, 6))
MASKS[0] = 2
X = RANDOM.normal(0.5, 0.3, (N, 6, 6, BANDS)) + np.eye(BANDS)[MASKS]


@pytest.fixture(scope="module")
def model() -> Any:
    """Each pixel's classes by its own bands."""
    import keras

    image = keras.Input((6, 6, BANDS))
    last = keras.layers.Conv2D(3, 1, activation="softmax")
    made = keras.Model(image, last(image))
    last.set_weights([WEIGHTS[None, None], np.zeros(3)])
    return made


def table(model: Any, y: Any = MASKS, **options: Any) -> bl.BandImportance:
    return bl.band_importance(model, X, y, method="occlusion", classes=CLASSES, **options)


def of(check: bl.Check, level: str, **values: Any) -> Any:
    frame = check.to_frame(level)
    for name, value in values.items():
        frame = frame[frame[name] == value]
    return frame


def left(image: int, code: int, inside: np.ndarray, gone: np.ndarray) -> dict[str, float]:
    """What is measured in one image with some bands set to 0."""
    logits = np.where(gone, 0, X[image]) @ WEIGHTS
    taken, own = logits.argmax(axis=-1) == code, MASKS[image] == code
    mean = logits[inside][:, code].mean()
    return {
        "logit": mean,
        "accuracy": taken[inside].mean(),
        "fidelity": -abs(mean - (X[image] @ WEIGHTS)[inside][:, code].mean()),
        "iou": (taken & own).sum() / (taken | own).sum(),
    }


@pytest.mark.parametrize("zone", ["label", "image"])
def test_curves_are_those_of_the_zone(model: Any, zone: str) -> None:
    result = table(model, zone=zone)
    check = bl.check_deletion(model, result, X, MASKS, replacement="zero", output="logit", batch_size=5)
    assert check.levels["measure"] == ("logit", "accuracy", "fidelity", "iou")
    assert check.facts["zone"] == zone
    assert check.facts["n"] == N
    ranking = np.argsort(-result.table.importance, axis=1)
    by_image: dict[str, list[list[float]]] = {}
    for code, name in enumerate(CLASSES):
        mine = result.images[result.image_class == code]
        for removed in range(BANDS + 1):
            gone = np.isin(np.arange(BANDS), ranking[code][:removed])
            every = [
                left(image, code, MASKS[image] == code if zone == "label" else np.full((6, 6), True), gone)
                for image in mine.tolist()
            ]
            for measure in check.levels["measure"]:
                row = of(
                    check, "curve", **{"class": name, "order": "importance", "removed": removed, "measure": measure}
                )
                assert row["estimate"].item() == pytest.approx(np.mean([one[measure] for one in every]), abs=1e-5)
                assert row["n"].item() == len(mine)
            if removed == 2:
                for image, one in zip(mine.tolist(), every, strict=True):
                    by_image.setdefault(str(image), []).append([one["logit"], one["iou"]])
    # images of many classes count as much as others
    means = np.array([np.mean(one, axis=0) for one in by_image.values()])
    for at, measure in enumerate(("logit", "iou")):
        row = of(check, "curve", **{"class": "all", "order": "importance", "removed": 2, "measure": measure})
        assert row["estimate"].item() == pytest.approx(means[:, at].mean(), abs=1e-5)
        assert row["n"].item() == N


def test_a_right_ranking_passes_and_a_wrong_one_does_not(model: Any) -> None:
    result = table(model)
    right = bl.check_deletion(model, result, X, MASKS)
    assert right.passed
    assert right.levels["measure"] == ("probability", "accuracy", "fidelity", "iou")
    assert (of(right, "area", measure="iou")["conf_low"] > 0).all()
    first = of(right, "curve", order="importance", removed=1, measure="iou").dropna(subset="band")
    assert first["band"].tolist() == ["band_1", "band_2", "band_3"]
    turned = replace(result, scores=1 / (0.1 + np.abs(result.scores)))
    assert bl.check_deletion(model, turned, X, MASKS).passed is False
    plot = right.plot(measure="iou")
    assert plot.labels.y == "Intersection over union"
    assert "zones: labelled pixels" in plot.labels.subtitle.replace("\n", " ")
    assert right.plot(measure="accuracy").labels.y == "Part of the zone taken for the class"


def test_zones_without_labels_are_those_that_the_model_sees(model: Any) -> None:
    result = table(model, None)
    check = bl.check_deletion(model, result, X, orders=2)
    assert check.levels["measure"] == ("probability", "accuracy", "fidelity")
    whole = of(check, "curve", removed=0, measure="accuracy")
    assert (whole["estimate"] == 1).all()
    mask = np.zeros((6, 6), bool)
    mask[:2] = True
    masked = table(model, zone=mask)
    assert bl.check_deletion(model, masked, X, MASKS, zone=mask, orders=2).facts["zone"] == "mask"


def test_labels_that_stand_for_nothing_are_left_out(model: Any) -> None:
    holes = MASKS.copy()
    holes[:, 0] = 255
    result = table(model, holes, ignore=255)
    check = bl.check_deletion(model, result, X, holes, ignore=255, replacement="zero", orders=2)
    found = of(check, "curve", **{"class": "soil", "removed": 0, "measure": "iou", "order": "importance"})
    expected = []
    for image, labels in zip(X[1:, 1:], MASKS[1:, 1:], strict=True):  # rows that are labelled; the first has no soil
        taken, own = (image @ WEIGHTS).argmax(axis=-1) == 1, labels == 1
        expected.append((taken & own).sum() / (taken | own).sum())
    assert found["estimate"].item() == pytest.approx(np.mean(expected))


def test_several_classes_of_a_pixel_are_followed_each_by_itself(keras: Any) -> None:
    image = keras.Input((6, 6, BANDS))
    last = keras.layers.Conv2D(3, 1, activation="sigmoid")
    model = keras.Model(image, last(image))
    last.set_weights([WEIGHTS[None, None], np.full(3, -2.0)])
    flags = (X @ WEIGHTS > 2).astype(int)
    result = bl.band_importance(model, X, flags, method="occlusion", background=X)
    check = bl.check_deletion(model, result, X, flags, orders=2)
    assert (of(check, "curve", removed=0, measure="iou")["estimate"] == 1).all()
    assert (of(check, "curve", removed=4, measure="iou")["estimate"] < 0.9).all()


def test_what_is_not_that_of_the_result_is_said(model: Any, keras: Any) -> None:
    labelled, predicted = table(model), table(model, None)
    mask = np.ones((6, 6), bool)
    with pytest.raises(ResultError, match=r"made with labels of pixels(.|\n)*`y`: the class of each pixel"):
        bl.check_deletion(model, labelled, X)
    with pytest.raises(ResultError, match="made without labels of pixels"):
        bl.check_deletion(model, predicted, X, MASKS)
    with pytest.raises(ResultError, match=r"classes that are labelled(.|\n)*others in 1 images: 'water', 'soil'"):
        bl.check_deletion(model, labelled, X, np.concatenate([MASKS[1:2], MASKS[1:]]))
    with pytest.raises(ResultError, match=r"others in 9 images: 'water', 'soil', 'crop'"):
        bl.check_deletion(model, labelled, X, (MASKS + 1) % 3)
    with pytest.raises(LabelError, match="one label for each pixel"):
        bl.check_deletion(model, labelled, X, MASKS[:, :5])
    with pytest.raises(OptionError, match=r"zones of your own(.|\n)*the mask that the result was made with"):
        bl.check_deletion(model, table(model, zone=mask), X, MASKS)
    with pytest.raises(OptionError, match=r"not those of the result(.|\n)*zone='label'"):
        bl.check_deletion(model, labelled, X, MASKS, zone="image")
    with pytest.raises(ResultError, match="other images than those"):
        bl.check_deletion(model, labelled, X[:5], MASKS[:5])
    other = keras.models.clone_model(model)
    other.set_weights([0.3 * WEIGHTS[None, None, :, ::-1], np.zeros(3)])
    with pytest.raises(ResultError, match=r"not the one that was explained(.|\n)*of the pixels"):
        bl.check_deletion(other, labelled, X, MASKS)
