"""Results cut and put together: exactly the tables of all images, and nothing joined that is not alike."""

from dataclasses import fields, replace

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import OptionError, ResultError
from bandlens.results.combining import COMMON, OF_IMAGES
from test_plots import result_of


def full(n=(5, 8, 3), **options):
    """A result with all that a result can have."""
    result = result_of(n=n, wavelengths=(650, float("nan"), 480, 850), **options)
    random = np.random.default_rng(8)
    k = result.scores.shape[1]
    return replace(
        result,
        output_values=random.normal(size=(result.n, k)),
        base_values=np.array([0.5, 0.25, -1.0])[result.image_output],
        band_means=random.normal(size=(result.n, 4)),
        residuals=random.uniform(0, 1e-5, (result.n, k)),
        cancellations=random.uniform(1, 9, (result.n, k)),
        score_errors=random.uniform(size=result.scores.shape),
        local_fit=random.uniform(size=(result.n, k)),
        background=np.arange(0, 20, 2),
        background_source="background",
        options={"n_samples": 50},
        versions={"bandlens": "0.1.0", "numpy": "2.0"},
        seconds=16.0,
        correct=random.random(result.n) < 0.5,
        observed=random.normal(size=result.n),
        fitted=random.normal(size=result.n),
    )


def assert_same(one, other):
    for entry in fields(one):
        mine, theirs = getattr(one, entry.name), getattr(other, entry.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif entry.name == "seconds":
            assert mine == pytest.approx(theirs)
        else:
            assert repr(mine) == repr(theirs), entry.name


@pytest.mark.parametrize("target", ["class", "all", 1])
def test_what_was_cut_and_put_together_is_the_whole(target):
    result = full(target=target)
    parts = [result.subset(slice(0, 4)), result.subset(range(4, 11)), result.subset(np.arange(16) > 10)]
    assert [part.n for part in parts] == [4, 7, 5]
    whole = bl.combine(*parts)
    assert_same(whole, result)
    for level in ("class", "image", "overall"):
        assert whole.to_frame(level).equals(result.to_frame(level))
    assert_same(bl.combine(bl.combine(parts[0], parts[1]), parts[2]), result)
    assert_same(bl.combine(result), result)


def test_a_part_has_the_images_and_the_table_of_these_images():
    result = full()
    part = result.subset([2, 0, -1])
    for name in OF_IMAGES:
        values = getattr(result, name)
        if values is None:  # of images with several labels
            assert getattr(part, name) is None
        else:
            np.testing.assert_array_equal(getattr(part, name), values[[2, 0, 15]])
    assert part.completeness == part.residuals.max()
    assert part.cancellation == part.cancellations.max()
    assert part.accuracy == result.correct[[2, 0, 15]].mean()
    frame = part.to_frame()
    assert frame["class"].unique().tolist() == ["water", "city"]
    water = frame[frame["class"] == "water"]["importance"]
    np.testing.assert_allclose(water, np.abs(result.scores[[2, 0], 0]).mean(axis=0))
    assert frame["class"].cat.categories.tolist() == list(result.classes)
    np.testing.assert_array_equal(part.background, result.background)
    assert part.seconds == 3.0
    assert result.subset(3).n == 1


def test_balanced_and_unsigned_results_stay_what_they_are():
    for options in (
        {"signed": False, "statistic": "pixel_mean_abs", "method": "saliency"},
        {"directed": True, "statistic": "whole_band", "method": "permutation", "output": "loss"},
    ):
        without = {"residuals": None, "cancellations": None, "local_fit": None}
        result = replace(full(**options), balanced="directed" in options, **without)
        whole = bl.combine(result.subset(slice(0, 7)), result.subset(slice(7, None)))
        assert_same(whole, result)
        assert whole.to_frame("overall").equals(result.to_frame("overall"))


@pytest.mark.parametrize(
    "images", ["water", 1.5, [0.0, 1.0], [True, False], None, [[0, 1]], [0, 16], -17, [1, 1], [0, -16]]
)
def test_images_that_are_none_are_named(images):
    with pytest.raises(OptionError):
        full().subset(images)
    with pytest.raises(OptionError, match="No image is left"):
        full().subset([])


OTHER = {
    "model": "other", "method": "occlusion", "statistic": "pixel_mean_abs", "output": "probability",
    "options": {"n_samples": 100}, "seed": 1, "bands": ("red", "green", "blue", "swir"),
    "wavelengths": (1.0, 2.0, 3.0, 4.0), "groups": {"visible": ["red"]}, "classes": ("a", "b", "c"),
    "zone_bands": {"visible": ["red"]},
    "outputs": ("a", "b", "c"), "signed": False, "directed": True, "balanced": True, "background_source": "x",
    "inputs": ("a", "a", "b", "b"), "times": ("1", "2", "1", "2"), "time_kind": "number",
    "head": "b", "zone": "image",
}  # fmt: skip


@pytest.mark.parametrize("name", COMMON)
def test_results_that_are_not_alike_are_refused_by_what_differs(name):
    result = full()
    with pytest.raises(ResultError, match="results 0 and 2 differ in") as error:
        bl.combine(result, result, replace(result, **{name: OTHER[name]}))
    assert COMMON[name] in str(error.value)
    assert "given" in str(error.value)


def test_another_background_is_noticed_even_by_its_outputs():
    result = full()
    others = [
        replace(result, background=np.arange(10)),
        replace(result, background=None),
        replace(result, base_values=result.base_values + 0.01),
    ]
    for other in others:
        with pytest.raises(ResultError, match="differ in the background"):
            bl.combine(result, other)
    bl.combine(result, replace(result, base_values=result.base_values + 1e-7))  # computed in other batches
    # images with a background each
    own = replace(result, base_values=np.random.default_rng(1).normal(size=result.base_values.shape))
    assert bl.combine(own, own).n == 32


def test_parts_that_only_one_has_are_named():
    result = full()
    for name in ("residuals", "score_errors", "local_fit"):
        with pytest.raises(ResultError, match=name):
            bl.combine(result, replace(result, **{name: None}))
    with pytest.raises(ResultError, match="outputs per image"):
        bl.combine(result, full(target="all"))
    for wrong in ((), (result, "result"), (result.to_frame(),)):
        with pytest.raises(ResultError, match="nothing to combine"):
            bl.combine(*wrong)


def test_results_without_scores_of_images_can_be_neither_cut_nor_combined():
    whole = replace(full(), drops=np.zeros((5, 4, 4)))
    with pytest.raises(ResultError, match="no scores of their own"):
        whole.subset([0, 1])
    with pytest.raises(ResultError, match="no scores of their own"):
        bl.combine(full(), whole)


def test_versions_that_differ_are_all_listed():
    one = full()
    other = replace(one, versions={"bandlens": "0.1.0", "numpy": "2.1", "jax": "0.5"})
    together = bl.combine(one, other, bl.combine(one, other))
    assert together.versions == {"bandlens": "0.1.0", "numpy": "2.0, 2.1", "jax": "0.5"}


@pytest.mark.filterwarnings("ignore:Integrated gradients:bandlens.errors.CompletenessWarning")
@pytest.mark.parametrize("method", ["deepshap", "saliency", "integrated_gradients", "occlusion"])
def test_pieces_have_the_table_of_one_computation(small_cnn, method):
    random = np.random.default_rng(2)
    x, background = random.normal(size=(12, 8, 8, 4)), random.normal(size=(9, 8, 8, 4))

    def explain(part):
        needed = {"background": background} if bl.METHODS[method].uses_background else {}
        return bl.band_importance(small_cnn, x[part], np.arange(12)[part] % 3, method=method, **needed)

    whole, pieces = explain(slice(None)), bl.combine(explain(slice(0, 5)), explain(slice(5, 12)))
    np.testing.assert_allclose(pieces.scores, whole.scores, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pieces.table.importance, whole.table.importance, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(pieces.table.n, whole.table.n)


def test_pieces_with_backgrounds_of_their_own_are_refused(small_cnn):
    x = np.random.default_rng(2).normal(size=(12, 8, 8, 4))
    one, other = (bl.band_importance(small_cnn, part, method="deepshap") for part in (x[:6], x[6:]))
    with pytest.raises(ResultError, match="differ in the background"):
        bl.combine(one, other)
