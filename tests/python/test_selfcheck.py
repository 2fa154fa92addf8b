"""The engine checks itself: residual and cancellation of every additive method, and what is said where they are large.

Scores that are wrong are put in by the tests: what the methods themselves get wrong is mended where it is found.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandlensWarning, CompletenessWarning, ModelError
from bandlens.explain.selfcheck import Explained, unsaid
from bandlens.methods import METHODS, Task
from bandlens.methods.findings import Findings
from bandlens.results.completeness import output_distances, score_cancellations
from keras import ops

OLD = Path(__file__).parents[1] / "fixtures" / "result_0_1_0.npz"
ADDITIVE = [name for name, method in METHODS.items() if method.additive]
WITH_MAPS = [name for name in ADDITIVE if METHODS[name].maps is not None]


def linear(x: Any) -> Any:
    """Two outputs, weights 1, 2, 3, 4 of the bands' means and their negatives."""
    value = ops.mean(x, axis=(1, 2)) @ ops.convert_to_tensor(np.arange(1.0, 5.0)[:, None], x.dtype)
    return ops.concatenate([value, -value], axis=1)


def opposed(x: Any) -> Any:
    """A thousand times what two bands differ by: large scores of opposite signs are right where bands are alike."""
    value = ops.mean(x, axis=(1, 2))
    return 1000 * (value[:, :1] - value[:, 1:2]) * ops.ones((1, 2), x.dtype)


def step(x: Any) -> Any:
    """Jumps from 0 to 1 where the mean passes 0.6; its gradient is zero wherever one looks."""
    value = ops.mean(x, axis=(1, 2, 3))[:, None]
    return ops.sigmoid(1e6 * (value - 0.6)) * ops.ones((1, 2), x.dtype)


def kinked(x: Any) -> Any:
    """A ramp that begins at 0.3."""
    return ops.relu(ops.mean(x, axis=(1, 2, 3))[:, None] - 0.3) * ops.ones((1, 2), x.dtype)


