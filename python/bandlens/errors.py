"""Every error that bandlens raises on purpose, and every warning.

One base class lets callers catch all of them; the subclasses name what is wrong and stay ``ValueError`` or
``TypeError``, so that code which knows nothing of bandlens still handles them. Each carries the same four parts (what
is wrong, what was expected, what was given, how to mend it), which is how R rebuilds them as conditions without
parsing text.
"""

from __future__ import annotations


class BandlensError(Exception):
    """Base class of all errors raised by bandlens.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    expected, given, fix : str, optional
        What was expected, what came instead, and how to mend it.

    Attributes
    ----------
    kind : str
        Short name of the error; R turns it into the condition class ``bandlens_error_<kind>``.
    """

    kind = "general"

    def __init__(
        self, message: str, *, expected: str | None = None, given: str | None = None, fix: str | None = None
    ) -> None:
        self.message = message
        self.expected = expected
        self.given = given
        self.fix = fix
        details = (("expected", expected), ("given", given), ("fix", fix))
        super().__init__("\n".join([message, *(f"  {name}: {text}" for name, text in details if text)]))

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.message, self.expected, self.given, self.fix)


def _rebuild(cls: type[BandlensError], message: str, expected: str, given: str, fix: str) -> BandlensError:
    return cls(message, expected=expected, given=given, fix=fix)


class OptionError(BandlensError, ValueError):
    """An argument has a value that is not among those allowed."""

    kind = "option"


class InputError(BandlensError, ValueError):
    """The images ``x`` have a wrong shape, hold no images or hold non-finite values."""

    kind = "input"


class InputTypeError(BandlensError, TypeError):
    """The images ``x`` are not an array of real numbers."""

    kind = "input_type"


class BandError(BandlensError, ValueError):
    """Band names, wavelengths or the band axis don't fit the images."""

    kind = "bands"


class LabelError(BandlensError, ValueError):
    """Labels ``y`` or class names don't fit the images or the model."""

    kind = "labels"


class BackgroundError(BandlensError, ValueError):
    """The background is empty, has a wrong shape or holds non-finite values."""

    kind = "background"


class ModelError(BandlensError, ValueError):
    """The model can't take these images, or its output is not one row of class scores per image."""

    kind = "model"


class ModelTypeError(BandlensError, TypeError):
    """The model is not something that can be explained."""

    kind = "model_type"


class LayerError(BandlensError, ValueError):
    """The model has no such layer, or the layer has not what was asked for."""

    kind = "layer"


class UnsupportedOperationError(BandlensError, ValueError):
    """The model holds an operation that the chosen method can't explain."""

    kind = "unsupported_operation"


class MissingPackageError(BandlensError, ImportError):
    """A package that only some functions need isn't installed."""

    kind = "missing_package"


class DownloadError(BandlensError, OSError):
    """Data that is downloaded on request can't be had, or is not what it should be."""

    kind = "download"


class ClusterError(BandlensError, RuntimeError):
    """Workers of a cluster can't be reached, are not like this session, or can't do what is asked of them."""

    kind = "cluster"


class BandlensWarning(UserWarning):
    """Base class of all warnings by bandlens.

    Attributes
    ----------
    kind : str
        Short name of the warning; R turns it into the condition class ``bandlens_warning_<kind>``.
    """

    kind = "general"


class CompletenessWarning(BandlensWarning):
    """Attributions don't sum to what they stand for, or are far larger than it and cancel."""

    kind = "completeness"


class NoDerivativeWarning(BandlensWarning):
    """A method that differentiates the model gives 0 for bands of which the model has no derivative."""

    kind = "no_derivative"


class DeadFeatureWarning(BandlensWarning):
    """A feature of a layer stays silent, or nothing that was found excites it more: its images show nothing."""

    kind = "dead_feature"


class DataWarning(BandlensWarning):
    """Images, background or wavelengths look as if they were not what the model or the call takes them for."""

    kind = "data"


class AccuracyWarning(BandlensWarning):
    """The model is hardly better than chance on the images it is explained on, or their labels look shifted."""

    kind = "accuracy"


class PrecisionWarning(BandlensWarning):
    """Shares are not known as well as it was asked for: images, background images or time were used up before."""

    kind = "precision"


class InterruptedWarning(BandlensWarning):
    """A computation was interrupted, and what it had found so far is returned."""

    kind = "interrupted"


class SceneError(BandlensError, ValueError):
    """A raster can't be read or written, doesn't fit the model, or lies elsewhere than it should."""

    kind = "raster"


class LocationError(BandlensError, ValueError):
    """Points or polygons are none, or don't fit the scene."""

    kind = "locations"


class ResultError(BandlensError, ValueError):
    """A result can't be shown, saved or loaded as asked."""

    kind = "result"


class SourceError(BandlensError, OSError):
    """A file or a stream of images can't be read, ends too early, or is not what it was when it was opened."""

    kind = "source"
