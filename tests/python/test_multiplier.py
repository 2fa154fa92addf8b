"""Products are carried out late: in however many passes over memory, they are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.backends import functions
from bandlens.engine.deepshap import formulas, multiplier
from bandlens.engine.deepshap.multiplier import Factor, terms_of
from bandlens.engine.deepshap.rows import Rows

nd = functions.nd
RANDOM = np.random.default_rng(12)
X, BACKGROUND = RANDOM.normal(size=(2, 4, 11, 9, 3)).astype("float32")


def network(keras: Any) -> Any:
    """Behind each convolution another kind of factor: pooled with a rest, scaled, read twice, of two tensors."""
    layers = keras.layers
    x = inputs = keras.Input(X.shape[1:])
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(5, 2, use_bias=False)(x)))
    y = layers.Conv2D(5, 1, activation="gelu")(x)
    x = layers.Multiply()([layers.Add()([x, y]), layers.Dense(5, activation="sigmoid")(y)])
    x = layers.MaxPooling2D((1, 2))(layers.Activation("tanh")(layers.DepthwiseConv2D(2)(x)))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


@pytest.fixture
def model(keras: Any, settle: Callable[[Any], Any]) -> Any:
    return settle(network(keras))


def again(model: Any) -> Any:
    """The same model, for which nothing was compiled."""
    return type(model)(model.inputs, model.outputs)


@pytest.mark.parametrize("options", [{}, {"background_per_image": 2}, {"statistic": "pixel_mean_abs"}], ids=str)
@pytest.mark.parametrize("target", [1, "all"])
def test_factors_computed_anew_or_once_give_the_same_scores(
    model: Any, monkeypatch: pytest.MonkeyPatch, target: Any, options: dict[str, Any]
) -> None:
    def scores(most: int) -> np.ndarray:
        monkeypatch.setattr(multiplier, "MOST_ANEW", most)
        found: np.ndarray = bl.band_importance(again(model), X, background=BACKGROUND, target=target, **options).scores
        return found

    one = scores(0)
    np.testing.assert_allclose(scores(100), one, rtol=0, atol=1e-6 * np.abs(one).max())


def test_an_output_is_explained_alone_as_among_all(model: Any) -> None:
    every = bl.band_importance(model, X, background=BACKGROUND, target="all").scores
    for output in range(3):
        alone = bl.band_importance(model, X, background=BACKGROUND, target=output).scores
        np.testing.assert_allclose(alone[:, 0], every[:, output], rtol=0, atol=1e-6 * np.abs(every).max())


@pytest.mark.parametrize(("target", "once"), [(1, False), ("all", True)])
def test_of_few_outputs_no_factor_is_written_to_memory(
    model: Any, monkeypatch: pytest.MonkeyPatch, target: Any, once: bool
) -> None:
    asked = []
    formula = Rows.formula

    def noted(rows: Rows, function: Callable[..., Any], *tensors: Any, **static: Any) -> Any:
        asked.append(function)
        return formula(rows, function, *tensors, **static)

    monkeypatch.setattr(Rows, "formula", noted)
    bl.band_importance(again(model), X, background=BACKGROUND, target=target)
    assert formulas.product in asked
    assert (formulas.factor in asked) is once


def test_a_tensor_that_several_factors_are_of_is_given_once() -> None:
    a, b, c = (np.full((1, 1, 1, 2), float(number)) for number in (2, 3, 5))
    factors = [Factor(formulas.quotient_slopes, (a, b, c), {}), c, Factor(formulas.unchanged, (b, a), {})]
    terms, tensors = terms_of(factors)
    assert [id(tensor) for tensor in tensors] == [id(a), id(b), id(c)]
    assert [term.places for term in terms] == [(0, 1, 2), (2,), (1, 0)]


def test_a_product_is_that_of_its_terms() -> None:
    image, reference, constant = RANDOM.normal(size=(3, 1, 1, 1, 4, 5))
    core = RANDOM.normal(size=(2, 1, 1, 2, 2))
    outs = np.maximum(image, 0), np.maximum(reference, 0)
    ratio = Factor(formulas.homogeneous_ratio, (image, reference, *outs), {"rounding": 1e-11})
    terms, tensors = terms_of([ratio, constant])
    found = formulas.product(nd, core, *tensors, terms=terms, shape=(4, 5), window=(2, 2))
    blocks = np.zeros((2, 1, 1, 4, 5))  # the last column is in no block
    blocks[..., :4] = core.repeat(2, axis=-2).repeat(2, axis=-1)
    np.testing.assert_allclose(found, blocks * (outs[0] - outs[1]) / (image - reference) * constant, rtol=1e-12)


@pytest.mark.parametrize("most", [0, 16])
def test_sums_of_products_are_those_over_blocks(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(formulas, "MOST_PLACES", most)
    image, reference, factor = (RANDOM.normal(size=(*lead, 5, 6, 3)) for lead in ((2, 1, 3), (1, 4, 3), (2, 4, 1)))
    found = formulas.sum_of_products(nd, image, reference, factor, window=(2, 3, 1))
    every = ((image - reference) * factor)[..., :4, :, :]
    wanted = every.reshape(2, 4, 3, 2, 2, 2, 3, 3).sum(axis=(4, 6))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
