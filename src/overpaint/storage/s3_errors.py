"""What a bucket's refusals mean: the client's errors as ours, with the setting to look at.

The codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Of what a server
says nothing but its code is told on: its messages may quote keys and what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from overpaint.errors import OperationFailed, StorageFull, StoreFailed

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
_STATUS = re.compile(r"status(?: code)?: (\d{3})")
_METHOD = re.compile(r"Error performing ([A-Z]{3,7}) ")
_TORN = re.compile(r"kind: (?:Body|Decode)|IncompleteMessage|UnexpectedEof|Interrupted")
_QUOTA = re.compile(r"quota|StorageFull|InsufficientStorage|ServiceQuotaExceeded", re.IGNORECASE)
_NO_CREDENTIALS = ("latest/api/token", "latest/meta-data/iam")  # the cloud was asked for some

_TELLING: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket; OVERPAINT_BLOBS names it",
    "InvalidBucketName": "there is no such bucket; OVERPAINT_BLOBS names it",
    "InvalidAccessKeyId": "the access key is not known there; see AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret is not that of the key; see AWS_SECRET_ACCESS_KEY",
    "InvalidToken": "the session's token is not good; see AWS_SESSION_TOKEN",
    "ExpiredToken": "the session's token has expired; see AWS_SESSION_TOKEN",
    "AuthorizationHeaderMalformed": "it is in another region; see AWS_REGION",
    "PermanentRedirect": "it is in another region; see AWS_REGION",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
}


def is_missing(error: Exception) -> bool:
    """Whether the object is not there, and it is not the bucket that is not."""
    return isinstance(error, FileNotFoundError) and _first(_CODE, error) != "NoSuchBucket"


def translated(error: Exception, bucket: str, endpoint: str) -> OperationFailed:
    """`StorageFull` where it is for want of space or for a quota, else `StoreFailed`.

    Args:
        error: of obstore.
        bucket: with its prefix.
        endpoint: as it was set; "" is AWS's own.
    """
    text, code, status = str(error), _first(_CODE, error), _first(_STATUS, error)
    if status == "507" or (status.startswith("4") and _QUOTA.search(text)):
        return StorageFull(f"There is no space left for pictures in the bucket {bucket}.")
    where = f"the bucket {bucket}" + (f" at {endpoint}" if endpoint else "")
    return StoreFailed(f"{where}: {_reason(text, code, status)}")


def _reason(text: str, code: str, status: str) -> str:
    if any(place in text for place in _NO_CREDENTIALS):
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code in _TELLING:
        return _TELLING[code]
    if code == "AccessDenied" or status in ("401", "403"):
        method = _first(_METHOD, text)
        return f"access is denied to {method or 'that'}; see the credentials' policy"
    if code or status:
        return f"it answers {' '.join(filter(None, (status, code)))}"
    if "kind: Connect" in text:
        return "it cannot be connected to; see AWS_ENDPOINT_URL"
    if "kind: Timeout" in text or "TimedOut" in text:
        return "it does not answer in time"
    return "the connection broke off" if _TORN.search(text) else "it does not answer"


def _first(pattern: re.Pattern[str], said: object) -> str:
    found = pattern.search(str(said))
    return found.group(1) if found else ""
