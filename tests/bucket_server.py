"""An S3 server for the tests: moto's, behind a gate that lets in only what is signed well.

moto checks no signatures of presigned URLs, no times and no checksums; the gate does, with botocore
as the signer, which shares nothing with the client that is tested. Run as a program it serves until
its standard input ends:

    python tests/bucket_server.py  ->  prints its port
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

REGION = "us-east-1"
KEY, SECRET = "overpaint-tests", "not-a-secret"
BUCKET = "pictures"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_SKEW = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"


class Refused(Exception):
    """What S3 calls an error: its code."""


class Gate:
    """WSGI: passes on what is signed by the one key there is, and not changed since."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer 403 or 400 to what is not."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        headers["content-length"] = environ.get("CONTENT_LENGTH", "")
        try:
            _check(environ, headers, body)
        except Refused as refused:
            status = "400 Bad Request" if "Digest" in str(refused) else "403 Forbidden"
            start(status, [("Content-Type", "application/xml")])
            return [f"<Error><Code>{refused}</Code><Message>no</Message></Error>".encode()]
        return self._app(environ, start)


def _check(environ: dict[str, Any], headers: dict[str, str], body: bytes) -> None:
    query = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
    asked = dict(query)
    if "X-Amz-Signature" in asked:
        scope, signed = asked["X-Amz-Credential"], asked["X-Amz-SignedHeaders"]
        given, stamp = asked["X-Amz-Signature"], asked["X-Amz-Date"]
        seconds, payload = int(asked["X-Amz-Expires"]), _UNSIGNED
        if not 0 < seconds <= 7 * 86400:
            raise Refused("AuthorizationQueryParametersError")
        latest = _time(stamp) + timedelta(seconds=seconds)
        query = [pair for pair in query if pair[0] != "X-Amz-Signature"]
    else:
        algorithm, _, parts = headers.get("authorization", "").partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            raise Refused("AccessDenied")
        said = dict(part.strip().split("=", 1) for part in parts.split(","))
        scope, signed, given = said["Credential"], said["SignedHeaders"], said["Signature"]
        stamp, payload = headers["x-amz-date"], headers["x-amz-content-sha256"]
        latest = _time(stamp) + _SKEW
        if payload not in (_UNSIGNED, hashlib.sha256(body).hexdigest()):
            raise Refused("BadDigest")
    if scope.partition("/")[0] != KEY:
        raise Refused("InvalidAccessKeyId")
    now = datetime.now(UTC)
    if not _time(stamp) - _SKEW <= now <= latest:
        raise Refused("AccessDenied")
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/~")
    canonical = "\n".join(
        (
            environ["REQUEST_METHOD"],
            path,
            "&".join(sorted(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in query)),
            *(f"{name}:{' '.join(headers[name].split())}" for name in signed.split(";")),
            "",
            signed,
            payload,
        )
    )
    request = AWSRequest()
    request.context["timestamp"] = stamp
    signer = S3SigV4Auth(Credentials(KEY, SECRET), "s3", scope.split("/")[2])
    wanted = signer.signature(signer.string_to_sign(request, canonical), request)
    if not hmac.compare_digest(wanted, given):
        raise Refused("SignatureDoesNotMatch")
    for name, algorithm in (("content-md5", "md5"), ("x-amz-checksum-sha256", "sha256")):
        digest = base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
        if headers.get(name, digest) != digest:
            raise Refused("BadDigest")


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def main() -> None:
    """Serve on a free port of loopback."""
    os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "4"  # in a page of a listing; S3 has 1000
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.moto_server.werkzeug_app import create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: Any) -> None:
            """Say nothing."""

    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(BUCKET, REGION)
    app = Gate(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
