"""The one map from errors to answers."""

from __future__ import annotations

import pytest

from overpaint import errors
from overpaint.errors import OverpaintError
from overpaint.server.errors import MAX_MESSAGE, Declined, answer_for, code_of, declared, short

ROWS: list[tuple[BaseException, int, str]] = [
    (errors.InvalidOption("n", "must be 1", 9), 400, "InvalidParameter"),
    (errors.InvalidPrompt("prompt"), 400, "InvalidParameter"),
    (errors.UnknownConcept("prompt", "flurb"), 400, "InvalidParameter"),
    (errors.InvalidImage("base"), 400, "InvalidImageFormat"),
    (errors.NotAnImage("base"), 400, "InvalidImageFormat"),
    (errors.UnsupportedFormat("base"), 400, "InvalidImageFormat"),
    (errors.CorruptImage("base"), 400, "InvalidImageFormat"),
    (errors.FileTooLarge("base"), 400, "InvalidFile.Size"),
    (errors.ResolutionOutOfRange("base"), 400, "InvalidImageResolution"),
    (errors.MaskSizeMismatch("mask"), 400, "InvalidImageResolution"),
    (errors.EmptyMask("mask"), 400, "InvalidParameter"),
    (errors.UnknownEngine("engine"), 400, "InvalidParameter"),
    (errors.UnknownModel("model"), 400, "InvalidParameter"),
    (errors.InvalidURL("base"), 400, "InvalidURL"),
    (errors.DownloadFailed("base", "x", reason="status"), 400, "InvalidParameter.FileDownload"),
    (errors.DownloadFailed("base", "x", reason="timeout"), 400, "InvalidURL.Timeout"),
    (errors.DownloadFailed("base", "x", reason="refused"), 400, "InvalidURL.ConnectionRefused"),
    (errors.InvalidKey(), 401, "InvalidApiKey"),
    (errors.ContentRefused(), 400, "DataInspectionFailed"),
    (errors.QuotaExhausted(), 403, "AllocationQuota.FreeTierOnly"),
    (errors.RateLimited(), 429, "Throttling.RateQuota"),
    (errors.QueueFull(), 429, "Throttling.AllocationQuota"),
    (errors.NotPending(), 400, "UnsupportedOperation"),
    (errors.UnknownTask(), 404, "NotFound"),
    (errors.UploadRefused(), 403, "AccessDenied"),
    (errors.AlreadyUploaded(), 409, "FileAlreadyExists"),
    (errors.EngineFailed(), 500, "InternalError.Algo"),
    (errors.StorageFull(), 500, "InternalError"),
    (errors.BlobMissing(), 500, "InternalError"),
    (errors.BlobDamaged(), 500, "InternalError"),
    (errors.StoreFailed(), 503, "ServiceUnavailable"),
    (RuntimeError("a secret"), 500, "InternalError"),
    (Declined(418, "Tea", "no"), 418, "Tea"),
]


@pytest.mark.parametrize(("error", "status", "code"), ROWS, ids=lambda x: type(x).__name__)
def test_each_error_has_its_status_and_code(error: BaseException, status: int, code: str) -> None:
    problem = answer_for(error)
    assert (problem.status, problem.code) == (status, code)
    assert problem.message


def test_every_error_has_an_answer() -> None:
    def below(kind: type[OverpaintError]) -> list[type[OverpaintError]]:
        return [kind, *(leaf for inner in kind.__subclasses__() for leaf in below(inner))]

    for kind in below(OverpaintError):
        assert code_of(kind.__name__)


def test_what_nobody_foresaw_is_not_described() -> None:
    assert "secret" not in answer_for(RuntimeError("a secret")).message
    assert "host" not in answer_for(errors.StoreFailed("db.host: refused")).message


def test_the_contracts_words_are_kept() -> None:
    assert answer_for(errors.UnknownModel("model", value="x")).message == "Model not exist."
    assert answer_for(errors.NotPending()).message == (
        "Failed to cancel the task, please confirm if the task is in PENDING status."
    )
    assert answer_for(errors.InvalidKey()).message == "Invalid API-key provided."


@pytest.mark.parametrize("error", [errors.RateLimited(), errors.QueueFull(), errors.StoreFailed()])
def test_a_refusal_for_now_says_when_to_try_again(error: OverpaintError) -> None:
    assert answer_for(error).headers == {"Retry-After": "1"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("EngineFailed", "InternalError.Algo"),
        ("ContentRefused", "DataInspectionFailed"),
        ("InternalError", "InternalError"),
        ("Sequence", "InternalError"),
        ("", "InternalError"),
    ],
)
def test_a_stored_failure_has_a_code(kind: str, code: str) -> None:
    assert code_of(kind) == code


def test_a_message_is_cut_and_can_be_sent() -> None:
    assert len(short("x" * 10_000)) == MAX_MESSAGE
    assert short("half \ud800").encode("utf-8") == b"half \\ud800"
    assert short("红") == "红"


def test_each_route_declares_what_can_fail_everywhere() -> None:
    assert set(declared(404)) == {404, 500, 503}