def constant(size: float, n: int = 3) -> np.ndarray:
    return np.full((n, 4, 4, 4), size, "float32")


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change the scores of a method before the engine sees them."""

    def spoil(change: Callable[[np.ndarray], Any], name: str = "deepshap", **options: Any) -> None:
        method = METHODS[name]

        def changed(found: Callable[[Task], Findings]) -> Callable[[Task], Findings]:
            def values(task: Task) -> Findings:
                for part in found(task):
                    change(part.values)
                    yield part

            return values

        assert method.maps is not None
        spoiled = replace(method, scores=changed(method.scores), maps=changed(method.maps), **options)
        monkeypatch.setitem(METHODS, name, spoiled)

    return spoil


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Explained]:
    """What the engine was given to check itself."""
    from bandlens.explain import importance, maps

    found: list[Explained] = []
    check = importance.check_scores

    def look(call: Any, task: Any, explained: Explained, **options: Any) -> Any:
        found.append(explained)
        return check(call, task, explained, **options)

    for verb in (importance, maps):
        monkeypatch.setattr(verb, "check_scores", look)
    return found


def test_distances_are_means_over_the_background() -> None:
    random = np.random.default_rng(0)
    values, references = random.normal(1e6, 1, (7, 2)), random.normal(1e6, 1, (5, 3))
    image_output = random.integers(0, 3, (7, 2))
    expected = np.abs(values[..., None] - references.T[image_output]).mean(axis=-1)
    np.testing.assert_allclose(output_distances(values, image_output, references), expected, rtol=1e-6)
    assert output_distances(values[:1, :1], image_output[:1, :1], np.full((4, 3), values[0, 0])) == 0


def test_cancellations_are_sizes_over_distances() -> None:
    scores = np.array([[[3.0, -1.0]], [[0.5, 0.0]], [[0.0, 0.0]], [[2.0, -2.0]]])
    distances = np.array([[2.0], [1.0], [3.0], [1e-9]])
    outputs = np.array([[0], [0], [0], [1]])
    # the first two are below and above the mean of output 0, the last one can't be told from zero
    found = score_cancellations(scores, outputs, distances, np.full((4, 1), 1e-3))
    np.testing.assert_allclose(found[:, 0], [4 / 2, 0.5 / 2, 0, 4 / 1e-3])
    assert np.isinf(score_cancellations(scores, outputs, np.zeros((4, 1)), np.zeros((4, 1)))[0, 0])


@pytest.mark.parametrize("method", METHODS)
def test_every_additive_method_has_both(images: np.ndarray, background: np.ndarray, method: str) -> None:
    result = bl.band_importance(linear, images, background=background, method=method, target="all")
    if method not in ADDITIVE:
        assert result.cancellations is None
        assert result.cancellation is None
        assert "cancellation" not in repr(result)
        return
    assert result.cancellations is not None
    assert result.cancellations.shape == result.residuals.shape == (12, 2)  # type: ignore[union-attr]
    assert result.cancellation == result.cancellations.max()
    assert f", cancellation {result.cancellation:.2g}" in repr(result)
    assert repr(result) in result.summary()
    if method in ("integrated_gradients", "lrp"):
        distances = np.abs(result.output_values - result.base_values)
    else:
        outputs = background.mean(axis=(1, 2)) @ np.arange(1.0, 5.0)
        outputs = np.stack([outputs, -outputs], axis=1)
        distances = np.abs(result.output_values[..., None] - outputs.T).mean(axis=-1)
    expected = np.abs(result.scores).sum(axis=-1) / np.maximum(distances, distances.mean(axis=0))
    np.testing.assert_allclose(result.cancellations, expected, rtol=1e-4)


@pytest.mark.parametrize("method", WITH_MAPS)
def test_maps_have_both(small_cnn: Any, images: np.ndarray, background: np.ndarray, method: str) -> None:
    options = {"background": background, "method": method, "target": "all"}
    with unsaid():  # integrals of a network with kinks
        maps, result = bl.band_maps(small_cnn, images, **options), bl.band_importance(small_cnn, images, **options)
    assert maps.residuals is not None
    assert maps.cancellations is not None
    np.testing.assert_allclose(maps.residuals, result.residuals, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(maps.cancellations, result.cancellations, rtol=1e-3)
    assert maps.completeness == maps.residuals.max()
    assert f", completeness residual {maps.completeness:.1e}, cancellation {maps.cancellation:.2g}>" in repr(maps)
    assert bl.band_maps(small_cnn, images, method="saliency").completeness is None


def test_maps_with_a_background_of_their_own_are_complete_to_it(
    small_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    maps = bl.band_maps(small_cnn, images, background=background, background_per_image=2)
    assert maps.completeness is not None
    assert maps.completeness < 1e-4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alike", [False, True])
def test_ordinary_networks_are_silent(keras: Any, seed: int, alike: bool) -> None:
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 13)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(16, activation="gelu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    random = np.random.default_rng(seed)
    level = random.uniform(0.05, 0.5, size=(30, 1, 1, 1))
    x = level + random.normal(0, 0.03, size=(30, 8, 8, 13)) if alike else random.normal(size=(30, 8, 8, 13))
    result = bl.band_importance(model, x[:20], background=x[20:], target="all")  # warnings are errors here
    assert result.completeness is not None
    assert result.completeness < 1e-4


def test_large_scores_of_opposite_signs_may_be_right() -> None:
    random = np.random.default_rng(0)
    level = random.normal(size=(20, 1, 1, 1))
    x = level + random.normal(0, 1e-3, size=(20, 4, 4, 2))
    result = bl.band_importance(opposed, x[:10], background=x[10:], target=0)
    assert result.cancellation is not None
    assert result.cancellation > 1000


def test_scores_beyond_what_their_band_does_are_warned_of(
    spoil: Callable[..., None], images: np.ndarray, background: np.ndarray
) -> None:
    def change(scores: np.ndarray) -> None:
        scores[7, 0, 1] -= 500
        scores[7, 0, 3] += 500

    spoil(change)
    names = {"bands": ["blue", "green", "red", "nir"], "classes": ["no", "yes"], "background": background}
    with pytest.warns(CompletenessWarning) as told:
        result = bl.band_importance(linear, images, target=1, **names)
    assert result.completeness is not None
    assert result.completeness < 1e-3  # which sees nothing
    (warning,) = told
    message = str(warning.message)
    assert message.startswith("DeepSHAP scores of image 7, output 'yes', cancel: their sizes add up to ")
    band = int(np.abs(result.scores[7, 0]).argmax())
    others = background[..., band].mean(axis=(1, 2)) - images[7, ..., band].mean()
    most = (band + 1) * np.abs(others).max()
    expected = f"Band '{names['bands'][band]}' scores {result.scores[7, 0, band]:.3g}, but exchanging it with the "
    assert f"{expected}background's changes the output by at most {most:.2g}." in message
    assert message.endswith("method='shapley' uses nothing but outputs.")
    assert warning.filename == __file__


def test_what_is_missed_is_warned_of_without_a_guess(spoil: Callable[..., None]) -> None:
    def change(scores: np.ndarray) -> None:
        scores[2] *= 1.5

    spoil(change)
    with pytest.warns(CompletenessWarning) as told:
        bl.band_importance(linear, constant(1), target=0, background=constant(0))
    assert [str(warning.message) for warning in told] == [
        "DeepSHAP scores of image 2 miss f(x) - mean f(background) = 10 of output '0' by 5, 50%. Don't rely on these "
        "scores: method='shapley' uses nothing but outputs."
    ]
    with pytest.warns(CompletenessWarning, match=r"image 2 miss .*: `band_importance` with method='shapley' uses"):
        maps = bl.band_maps(linear, constant(1), target=0, background=constant(0))
    assert maps.completeness == pytest.approx(0.5)


def test_the_operation_is_named_once_it_is_located(spoil: Callable[..., None]) -> None:
    asked = []

    def locate(task: Any, image: int, output: int, *, cancels: bool, size: float) -> str:
        asked.append((type(task).__name__, image, output, cancels, size))
        return "'truediv' in layer 'ndvi'"

    def change(scores: np.ndarray) -> None:
        scores[1, 1, 0] += 500
        scores[1, 1, 1] -= 450

    spoil(change, sums=replace(METHODS["deepshap"].sums, locate=locate))
    with pytest.warns(CompletenessWarning) as told:
        bl.band_importance(linear, constant(1), target="all", background=constant(0))
    assert len(told) == 2  # it misses, and it cancels
    assert all("It arises in 'truediv' in layer 'ndvi'. Don't rely" in str(warning.message) for warning in told)
    assert [one[:4] for one in asked] == [("Task", 1, 1, False), ("Task", 1, 1, True)]
    assert all(one[4] > 10 for one in asked)


def test_scores_that_are_not_finite_are_refused(spoil: Callable[..., None]) -> None:
    def change(scores: np.ndarray) -> None:
        scores[1, 0, 2] = np.nan

    spoil(change)
    with pytest.raises(ModelError, match=r"DeepSHAP is not finite for an image in `x`.*\n.*\n.*image 1 "):
        bl.band_importance(linear, constant(1), target=0, background=constant(0))


def test_a_sum_that_is_too_coarse_is_said_to_be_so() -> None:
    # 2 nodes find 0.5 of the line above the kink, 4 find 0.826, it is 0.7
    message = (
        r"^Integrated gradients scores of image 0 miss f\(x\) - f\(baseline\) = 0.7 of output '1' by 0.2, 28.6%. "
        r"With n_steps=4 it misses by 18%: raise `n_steps`.$"
    )
    options: dict[str, Any] = {"method": "integrated_gradients", "baseline": "zero", "target": 1, "n_steps": 2}
    with pytest.warns(CompletenessWarning, match=message):
        bl.band_importance(kinked, constant(1), **options)
    with pytest.warns(CompletenessWarning, match=message):
        bl.band_maps(kinked, constant(1), **options)
    with pytest.warns(CompletenessWarning, match=r"misses by 18%"):
        bl.band_importance(
            kinked, constant(1), **options, groups={"all": [0, 1, 2]}, bands=["a", "b", "c", "d"], classes=["x", "1"]
        )
    options["n_steps"] = 500
    assert bl.band_importance(kinked, constant(1), **options).completeness < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "integrated_gradients", "baseline": "zero"},
            r"f\(baseline\) = 1 .*100%\. With n_steps=100",
        ),
        ({"method": "expected_gradients"}, r"mean f\(background\) = 1 .*100%\. With n_samples=800"),
    ],
)
def test_what_more_points_do_not_mend_is_not_blamed_on_them(options: dict[str, Any], message: str) -> None:
    message += r" it still misses by 100%, so that is no remedy\. .*'shapley'"
    with pytest.warns(CompletenessWarning, match=message):
        bl.band_importance(step, constant(1), target=0, background=constant(0), **options)


def test_what_stated_errors_explain_is_not_warned_of(seen: list[Explained]) -> None:
    # draws visit 4 of 9 background images, whose outputs differ much; 4 draws say little of their own error
    random = np.random.default_rng(4)
    x, background = random.normal(size=(300, 4, 4, 4)), random.normal(size=(9, 4, 4, 4))
    options: dict[str, Any] = {"method": "expected_gradients", "background": background, "n_samples": 4, "target": 0}
    result = bl.band_importance(linear, x, **options)
    assert result.completeness is not None
    assert result.completeness > 0.1
    bl.band_maps(linear, x, **options)
    bl.band_importance(linear, x, **options, groups={"some": [1, 3]}, bands=list("abcd"))
    first, maps, grouped = (explained.total_errors for explained in seen)
    assert first is not None
    np.testing.assert_allclose(maps, first, rtol=1e-4)
    np.testing.assert_allclose(grouped, first, rtol=1e-4)


def test_errors_of_totals_are_those_of_means_of_draws(seen: list[Explained]) -> None:
    # as many draws as background images: each is visited once, and the gradient is the same everywhere
    random = np.random.default_rng(4)
    x, background = random.normal(size=(5, 4, 4, 4)), random.normal(size=(9, 4, 4, 4))
    bl.band_importance(linear, x, method="expected_gradients", background=background, n_samples=9, target="all")
    weights = np.arange(1.0, 5.0)
    totals = (x.mean(axis=(1, 2)) @ weights)[:, None] - background.mean(axis=(1, 2)) @ weights
    expected = totals.std(axis=1, ddof=1) / 3
    np.testing.assert_allclose(seen[0].total_errors, np.stack([expected, expected], axis=1), rtol=1e-4)


def test_nothing_is_said_of_tables_that_nobody_reads(spoil: Callable[..., None]) -> None:
    def change(scores: np.ndarray) -> None:
        scores *= 3

    spoil(change)
    with unsaid():
        result = bl.band_importance(linear, constant(1), background=constant(0), target=0)
    assert result.completeness == pytest.approx(2)
    with pytest.warns(CompletenessWarning):
        bl.band_importance(linear, constant(1), background=constant(0), target=0)


def test_cancellations_outlive_saving_cutting_and_joining(
    small_cnn: Any, images: np.ndarray, background: np.ndarray, tmp_path: Path
) -> None:
    result = bl.band_importance(small_cnn, images, background=background)
    result.save(tmp_path / "result.npz")
    loaded = bl.BandImportance.load(tmp_path / "result.npz")
    joined = bl.combine(result.subset(slice(0, 5)), result.subset(slice(5, 12)))
    for copy in (loaded, joined, pickle.loads(pickle.dumps(result))):
        np.testing.assert_array_equal(copy.cancellations, result.cancellations)
    np.testing.assert_array_equal(result.subset([3, 1]).cancellations, result.cancellations[[3, 1]])  # type: ignore[index]


def test_results_of_the_first_version_are_read() -> None:
    old = bl.BandImportance.load(OLD)
    assert old.cancellations is None
    assert old.cancellation is None
    assert old.completeness is not None
    assert repr(old).endswith(f"3 background images, completeness residual {old.completeness:.1e}>")
    assert old.subset([0, 2]).cancellation is None
    # what is not known of a part is not known of the whole
    new = replace(old.subset([1]), cancellations=np.ones((1, 1)))
    for parts in ((old.subset([0]), new), (new, old.subset([0]))):
        whole = bl.combine(*parts)
        assert whole.n == 2
        assert whole.cancellations is None
        assert whole.residuals is not None


def test_warnings_have_one_base_class() -> None:
    assert issubclass(CompletenessWarning, BandlensWarning)
    assert issubclass(BandlensWarning, UserWarning)
    kinds = [kind.kind for kind in BandlensWarning.__subclasses__()]
    assert len(set(kinds) | {BandlensWarning.kind}) == len(kinds) + 1
