"""Models that ask for the shape of the images, or of what they made of them: the linear beginning leaves those out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from keras import ops

Pair = tuple[Callable[[Any], Any], Any]


def framework_length(x: Any) -> Any:
    """Number of images by the framework's own function, which on TensorFlow is an operation of the graph."""
    if type(x).__module__.startswith("tensorflow"):
        import tensorflow as tf

        return tf.shape(x)[0]
    return ops.shape(x)[0]


def plain(keras: Any) -> Any:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            keras.layers.Conv2D(6, 3),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    random = np.random.default_rng(5)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.2, weight.shape))
    return model


def subclassed(keras: Any, of: str) -> Pair:
    """A network that flattens by the shape of its input, or of what a layer made of it; and the same by a layer."""
    reference = plain(keras)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.dense = keras.layers.Conv2D(6, 3), keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            found = self.conv(x)
            n = framework_length(x if of == "images" else found)
            return self.dense(ops.reshape(ops.relu(found), (n, 216)))

    model = Net()
    model(np.zeros((1, 8, 8, 4), "float32"))
    model.set_weights(reference.get_weights())
    return model, reference


def wrapped(keras: Any) -> Pair:
    """Two inputs, one of them fixed in a function of the images, as the error for several inputs advises."""
    reference = plain(keras)
    images, height = keras.Input((8, 8, 4)), keras.Input((3,))
    found = keras.layers.Add()([reference(images), height])
    both = keras.Model([images, height], found)

    def model(x: Any) -> Any:
        return both([x, ops.broadcast_to(ops.convert_to_tensor([[1.0, 2.0, 3.0]]), (framework_length(x), 3))])

    return model, keras.Sequential(
        [reference, keras.layers.Lambda(lambda y: y + ops.convert_to_tensor([[1.0, 2.0, 3.0]]))]
    )


KINDS: dict[str, Callable[[Any], Pair]] = {
    "images": lambda keras: subclassed(keras, "images"),
    "first layer": lambda keras: subclassed(keras, "first layer"),
    "wrapped": wrapped,
}


@pytest.mark.parametrize("method", ["lime", "shapley", "occlusion", "deepshap"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_same_network_without_shapes(
    keras: Any, images: np.ndarray, background: np.ndarray, kind: str, method: str
) -> None:
    model, reference = KINDS[kind](keras)
    given = {"background": background, "method": method, "target": "all"}
    # so few outputs behind the convolution that its contributions are added up, not computed for each mixture
    found = bl.band_importance(model, images, **given)
    right = bl.band_importance(reference, images, **given)
    np.testing.assert_allclose(found.scores, right.scores, atol=2e-5)
    np.testing.assert_allclose(found.output_values, ops.convert_to_numpy(reference(images)), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_deletion_curves_are_those_of_the_same_network_without_shapes(
    keras: Any, images: np.ndarray, kind: str
) -> None:
    model, reference = KINDS[kind](keras)
    result = bl.band_importance(reference, images, method="saliency")
    found, right = (bl.check_deletion(one, result, images, output="logit") for one in (model, reference))
    np.testing.assert_allclose(found.tables["curve"]["estimate"], right.tables["curve"]["estimate"], atol=2e-5)


def test_the_linear_beginning_is_shared(keras: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    # the tests above are of what they say only where mixtures start behind the convolution
    from bandlens.methods import mixtures

    used: list[Any] = []
    worthwhile = mixtures._worthwhile_start
    monkeypatch.setattr(mixtures, "_worthwhile_start", lambda *given: used.append(worthwhile(*given)) or used[-1])
    bl.band_importance(subclassed(keras, "images")[0], images, method="shapley")
    assert used
    assert None not in used


@pytest.mark.parametrize("method", ["lime", "occlusion", "shapley", "deepshap"])
def test_casts_to_whole_numbers_are_no_linear_beginning(
    keras: Any, images: np.ndarray, background: np.ndarray, method: str
) -> None:
    def network(whole: Callable[[Any], Any]) -> Any:
        model = keras.Sequential(
            [
                keras.Input((8, 8, 4)),
                keras.layers.Conv2D(6, 3),
                keras.layers.Lambda(lambda y: whole(3 * y)),
                keras.layers.Flatten(),
                keras.layers.Dense(3),
            ]
        )
        model.set_weights(plain(keras).get_weights())
        return model

    cast = network(lambda y: ops.cast(ops.cast(y, "int32"), "float32"))
    right = network(lambda y: ops.sign(y) * ops.floor(ops.abs(y)))
    found, expected = (
        bl.band_importance(one, images, method=method, background=background, target="all").scores
        for one in (cast, right)
    )
    # a number at the edge of a whole one may fall to either side of it
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
