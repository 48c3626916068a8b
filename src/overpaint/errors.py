"""Every error that Overpaint raises on purpose.

    OverpaintError
    ├── InvalidInput              the caller can mend it: field, limit, value
    │   ├── InvalidOption         n, size, seed, style, colour, feather, ...
    │   ├── InvalidImage
    │   │   ├── NotAnImage
    │   │   ├── UnsupportedFormat
    │   │   ├── CorruptImage
    │   │   ├── FileTooLarge
    │   │   └── ResolutionOutOfRange
    │   ├── InvalidMask
    │   │   ├── EmptyMask
    │   │   └── MaskSizeMismatch
    │   ├── InvalidPrompt
    │   │   └── UnknownConcept
    │   └── UnknownEngine
    └── OperationFailed           the caller did nothing wrong
        ├── EngineFailed
        └── FontMissing

The first line of each docstring is the default message.
"""

from __future__ import annotations

from collections.abc import Sequence


class OverpaintError(Exception):
    """Overpaint could not do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])


class InvalidInput(OverpaintError):
    """The request is not valid.

    `field` names what is wrong, `limit` says what is allowed, `value` is what came.
    """

    def __init__(self, field: str, limit: str | None = None, value: object = None) -> None:
        self.field = field
        default = (type(self).__doc__ or "").split("\n", 1)[0].rstrip(".")
        self.limit = limit or default[:1].lower() + default[1:]
        self.value = value
        got = "" if value is None else f", got {value}"
        super().__init__(f"{field}: {self.limit}{got}")


class InvalidOption(InvalidInput):
    """An option has a value that is not allowed."""


class InvalidImage(InvalidInput):
    """The picture cannot be used."""


class NotAnImage(InvalidImage):
    """This is not a picture."""


class UnsupportedFormat(InvalidImage):
    """The format is not one of JPEG, PNG, BMP, TIFF and WEBP."""


class CorruptImage(InvalidImage):
    """The picture is damaged or cut short."""


class FileTooLarge(InvalidImage):
    """The file is larger than allowed."""


class ResolutionOutOfRange(InvalidImage):
    """The picture has too few or too many pixels."""


class InvalidMask(InvalidInput):
    """The mask cannot be used."""


class EmptyMask(InvalidMask):
    """The mask marks nothing to repaint."""


class MaskSizeMismatch(InvalidMask):
    """The mask must have the resolution of the base picture."""


class InvalidPrompt(InvalidInput):
    """The prompt cannot be used."""


class UnknownConcept(InvalidPrompt):
    """The prompt names nothing that is in the concept library.

    `nearest` lists known names that come close, best first.
    """

    def __init__(self, field: str, value: object, nearest: Sequence[str] = ()) -> None:
        self.nearest = tuple(nearest)
        near = f" (nearest: {', '.join(self.nearest)})" if self.nearest else ""
        super().__init__(field, f"names nothing that is in the concept library{near}", value)


class UnknownEngine(InvalidInput):
    """There is no engine of this name."""


class OperationFailed(OverpaintError):
    """Something failed that is not the caller's fault."""


class EngineFailed(OperationFailed):
    """The engine could not paint."""


class FontMissing(OperationFailed):
    """No font that has these characters was found."""
