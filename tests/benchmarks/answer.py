"""Time to an answer: a class x band table in which every share is known to one point, first-call costs included.

    python tests/benchmarks/answer.py                 # all
    python tests/benchmarks/answer.py network resnet  # some
    python tests/benchmarks/answer.py --small         # quick, to see that it runs

Each is one call with `precision`, in a process of its own. Against it stand shap.DeepExplainer and GradientExplainer,
looped over the images: one image is explained after the other, against one background. How many images and background
images they need is measured, not assumed: from the parts of the variance in our table (images, and background images
that are the same for all). Their time for these is extrapolated from a few images and background images, without their
first call; DeepExplainer explains all outputs, as it does whatever is asked, GradientExplainer the image's own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
from common import images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras

PRECISION = 0.01
NORMAL = 1.96


def spectra_in_noise(n: int, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images of ten spectra in noise, their labels, and as many others of the same classes."""
    y, spectra = np.arange(n) % 10, np.random.default_rng(2).normal(size=(10, 13)).astype("float32")
    x, others = (images(n, side, seed=seed) + spectra[y][:, None, None] for seed in range(2))
    return x, y, others


def fitted(model: Any, x: np.ndarray, y: np.ndarray, others: np.ndarray, *, logits: bool, batch_size: int) -> Any:
    """The model, trained for three epochs; printed is how often it is right on other images."""
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=logits))
    model.fit(x, y, epochs=3, batch_size=batch_size, verbose=0)
    some = others[: len(x)][:500]
    right = (model.predict(some, verbose=0).argmax(axis=1) == y[: len(some)]).mean()
    row(f"{model.name}, trained on {len(x)} images", f"{right:.0%} right", f"of {len(some)} others")
    return model


def told(what: str, result: Any, spent: float) -> None:
    """What came of a call."""
    known = f"shares known to {100 * result.precision_reached:.2f} points"
    row(
        f"{what}: every share to {100 * result.precision:g} points, first call",
        f"{spent:.1f} s",
        f"{known}, {'reached' if result.converged else 'NOT reached'}; {result.n} images, {result.n_background} "
        f"background images, {result.options}",
    )


def loops(result: Any, precision: float) -> tuple[int, int]:
    """Images and background images with which a loop over images knows every share as well, at the least cost.

    Every image meets every background image. Variances of importances, relative to the sum of their class, stand for
    those of shares, and those of images for those of images that meet all of the background: both favour the loop.
    """
    table, counts = result.table, result.table.n[:, None]
    total = table.importance.sum(axis=1, keepdims=True)
    of_images = table.se_images**2 * counts / total**2
    of_background = np.nan_to_num(table.se_background) ** 2 * result.n_background / total**2
    wanted = (precision / NORMAL) ** 2
    best = (0, 0)
    for m in np.unique(np.geomspace(10, 20000, 60).astype(int)):
        left = wanted - of_background / m
        if (left > 0).all():
            n = int(np.ceil(of_images / left).max(axis=1).sum())
            if best == (0, 0) or n * m < best[0] * best[1]:
                best = (n, int(m))
    return best


def peer(name: str, model: Any, x: np.ndarray, background: np.ndarray, y: np.ndarray) -> tuple[float, str]:
    """Seconds of shap per image and background image, or per image where it draws from the background."""
    import shap

    few = background[:16]
    if name == "deepshap":
        explainer = shap.DeepExplainer(model, few)
        explainer.shap_values(x[:1], check_additivity=False)
        taken = seconds(lambda: [explainer.shap_values(one[None], check_additivity=False) for one in x[:2]])
        return taken / 2 / len(few), "shap.DeepExplainer"
    explainer = shap.GradientExplainer(model, background[:100])
    explainer.shap_values(x[:1], nsamples=200)
    taken = seconds(lambda: [explainer.shap_values(one[None], nsamples=200, ranked_outputs=1) for one in x[:2]])
    return taken / 2, "shap.GradientExplainer, 200 samples"


def against(method: str, *, small: bool) -> None:
    """The network of the benchmarks by one method, and what a loop over shap takes for the same."""
    n, side, precision = (200, 16, 0.1) if small else (4000, 64, PRECISION)
    x, y, background = spectra_in_noise(n, side)
    model = fitted(network(side=side), x[: n // 2], y[: n // 2], background, logits=True, batch_size=20)
    found: list[Any] = []
    call = {"background": background, "method": method, "precision": precision}
    spent = seconds(lambda: found.append(bl.band_importance(model, x, y, **call)))
    result = found[0]
    told(f"benchmark network, {side} x {side} x 13, {n} images, {method}", result, spent)
    again = seconds(lambda: bl.band_importance(model, x, y, **call))
    row("the same, second call", f"{again:.1f} s")
    each, name = peer(method, model, x, background, y)
    images_needed, needed = loops(result, precision)
    if images_needed == 0:
        row(name, "not extrapolated", "no number of background images up to 20000 would do")
        return
    passes = images_needed * needed if method == "deepshap" else images_needed
    slow = passes * each
    of = f"{images_needed} images" + (f" x {needed} background images" if method == "deepshap" else "")
    row(f"{name}, looped, extrapolated / bandlens, first call", f"{slow / spent:.0f}x", f"{slow:.0f} s for {of}")
    row(f"{name}, looped, extrapolated / bandlens, second call", f"{slow / again:.0f}x")


def applied(*, small: bool) -> None:
    """ResNet50, 64 x 64 x 13, 10 classes, 2000 images: a user's call in a fresh process, and others against it."""
    n, side, name, precision = (100, 32, "MobileNetV2", 0.1) if small else (2000, 64, "ResNet50", PRECISION)
    x, y, others = spectra_in_noise(n, side)
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 13), classes=10)
    fitted(model, x, y, others, logits=False, batch_size=32)
    found: list[Any] = []
    spent = seconds(lambda: found.append(bl.band_importance(model, x, y, precision=precision)))
    told(f"{name}, {side} x {side} x 13, {n} images", found[0], spent)


PARTS = {
    "network": lambda small: against("deepshap", small=small),
    "gradients": lambda small: against("expected_gradients", small=small),
    "resnet": lambda small: applied(small=small),
}


def main() -> None:
    """Run the chosen parts, each in a process of its own, as first calls cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes, and a tenth as precise")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        warnings.simplefilter("ignore")
        keras.utils.set_random_seed(0)
        PARTS[given.parts[0]](given.small)
        return
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {os.cpu_count()} cores", flush=True)
    for part in given.parts or PARTS:
        command = [sys.executable, __file__, part, "--here"]
        subprocess.run(command + ["--small"] * given.small, check=True)


if __name__ == "__main__":
    main()
