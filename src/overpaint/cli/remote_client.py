"""A DashScope-compatible server as the client commands see it: requests, retries, errors in words.

The routes and fields are those of the public SDKs, so the same commands work with Overpaint's own
service and with DashScope.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from overpaint._version import __version__
from overpaint.errors import InvalidOption, OperationFailed, OverpaintError, Refused

#: How long a request is tried again while the server is away, s: one call, and while waiting.
PATIENCE_S, PATIENCE_WAITING_S = 15.0, 120.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
#: A creation answers when the server has fetched every picture.
_TIMEOUT = httpx.Timeout(150, connect=10)
_AWAY, _GIVEN_UP = 503, 504  # the server's word; a gateway's, of a server that was silent
_CREATE = "services/aigc/image2image/image-synthesis"
#: Sent: the connection was there and broke. Where these end a request, nobody knows how it went.
_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
_HINTS = {
    401: "give a key with --key or OVERPAINT_API_KEY; `overpaint keys create` makes one",
    429: "wait a little and try again",
}


class Remote:
    """One server and one key.

    Args:
        base_url: "https://host/api/v1".
        key: may be empty; the server then says what it thinks of that.
        pause: sleeps for so many seconds.

    Every method raises `Refused` where the server declines (its status, code, message and
    request id are in the text) and `OperationFailed` where it fails or is not there.
    """

    def __init__(
        self, base_url: str, key: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.base_url = _checked_url(base_url)
        if not (key.isascii() and key.isprintable()):
            raise InvalidOption("key", "must be plain ASCII letters, digits and signs")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._pause = pause
        self._reached = False  # the server answered before, so a refused connection will pass
        host = httpx.URL(self.base_url).host
        direct = {f"all://{f'[{host}]' if ':' in host else host}": None}
        self._http = httpx.Client(
            timeout=_TIMEOUT,
            headers={"User-Agent": f"overpaint/{__version__}"},
            mounts=direct if _is_loopback(host) else None,  # no proxy leads to this machine
        )

    def __enter__(self) -> Self:
        """Keep connections until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def create(self, body: Mapping[str, object], *, resolve: bool) -> dict[str, Any]:
        """Submit a task and return the answer; `resolve`: the body names uploads (oss://)."""
        headers = {"X-DashScope-Async": "enable"}
        if resolve:
            headers["X-DashScope-OssResourceResolve"] = "enable"
        answer = self._call("POST", _CREATE, json=body, headers=headers, once=True)
        output = answer.get("output")
        if not isinstance(output, dict) or not output.get("task_id"):
            raise OperationFailed(f"{self.base_url} took the task without giving it an id")
        return answer

    def task(self, task_id: str, *, patience_s: float | None = None) -> dict[str, Any]:
        """What the server says about a task: the whole answer, which has `output`.

        Raises `Refused` where the server does not know the task.
        """
        answer = self._call("GET", f"tasks/{_id(task_id)}", patience_s=patience_s)
        output = answer.get("output")
        if not isinstance(output, dict) or "task_status" not in output:
            raise OperationFailed(f"{self.base_url} did not say how the task stands")
        if output["task_status"] == "UNKNOWN":
            raise Refused(
                f"{task_id} is no task of this key; an ended task is kept for a day or as long"
                " as the server says"
            )
        return answer

    def cancel(self, task_id: str) -> dict[str, Any]:
        """Cancel a task that waits."""
        return self._call("POST", f"tasks/{_id(task_id)}/cancel", once=True)

    def tasks(self, filters: Mapping[str, str | int]) -> dict[str, Any]:
        """One page of the key's tasks, newest first."""
        answer = self._call("GET", "tasks", params=dict(filters))
        if not isinstance(answer.get("data"), list):
            raise OperationFailed(f"{self.base_url} did not answer with a list of tasks")
        return answer

    def upload_policy(self, model: str) -> dict[str, Any]:
        """Where and how files may be uploaded for tasks of a model."""
        answer = self._call("GET", "uploads", params={"action": "getPolicy", "model": model})
        data = answer.get("data")
        if not isinstance(data, dict) or not data.get("upload_host"):
            raise OperationFailed(f"{self.base_url} did not say where files are uploaded to")
        return data

    def upload(self, policy: Mapping[str, Any], name: str, file: Path, media_type: str) -> str:
        """Upload a file by a policy, under the name given; its "oss://" address."""
        key = f"{policy['upload_dir']}/{name}"
        fields = {
            "OSSAccessKeyId": policy["oss_access_key_id"],
            "Signature": policy["signature"],
            "policy": policy["policy"],
            "key": key,
            "x-oss-object-acl": policy["x_oss_object_acl"],
            "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
            "success_action_status": "200",
            "x-oss-content-type": media_type,
        }
        data = file.read_bytes()

        def send() -> httpx.Response:
            return self._http.post(
                policy["upload_host"], data=fields, files={"file": (name, data, media_type)}
            )

        response = self._persist(send, once=True)
        if response.status_code != 200:
            raise _declined(response, f"{file} was not taken")
        return f"oss://{key}"

    def download(self, url: str) -> bytes:
        """The bytes of a result. Its URL needs no key, and gets none."""
        response = self._persist(lambda: self._http.get(url, follow_redirects=True))
        if response.status_code != 200:
            raise _declined(response, "the result could not be downloaded")
        return response.content

    def _call(
        self,
        method: str,
        path: str,
        *,
        patience_s: float | None = None,
        once: bool = False,
        headers: Mapping[str, str] | None = None,
        **what: Any,
    ) -> dict[str, Any]:
        """Call a route and return the JSON object that it answers with."""
        url = f"{self.base_url}/{path}"

        def send() -> httpx.Response:
            sent = {**self._headers, **(headers or {})}
            return self._http.request(method, url, headers=sent, **what)

        response = self._persist(send, patience_s, once=once)
        answer = _json(response)
        if response.status_code != 200 or answer is None:
            raise _declined(response, f"{self.base_url} declined")
        return answer

    def _persist(
        self,
        send: Callable[[], httpx.Response],
        patience_s: float | None = None,
        *,
        once: bool = False,
    ) -> httpx.Response:
        """Send, and send again after growing pauses while the server is away.

        What is to be done `once` is sent anew a single time after a connection that broke on the
        way, as the SDKs do, and never after silence: it may have been carried out.
        """
        longest = PATIENCE_S if patience_s is None else patience_s
        passing = (_AWAY,) if once else (_AWAY, _GIVEN_UP)
        waited, pause, broken = 0.0, _FIRST_PAUSE_S, 0
        while True:
            try:
                response = send()
            except (httpx.RequestError, httpx.InvalidURL) as error:
                broken += isinstance(error, _BROKEN)
                if not self._passes(error, once) or waited >= longest or (once and broken > 1):
                    raise _unreachable(self.base_url, error) from error
            else:
                self._reached = True
                if response.status_code not in passing or waited >= longest:
                    return response
            self._pause(pause)
            waited += pause
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _passes(self, error: Exception, once: bool) -> bool:
        """Whether the trouble is one that passes."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return self._reached  # else nobody is there, or the address is wrong
        return isinstance(error, _BROKEN) or (
            isinstance(error, httpx.TimeoutException) and not once
        )


def failure(code: str, message: str) -> OverpaintError:
    """Why a task or one of its pictures failed, as an error: whose fault it is goes by the code."""
    kind = OperationFailed if not code or code.startswith("Internal") else Refused
    return kind(f"the task failed: {message or 'no reason given'} ({code or 'no code'})")


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.path in ("", "/"):
        raise InvalidOption("base_url", "must be like http://127.0.0.1:8000/api/v1", repr(url))
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _id(task_id: str) -> str:
    """A task's id as part of a path."""
    if not task_id or not all(
        sign.isascii() and (sign.isalnum() or sign in "-_") for sign in task_id
    ):
        raise InvalidOption("task", "must be the id that submit printed", repr(task_id))
    return task_id


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        value = response.json()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _declined(response: httpx.Response, what: str) -> OverpaintError:
    """An answer other than success, in words."""
    status = response.status_code
    answer = _json(response) or {}
    code, message = str(answer.get("code") or ""), str(answer.get("message") or "")
    told = [part for part in (code, f"HTTP {status}") if part]
    if answer.get("request_id"):
        told.append(f"request {answer['request_id']}")
    hint = _HINTS.get(status, "")
    if not code and not message:
        media_type = response.headers.get("content-type", "nothing").partition(";")[0]
        message = f"the answer is not DashScope's, but {media_type}"
        hint = hint or "does the base URL end in /api/v1?"
    text = f"{what}: {message} ({', '.join(told)})" + (f"; {hint}" if hint else "")
    return (Refused if 400 <= status < 500 else OperationFailed)(text)


def _unreachable(base_url: str, error: Exception) -> OverpaintError:
    """A connection that was not to be had, in words."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return OperationFailed(f"the server named an address that cannot be used: {error}")
    request: httpx.Request | None = getattr(error, "_request", None)
    where = f"{request.url.scheme}://{request.url.netloc.decode()}" if request else base_url
    if isinstance(error, httpx.TooManyRedirects):
        return OperationFailed(f"{where} redirects for ever")
    reason = str(error) or type(error).__name__
    if "SSL" in reason:
        hint = "a certificate of your own may be named in SSL_CERT_FILE"
        return OperationFailed(f"no secure connection to {where} ({reason}); {hint}")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return OperationFailed(
            f"nothing answers at {where} ({reason}); is `overpaint serve` running there?"
        )
    if isinstance(error, httpx.TimeoutException):
        return OperationFailed(f"{where} did not answer in time")
    return OperationFailed(
        f"the connection to {where} broke ({str(error) or type(error).__name__})"
    )
