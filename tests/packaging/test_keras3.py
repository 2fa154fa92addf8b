"""Models as R users make them, with keras3: its objects, its layers, its choice of a backend.

Where KERAS3_LIB names a library with the real keras3, it is that; elsewhere a stand-in (keras3-double).
"""

import pytest
from conftest import ENVS, KERAS3_LIB, run_r

SCRIPT = """
library(keras3)
if ("BACKEND" != "tensorflow") use_backend("BACKEND")
library(bandlens)
landsat <- landsat_patches()
some <- seq(1, 2000, by = 100)
x <- landsat$test$x[some, , , ]
y <- landsat$test$y[some]
explain <- function(model) band_importance(model, x, y, background = landsat$train$x, n_background = 10)

loaded <- explain(load_model(landsat_model()))
stopifnot("BACKEND" %in% names(loaded$versions), loaded$completeness < 1e-4)
stopifnot(all.equal(tidy(loaded), tidy(explain(landsat_model()))))

block <- function(inputs) {
  inputs |>
    layer_rescaling(1 / 255) |>
    layer_conv_2d(8, 2, activation = "relu", name = "own") |>
    layer_flatten() |>
    layer_dense(6, activation = "softmax")
}
inputs <- keras_input(c(3, 3, 4))
for (model in list(block(keras_model_sequential(input_shape = c(3, 3, 4))), keras_model(inputs, block(inputs)))) {
  compile(model, optimizer = "adam", loss = "sparse_categorical_crossentropy")
  fit(model, landsat$train$x, as.integer(landsat$train$y) - 1L, epochs = 1, batch_size = 256, verbose = 0)
  importance <- explain(model)
  stopifnot(importance$completeness < 1e-4, "own" %in% list_layers(model)$layer)
  given <- max.col(predict(model, x, verbose = 0))
  stopifnot(augment(importance)$prediction == landsat$classes[given])
}
cat("explained on BACKEND\\n")
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_its_models_are_explained_on_its_backend(backend, library, tmp_path):
    # JAX is in the environment that takes a current reticulate; real keras3 brings one
    given = {"python": ENVS / "python-current/bin/python", "more": [] if KERAS3_LIB else [ENVS / "rlib"]}
    said = run_r(SCRIPT.replace("BACKEND", backend), library, tmp_path, **given, KERAS_BACKEND="")
    assert f"explained on {backend}" in said
