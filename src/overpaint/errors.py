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
    │   ├── UnknownEngine
    │   ├── UnknownModel
    │   ├── InvalidURL
    │   └── DownloadFailed
    ├── Refused                   the request is valid, the answer is no
    │   ├── InvalidKey
    │   ├── ContentRefused
    │   ├── QuotaExhausted
    │   ├── RateLimited
    │   ├── QueueFull
    │   ├── NotPending
    │   ├── UnknownTask
    │   ├── UploadRefused
    │   └── AlreadyUploaded
    └── OperationFailed           the caller did nothing wrong
        ├── EngineFailed
        │   └── EngineUnusable
        │       └── CheckpointMissing
        ├── FontMissing
        ├── StoreFailed
        ├── StorageFull
        ├── BlobMissing
        └── BlobDamaged

The first line of each docstring is the default message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class OverpaintError(Exception):
    """Overpaint could not do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes whatever the constructor takes."""
        simple = (str, int, float, tuple, type(None))
        state = {k: v if isinstance(v, simple) else str(v) for k, v in vars(self).items()}
        return _restored, (type(self), self.args, state)


def _restored(
    kind: type[OverpaintError], arguments: tuple[object, ...], state: dict[str, object]
) -> OverpaintError:
    error = kind.__new__(kind, *arguments)
    vars(error).update(state)
    return error


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


class UnknownModel(InvalidInput):
    """There is no model of this name."""


class InvalidURL(InvalidInput):
    """This is not an address that a picture may be fetched from."""


class DownloadFailed(InvalidInput):
    """The picture could not be downloaded.

    `reason` is one of "refused", "timeout", "status", "name", "redirects", "broken".
    """

    def __init__(self, field: str, limit: str, value: object = None, *, reason: str) -> None:
        self.reason = reason
        super().__init__(field, limit, value)


class Refused(OverpaintError):
    """The request is valid, and the answer is no."""


class InvalidKey(Refused):
    """Invalid API-key provided."""


class ContentRefused(Refused):
    """Input or output data may contain inappropriate content."""


class QuotaExhausted(Refused):
    """The key has no pictures left."""


class RateLimited(Refused):
    """Requests rate limit exceeded, please try again later."""


class QueueFull(Refused):
    """The key has too many tasks waiting."""


class NotPending(Refused):
    """Failed to cancel the task, please confirm if the task is in PENDING status."""


class UnknownTask(Refused):
    """There is no task of this id."""


class UploadRefused(Refused):
    """The upload does not carry a policy of this server that is still valid."""


class AlreadyUploaded(Refused):
    """There is another file of this name already."""


class OperationFailed(OverpaintError):
    """Something failed that is not the caller's fault."""


class EngineFailed(OperationFailed):
    """The engine could not paint."""


class EngineUnusable(EngineFailed):
    """The engine cannot be used as it is set up.

    Who chose it can mend that: its name, its options, its files, or what is installed.
    """


class CheckpointMissing(EngineUnusable):
    """The checkpoint is not on this machine, or not all of it."""


class FontMissing(OperationFailed):
    """No font that has these characters was found."""


class StoreFailed(OperationFailed):
    """The database does not answer."""


class StorageFull(OperationFailed):
    """There is no space left for pictures and tasks."""


class BlobMissing(OperationFailed):
    """A stored picture is not there."""


class BlobDamaged(OperationFailed):
    """A stored picture is not what was stored."""
