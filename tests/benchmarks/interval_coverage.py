"""Do 95 % intervals of importance and share hold the value from all data in 95 % of the class x band cells?

    python tests/benchmarks/interval_coverage.py              # all networks
    python tests/benchmarks/interval_coverage.py landsat      # some
    python tests/benchmarks/interval_coverage.py --precision 0.03  # calls end when shares are known to 3 points
    python tests/benchmarks/interval_coverage.py --balanced   # as many background images of every class
    python tests/benchmarks/interval_coverage.py --small      # quick, to see that it runs

All data are a finite number of images and background images, whose table is computed once. Each repetition is a whole
call with images (300, from every class as many as it has in all data) and background images drawn anew from them, with
replacement: as from an endless stream of such images, whose table is that of all data. The engine's scores of a pair
don't depend on what else is computed, so those of all pairs are kept and a repetition looks its own up; that this gives
what the engine gives is checked with one repetition.

With `--precision`, each repetition has a large pool of images and background images, and takes of it what it needs;
printed are also how often that was enough, and how many images and background images were taken. A repetition is then
all that a call does between its checks, which need every image of the pool, and its result; that this is what a call
gives is checked with one.

With `--balanced`, background images are drawn from their classes, in all data as many as there are of the rarest, and
in each repetition the same number of each: classes are then no part of what chance does.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from common import images, network, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import bandlens.methods.deepshap as method  # isort: skip
from bandlens.explain.calls import checked  # isort: skip
from bandlens.explain.effort import ANY, Effort, finding  # isort: skip
from bandlens.explain.part import part_of  # isort: skip
from bandlens.explain.question import Question  # isort: skip
from bandlens.explain.rounds import in_rounds  # isort: skip
from bandlens.progress import Bar  # isort: skip
import keras


class Data(NamedTuple):
    """A trained network, all images with their labels, and all background images with theirs."""

    model: Any
    x: np.ndarray
    y: np.ndarray
    background: np.ndarray
    background_y: np.ndarray

    def balanced(self) -> Data:
        """As many background images of every class."""
        least = np.bincount(self.background_y).min()
        chosen = np.sort(np.concatenate([np.flatnonzero(self.background_y == code)[:least] for code in self.classes]))
        return self._replace(background=self.background[chosen], background_y=self.background_y[chosen])

    @property
    def classes(self) -> np.ndarray:
        """Of background images."""
        return np.unique(self.background_y)


def landsat(most: int) -> Data:
    """The network that ships with the package."""
    data = bl.datasets.landsat()
    random = np.random.default_rng(0)
    test, train = (random.permutation(len(part))[:most] for part in (data.x_test, data.x_train))
    x, y = data.x_test[test].astype("float32"), data.y_test[test]
    model = keras.saving.load_model(bl.datasets.landsat_model())
    return Data(model, x, y, data.x_train[train].astype("float32"), data.y_train[train])


def sentinel2(most: int) -> Data:
    """The network of the vignette, 13 bands."""
    data, layers = bl.datasets.sentinel2(), keras.layers
    x, y = (np.concatenate(parts) for parts in ((data.x_train, data.x_test), (data.y_train, data.y_test)))
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(data.x_train.shape[1:]), layers.Rescaling(10)])
    for channels in (32, 64):
        for layer in (layers.Conv2D(channels, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()):
            model.add(layer)
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dropout(0.3), layers.Dense(64, activation="relu"), layers.Dropout(0.3)):
        model.add(layer)
    model.add(layers.Dense(5, activation="softmax"))
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    model.fit(data.x_train, data.y_train, epochs=20, batch_size=64, verbose=0)
    chosen, train = (np.random.default_rng(0).permutation(len(part))[:most] for part in (x, data.x_train))
    return Data(
        model, x[chosen].astype("float32"), y[chosen], data.x_train[train].astype("float32"), data.y_train[train]
    )


def benchmark(most: int) -> Data:
    """The network of the other benchmarks, at 16 x 16 pixels, trained on ten spectra in noise."""
    model, y, own = network(side=16), np.arange(most) % 10, np.arange(most) % 10
    spectra = np.random.default_rng(2).normal(size=(10, 13)).astype("float32")
    x, background = (images(most, 16, seed=seed) + spectra[one][:, None, None] for seed, one in enumerate((y, own)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[: most // 2], y[: most // 2], epochs=3, batch_size=20, verbose=0)
    return Data(model, x, y, background, own)


NETWORKS: dict[str, Callable[[int], Data]] = {"landsat": landsat, "sentinel2": sentinel2, "benchmark": benchmark}


class AllPairs:
    """The engine, remembering what it made of all pairs; afterwards, what it would make of any of them again.

    An image is known by its values, so each has to differ from all others.
    """

    def __init__(self) -> None:
        self._engine, self._known = method.explain, False
        self._parts: list[np.ndarray] = []

    def learn(self, x: np.ndarray, background: np.ndarray, explain: Callable[[], Any]) -> Any:
        """What a call on all data returns, whose scores are remembered."""
        method.explain = self._remember  # type: ignore[assignment]
        found = explain()
        self._scores = np.concatenate(self._parts)
        self._places = [{image.tobytes(): place for place, image in enumerate(part)} for part in (x, background)]
        assert self._scores.shape[0] == len(self._places[0])
        assert self._scores.shape[2] == len(self._places[1])
        self.look_up()
        return found

    def compute(self) -> None:
        """Let the engine compute."""
        method.explain = self._engine

    def look_up(self) -> None:
        """Let nothing be computed twice."""
        method.explain = self._recall  # type: ignore[assignment]

    def _remember(self, *given: Any, **settings: Any) -> Iterator[tuple[slice, np.ndarray]]:
        for part, values in self._engine(*given, **settings):
            self._parts.append(values)
            yield part, values

    def _recall(
        self, backend: Any, trace: Any, plan: Any, work: Any, **settings: Any
    ) -> Iterator[tuple[slice, np.ndarray]]:
        def places(of: int, images: Any, which: Any) -> list[int]:
            return [self._places[of][image.tobytes()] for image in images.take(which, "float32")]

        mine = np.array(places(0, work.images, slice(0, work.images.n)))
        if work.draws is None:
            yield (
                slice(0, len(mine)),
                self._scores[mine[:, None], :, places(1, work.background, work.pool)].swapaxes(1, 2),
            )
            return
        d = work.draws.shape[1]
        own = np.reshape(places(1, work.background, work.draws.reshape(-1)), (-1, d))
        yield slice(0, len(mine)), self._scores[mine[:, None], :, own].swapaxes(1, 2)


class Rounds:
    """Tables made in rounds, of images and background images that are drawn from all."""

    def __init__(self, data: Data, background: Any, precision: float) -> None:
        self.effort = Effort(precision)
        question = Question(model=data.model, x=data.x, y=data.y, background=background, n_background=ANY)
        self.call = checked(question, find=finding(self.effort))

    def __call__(self, images: np.ndarray, background: np.ndarray, seed: int) -> Any:
        """The result for some images and background images, of which any may come several times."""
        part = replace(part_of(self.call, images, background), seed=seed)
        return in_rounds(part, self.effort, Bar(lambda part, text: None)).result


def covered(
    data: Data, repeats: int, n: int, settings: list[dict[str, Any]], *, balanced: bool
) -> Iterator[dict[str, float]]:
    """How often intervals hold the value from all data, over cells and repetitions, for each of some settings."""

    def of(chosen: Any) -> Any:
        if not balanced:
            return data.background[chosen]
        return bl.BackgroundImages(data.background[chosen], data.background_y[chosen], "balanced")

    def explain(images: Any, chosen: np.ndarray, **more: Any) -> Any:
        given = {"background": of(chosen), "n_background": len(chosen), **more}
        return bl.band_importance(data.model, data.x[images], data.y[images], **given)

    every = np.arange(len(data.background))
    pairs = AllPairs()
    true = pairs.learn(data.x, data.background, lambda: explain(slice(None), every)).table
    for setting in settings:
        options = dict(setting)
        m, drawn = options.pop("m"), options.pop("n", n)
        names = ("importance", "share", "images alone", "first", "reached", "images", "background")
        found: dict[str, list[Any]] = {name: [] for name in names}
        rounds = Rounds(data, of(every), options["precision"]) if "precision" in options else None
        for repeat in range(repeats):
            random = np.random.default_rng(repeat)
            mine = _drawn(data.y, drawn, random)
            chosen = _drawn(data.background_y, m, random) if balanced else random.choice(len(data.background), m)
            result = explain(mine, chosen, seed=repeat, **options) if rounds is None else rounds(mine, chosen, repeat)
            table = result.table
            if repeat == 0 and setting == settings[0]:
                pairs.compute()
                computed = explain(mine, chosen, seed=repeat, **options).table
                np.testing.assert_allclose(table.conf_high, computed.conf_high, rtol=1e-3, atol=1e-5)
                pairs.look_up()
            found["importance"].append((table.conf_low <= true.importance) & (true.importance <= table.conf_high))
            found["share"].append((table.share_low <= true.share) & (true.share <= table.share_high))
            found["images alone"].append(np.abs(table.importance - true.importance) <= 1.96 * table.se_images)
            best = true.importance.argmax(axis=1)[:, None]
            found["first"].append(np.take_along_axis(table.p_first, best, axis=1))
            found["reached"].append(bool(result.converged))
            found["images"].append(result.n)
            found["background"].append(result.n_background)
        yield {name: float(np.mean(values)) for name, values in found.items()}
    pairs.compute()


def _drawn(y: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """About n images, of each class the same part."""
    parts = [np.flatnonzero(y == code) for code in np.unique(y)]
    drawn = [random.choice(mine, max(2, round(n * len(mine) / len(y)))) for mine in parts]
    return np.sort(np.concatenate(drawn))


def main() -> None:
    """Print coverage for each network, background size and number of draws per image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*NETWORKS, []], default=[])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--each", type=int, nargs="*", default=[0, 4], help="background images per image; 0 for all")
    parser.add_argument("--precision", type=float, nargs="*", default=[], help="half widths at which calls end")
    parser.add_argument("--balanced", action="store_true", help="as many background images of every class")
    given = parser.parse_args()
    repeats, most, n = (3, 200, 100) if given.small else (given.repeats, 600, 300)
    backgrounds = (20,) if given.small else (20, 100, 500)
    settings: list[dict[str, Any]] = [
        {"m": m, **({"background_per_image": each} if each else {})} for m in backgrounds for each in given.each
    ]
    if given.precision:
        pool = {"m": 200, "n": 300} if given.small else {"m": 5000, "n": 6000}
        settings = [{**pool, "precision": precision} for precision in given.precision]
    warnings.simplefilter("ignore")
    for name in given.networks or NETWORKS:
        data = NETWORKS[name](most)
        if given.balanced:
            data, name = data.balanced(), f"{name}, balanced"
        found = covered(data, repeats, n, settings, balanced=given.balanced)
        for setting, rates in zip(settings, found, strict=True):
            if "precision" in setting:
                row(
                    f"{name}, precision {setting['precision']:g}, reached in {rates['reached']:.0%}",
                    f"{rates['importance']:.1%}",
                    f"share {rates['share']:.1%}, probability given to the first {rates['first']:.2f}; on average "
                    f"{rates['images']:.0f} images, {rates['background']:.0f} background images",
                )
                continue
            row(
                f"{name}, {setting['m']} background images, {setting.get('background_per_image', 'all')} per image",
                f"{rates['importance']:.1%}",
                f"share {rates['share']:.1%}, by images alone {rates['images alone']:.1%}, "
                f"probability given to the first {rates['first']:.2f}",
            )


if __name__ == "__main__":
    main()
