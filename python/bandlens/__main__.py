"""The command line: `python -m bandlens` or `bandlens`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ._version import __version__
from .errors import BandlensError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (0 done, 1 an error that bandlens explains, 2 wrong usage)."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (BandlensError, OSError) as error:
        print(f"bandlens: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bandlens", description="Which spectral bands drive a Keras image classifier, and for which class."
    )
    parser.add_argument("--version", action="version", version=f"bandlens {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")

    demo = commands.add_parser(
        "demo",
        help="train a small CNN on real Landsat data and explain it",
        description="Trains a small CNN on the shipped Landsat patches, explains it by saliency and DeepSHAP, prints "
        "both class x band tables and writes them (.csv) with their pictures (.png). Takes about half a minute.",
    )
    demo.add_argument("--output", default="demo", metavar="FOLDER", help="where to write (default: %(default)s)")
    demo.add_argument("--epochs", type=_count, default=30, metavar="N", help="training epochs (default: %(default)s)")
    demo.add_argument("--images", type=_count, metavar="N", help="explain only N test images (default: all)")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="random seed (default: %(default)s)")
    demo.set_defaults(run=_demo)
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _demo(arguments: argparse.Namespace) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # spares users its notes about missing GPUs
    from . import demo

    demo.run(arguments.output, epochs=arguments.epochs, images=arguments.images, seed=arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
