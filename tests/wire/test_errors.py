"""Every row of the contract's table of errors: status, code, and the message where it is named."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.client import CREATE, Client, check_envelope, check_error
from tests.wire.host import PictureHost
from tests.wire.pictures import flat, mask, png, scene
from tests.wire.process import ServeProcess

ASYNC = {"X-DashScope-Async": "enable"}
DOWNLOAD = (
    "InvalidParameter.FileDownload",
    "BadRequest.InputDownloadFailed",
    "InvalidURL",
    "InvalidURL.Timeout",
    "InvalidURL.ConnectionRefused",
    "InvalidParameter.DataInspection",
)
FORMAT = (
    "InvalidImageFormat",
    "InvalidParameter.ImageFormat",
    "BadRequest.UnsupportedFileFormat",
    "InvalidURL",
)
TOO_LARGE = ("BadRequest.InputDownloadFailed", "BadRequest.TooLarge", "InvalidFile.Size")
RESOLUTION = ("InvalidImageResolution", "InvalidParameter")

Change = Callable[[dict[str, Any]], object]

ENDPOINTS = [
    ("POST", CREATE),
    ("GET", "/tasks/0b1f9b6e-0000-4000-8000-000000000000"),
    ("GET", "/tasks/0b1f9b6e-0000-4000-8000-000000000000/"),
    ("POST", "/tasks/0b1f9b6e-0000-4000-8000-000000000000/cancel"),
    ("POST", "/tasks/0b1f9b6e-0000-4000-8000-000000000000/cancel/"),
    ("GET", "/tasks"),
    ("GET", "/tasks/"),
    ("GET", "/uploads?action=getPolicy&model=wanx-x-painting"),
    ("GET", "/tasks/events"),
    ("GET", "/tasks/events?task_id=0b1f9b6e-0000-4000-8000-000000000000"),
    ("GET", "/models"),
    ("GET", "/concepts?q=hat"),
    ("GET", "/account"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "No API-key provided."),
        ("Bearer", "No API-key provided."),
        ("Bearer sk-wrong", "Invalid API-key provided."),
        ("Bearer sk-\xe4\xb8\xad", "Invalid API-key provided."),
        ("Basic c2stOng=", "Invalid API-key provided."),
    ],
)
def test_no_endpoint_answers_without_a_valid_key(
    server: ServeProcess, method: str, path: str, header: str | None, message: str
) -> None:
    headers = {**ASYNC, **({} if header is None else {"Authorization": header.encode("latin-1")})}
    response = httpx.request(method, server.base + path, headers=headers)  # type: ignore[arg-type]
    assert check_error(response, 401, "InvalidApiKey") == message


def test_a_revoked_key_is_no_key(server: ServeProcess) -> None:
    secret = server.quick_key("short-lived", "unlimited")
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{server.base}/tasks", headers=headers).status_code == 200
    server.run("keys", "revoke", "short-lived", "--json")
    response = httpx.get(f"{server.base}/tasks", headers=headers)
    assert check_error(response, 401, "InvalidApiKey") == "Invalid API-key provided."


@pytest.mark.parametrize("value", [None, "disable", "", "true"])
def test_synchronous_calls_are_refused(client: Client, value: str | None) -> None:
    headers = {} if value is None else {"X-DashScope-Async": value}
    response = client.http.post(CREATE, json=client.body(), headers=headers)
    message = check_error(response, 403, "AccessDenied")
    assert message == "current user api does not support synchronous calls."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b"\xff\xfe{}",
        b'{"model": "\xe9"}',
        b"[" * 100_000,
        b'{"model":' * 50_000,
        b"{'model': 1}",
        b'{"model": 1' + b"0" * 5000 + b"}",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(client: Client, content: bytes) -> None:
    headers = {**ASYNC, "Content-Type": "application/json"}
    response = client.http.post(CREATE, content=content, headers=headers)
    codes = ("InvalidParameter", "BadRequest.IllegalInput", "BadRequest.EmptyModel")
    message = check_error(response, 400, *codes)
    assert len(message) < 1000


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"]
)
def test_another_content_type_is_refused_or_read_as_json(client: Client, kind: str) -> None:
    content = json.dumps(client.body()).encode()
    headers = {**ASYNC, "Content-Type": kind}
    response = client.http.post(CREATE, content=content, headers=headers)
    if response.status_code != 200:
        check_error(response, response.status_code)
        assert 400 <= response.status_code < 500


def without(*path: str) -> Change:
    def change(body: dict[str, Any]) -> None:
        for name in path[:-1]:
            body = body[name]
        del body[path[-1]]

    return change


def having(value: object, *path: str) -> Change:
    def change(body: dict[str, Any]) -> None:
        for name in path[:-1]:
            body = body[name]
        body[path[-1]] = value

    return change


def cases(codes: tuple[str, ...], pattern: str, *changes: tuple[str, Change]) -> list[Any]:
    return [pytest.param(change, codes, pattern, id=name) for name, change in changes]


def values(field: str, *values: object, codes: tuple[str, ...], words: str) -> list[Any]:
    path = field.split(".")
    changes = [(f"{field}={repr(value)[:24]}", having(value, *path)) for value in values]
    return cases(codes, words, *changes)


PARAMETER = ("InvalidParameter",)
URL = ("InvalidURL", "InvalidParameter")


@pytest.mark.parametrize(
    ("change", "codes", "words"),
    [
        *cases(("BadRequest.EmptyModel",), "", ("no model", without("model"))),
        *values("model", "", None, codes=("BadRequest.EmptyModel", *PARAMETER), words=""),
        *values("model", 7, [], {}, codes=("BadRequest.EmptyModel", *PARAMETER), words=""),
        *cases(("BadRequest.EmptyInput",), "", ("no input", without("input"))),
        *values("input", None, {}, codes=("BadRequest.EmptyInput", *PARAMETER), words=""),
        *values("input", [], "x", 7, codes=("BadRequest.EmptyInput", *PARAMETER), words=""),
        *values("parameters", [], "x", 7, codes=PARAMETER, words="parameters"),
        *cases(PARAMETER, "prompt", ("no prompt", without("input", "prompt"))),
        *values("input.prompt", "", None, "   ", 7, [], {}, codes=PARAMETER, words="prompt"),
        *values(
            "parameters.n",
            *(0, 5, -1, 10**30, 1.5, "2", "four", True, [1], {}),
            codes=PARAMETER,
            words="Range of n should be [1, 4]",
        ),
        *values(
            "parameters.size",
            *("", "big", "1024", "1024*", "*1024", "10*10", "5000*5000", "0*0", "-1*1024"),
            *("1024*1024*1024", 1024, [1024, 1024], {}, True, "９*９"),
            codes=PARAMETER,
            words="size",
        ),
        *values(
            "parameters.seed",
            *(-1, 2**63, 10**40, 1.5, "7", True, [], {}),
            codes=PARAMETER,
            words="seed",
        ),
        *values(
            "parameters.style",
            *("<photography>", "<nonsense>", "", 5, [], {}),
            codes=PARAMETER,
            words="style",
        ),
        *values(
            "parameters.mask_color",
            *("red", 7, {}, [7], [[1, 2]], [[1, 2, 3, 4]], [[256, 0, 0]], [[-1, 0, 0]]),
            *([["a", 0, 0]], [[0.5, 0, 0]], [None]),
            codes=PARAMETER,
            words="mask_color",
        ),
        *values(
            "parameters.negative_prompt", 7, [1], {"a": 1}, codes=PARAMETER, words="negative_prompt"
        ),
        *values(
            "input.negative_prompt", 7, [1], {"a": 1}, codes=PARAMETER, words="negative_prompt"
        ),
        *values("parameters.strength", -1, 2, "x", [], codes=PARAMETER, words="strength"),
        *values("parameters.guidance", 0, 11, "x", [], codes=PARAMETER, words="guidance"),
        *values("parameters.steps", 0, 151, 1.5, "x", [], codes=PARAMETER, words="steps"),
        *values("parameters.palette", "xyzzy", 7, [7], codes=PARAMETER, words="palette"),
        *values("parameters.grow", 1000, 1.5, "x", codes=PARAMETER, words="grow"),
        *values("parameters.feather", -1, 1000, "x", codes=PARAMETER, words="feather"),
        *values("parameters.invert_mask", "x", 7, codes=PARAMETER, words="invert_mask"),
        *values("parameters.soft_mask", "x", 7, codes=PARAMETER, words="soft_mask"),
        *values("parameters.watermark", "x", 7, codes=PARAMETER, words="watermark"),
        *values("parameters.output_format", "gif", 7, codes=PARAMETER, words="output_format"),
        *cases(URL, "base_image_url", ("no base", without("input", "base_image_url"))),
        *cases(URL, "mask_image_url", ("no mask", without("input", "mask_image_url"))),
        *(
            case
            for picture in ("base", "mask", "reference", "sketch")
            for case in values(
                f"input.{picture}_image_url",
                *("not a url", "ftp://127.0.0.1/x.png", "file:///etc/passwd", "/etc/passwd"),
                *("http://", "http:///x.png", "http://[::1", "http://127.0.0.1:99999/x.png"),
                *("//127.0.0.1/x.png", "javascript:alert(1)", "http://a b/x.png", "gopher://x/"),
                *("http://127.0.0.1:1/图.png", "http://例子.中国/x.png", "http://x\r\ny/x.png"),
                *("data:image/png;base64,%%%", "data:,", "oss://", "oss://nobody/x.png", 7, [], {}),
                codes=(*URL, *FORMAT, *DOWNLOAD),
                words="",
            )
        ),
        *values("input.base_image_url", "", None, codes=URL, words="base_image_url"),
        *values("input.mask_image_url", "", None, codes=URL, words="mask_image_url"),
    ],
)
def test_a_request_that_is_not_valid_is_refused_at_once(
    client: Client, change: Change, codes: tuple[str, ...], words: str
) -> None:
    body = client.body()
    change(body)
    message = check_error(client.post(body), 400, *codes)
    assert words in message


def test_an_unknown_model_is_refused(client: Client) -> None:
    response = client.post(client.body("wanx-v1"))
    codes = {400: "InvalidParameter", 404: "ModelNotFound"}
    message = check_error(response, response.status_code, codes[response.status_code])
    assert message == "Model not exist."


@pytest.mark.parametrize("function", [None, "", "stylization_all", 7])
def test_wanx21_imageedit_does_one_function_alone(client: Client, function: object) -> None:
    input = {"function": function}
    check_error(client.post(client.body("wanx2.1-imageedit", input)), 400, "InvalidParameter")


def bad(kind: str, host: PictureHost) -> str:
    """The URL of a picture that cannot be had or used."""
    whole = png(scene())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    loop = host.redirect(host.url("loop-2"))
    host._pages["loop-2"] = host._pages[urlsplit(loop).path.lstrip("/")]
    urls: dict[str, Callable[[], str]] = {
        "not found": lambda: host.url("nothing.png"),
        "refused": lambda: f"http://127.0.0.1:{closed}/x.png",
        "no such name": lambda: "http://no-such-host.invalid/x.png",
        "dying": lambda: host.dying(whole),
        "slow": lambda: host.slow(whole),
        "silent": host.silent,
        "redirecting for ever": lambda: loop,
        "redirecting to a file": lambda: host.redirect("file:///etc/passwd"),
        "redirecting nowhere": lambda: host.redirect(""),
        "text": lambda: host.put(b"this is not a picture"),
        "page": lambda: host.put(b"<html><body>404</body></html>", kind="text/html"),
        "empty": lambda: host.put(b""),
        "gif": lambda: host.put(b"GIF89a" + bytes(100), kind="image/gif"),
        "svg": lambda: host.put(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "truncated": lambda: host.put(whole[: len(whole) // 2]),
        "damaged": lambda: host.put(whole[:200] + bytes(50) + whole[250:]),
        "header alone": lambda: host.put(whole[:33]),
        "huge": lambda: host.put(whole + bytes(11 * 1024 * 1024)),
        "endless": host.endless,
        "256 px": lambda: host.put(flat(256, 256)),
        "4096 px": lambda: host.put(flat(4096, 300)),
        "too wide": lambda: host.put(flat(257, 60_000)),
        "another size": lambda: host.put(flat(281, 320)),
        "turned": lambda: host.put(flat(320, 280)),
    }
    return urls[kind]()


BAD = {
    "not found": DOWNLOAD,
    "refused": DOWNLOAD,
    "no such name": DOWNLOAD,
    "dying": DOWNLOAD,
    "slow": DOWNLOAD,
    "silent": DOWNLOAD,
    "redirecting for ever": DOWNLOAD,
    "redirecting to a file": DOWNLOAD,
    "redirecting nowhere": (*DOWNLOAD, *FORMAT),
    "text": FORMAT,
    "page": FORMAT,
    "empty": (*FORMAT, *DOWNLOAD),
    "gif": FORMAT,
    "svg": FORMAT,
    "truncated": FORMAT,
    "damaged": FORMAT,
    "header alone": FORMAT,
    "huge": TOO_LARGE,
    "endless": TOO_LARGE,
    "256 px": RESOLUTION,
    "4096 px": RESOLUTION,
    "too wide": RESOLUTION,
    "another size": RESOLUTION,
    "turned": RESOLUTION,
}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        *((kind, "base_image_url") for kind in BAD),
        *((kind, "mask_image_url") for kind in BAD if kind not in ("slow", "silent")),
    ],
)
def test_a_picture_that_cannot_be_had_or_used_is_refused(
    client: Client, host: PictureHost, kind: str, field: str
) -> None:
    response = client.post(client.body(input={field: bad(kind, host)}))
    message = check_error(response, 400, *BAD[kind])
    if kind not in ("another size", "turned"):
        assert field in message


def test_a_mask_that_marks_nothing_is_refused(client: Client, host: PictureHost) -> None:
    black = host.put(png(mask() * 0))
    response = client.post(client.body(input={"mask_image_url": black}))
    assert "mask" in check_error(response, 400)
    response = client.post(client.body(mask_color=[[1, 2, 3]]))
    assert "mask" in check_error(response, 400)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused_without_being_read(
    server: ServeProcess, key: str, announced: bool
) -> None:
    """With Content-Length nothing of the body is sent; in chunks the server stops listening."""
    parts = urlsplit(server.base)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.putrequest("POST", parts.path + CREATE)
    connection.putheader("Authorization", f"Bearer {key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("X-DashScope-Async", "enable")
    size = 64 * 1024 * 1024
    if announced:
        connection.putheader("Content-Length", str(size))
    else:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    try:
        for _ in range(0 if announced else size // 0x100000):
            connection.send(chunk)
    except OSError:
        pass  # the server has closed its ear
    try:
        answer = connection.getresponse()
        status, said = answer.status, json.loads(answer.read())
    except ConnectionResetError:
        assert not announced  # closing with unread bytes may discard the answer
        return
    finally:
        connection.close()
    assert status in (400, 413)
    assert said["code"] == "BadRequest.TooLarge"
    assert said["message"].startswith("Payload Too Large.")
    assert said["request_id"]


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/services/aigc/text2image/image-synthesis", "/tasks/1/2/3"]
)
def test_a_wrong_path_is_not_found(client: Client, path: str) -> None:
    for method in ("GET", "POST"):
        check_error(client.http.request(method, path), 404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CREATE),
        ("DELETE", CREATE),
        ("POST", "/tasks"),
        ("PUT", "/tasks/1"),
        ("DELETE", "/tasks/1"),
        ("GET", "/tasks/1/cancel"),
        ("PATCH", "/uploads"),
    ],
)
def test_a_wrong_method_is_refused(client: Client, method: str, path: str) -> None:
    response = client.http.request(method, path)
    message = check_error(response, 405, "InvalidParameter")
    assert message == f"Request method '{method}' is not supported."
    assert response.headers["allow"]


@pytest.mark.parametrize("prompt", ["\ud800", "a\x00b", "\u202e", "🐶" * 400, "{{7*7}}", "%s%n"])
def test_odd_prompts_break_nothing(client: Client, prompt: str) -> None:
    content = json.dumps(client.body(input={"prompt": prompt})).encode()
    headers = {**ASYNC, "Content-Type": "application/json"}
    response = client.http.post(CREATE, content=content, headers=headers)
    answer = check_envelope(response)
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        client.wait(answer["output"]["task_id"], "SUCCEEDED", "FAILED")


def test_infinite_numbers_break_nothing(client: Client) -> None:
    for literal in ("NaN", "Infinity", "-Infinity", "1e999"):
        content = json.dumps(client.body()).replace('"original"', f'"original", "n": {literal}')
        headers = {**ASYNC, "Content-Type": "application/json"}
        response = client.http.post(CREATE, content=content.encode(), headers=headers)
        check_error(response, 400, "InvalidParameter", "BadRequest.IllegalInput")


def test_a_refused_request_leaves_no_task(newcomer: Callable[[str], Client]) -> None:
    client = newcomer("unlimited")
    for body in (client.body(n=9), client.body("nobody"), client.body(size="x"), {}):
        assert client.post(body).status_code in (400, 404)
    assert client.list()["total"] == 0


def test_bytes_that_are_no_http_break_nothing(server: ServeProcess, client: Client) -> None:
    parts = urlsplit(server.base)
    for rubbish in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00"):
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
    assert client.list()["page_no"] == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="needs a second loopback address")
def test_a_slow_input_host_holds_nobody_else_up(client: Client, stranger: Client) -> None:
    with PictureHost("127.0.0.2") as elsewhere, ThreadPoolExecutor(8) as pool:
        slow = client.body(input={"base_image_url": elsewhere.silent()})
        for _ in range(3):  # a busy machine may take longer for an order than a host is waited for
            waiting = [pool.submit(client.post, slow) for _ in range(8)]
            stranger.create()
            first = not any(one.done() for one in waiting)
            for one in waiting:
                check_error(one.result(), 400, *DOWNLOAD)
            if first:
                return
    pytest.fail("somebody else's order was taken only when the slow host had been given up")
