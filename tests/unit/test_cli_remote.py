from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image

from overpaint.cli import remote_client, remote_results
from overpaint.cli.app import run
from overpaint.cli.remote_client import Remote
from overpaint.errors import OperationFailed, Refused

KEY = "sk-of-a-test"
CREATED = {"request_id": "r-1", "output": {"task_id": "t-1", "task_status": "PENDING"}}
CREATE = "POST /api/v1/services/aigc/image2image/image-synthesis"
TASK = "GET /api/v1/tasks/t-1"
PNG = b"\x89PNG\r\n\x1a\n and so on"


@dataclass
class Call:
    """A request that came."""

    what: str  # "GET /path"
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """A server that answers each route with the next of its answers, the last one for ever.

    An answer is a JSON value, bytes, (status, JSON value), or None: the connection breaks.
    """

    answers: dict[str, list[Any]]
    calls: list[Call] = field(default_factory=list)
    url: str = ""

    def of(self, what: str) -> list[Call]:
        return [call for call in self.calls if call.what == what]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def handle_one(self) -> None:
        url = urlsplit(self.path)
        what = f"{self.command} {url.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.script.calls.append(
            Call(
                what=what,
                query=dict(parse_qsl(url.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
            )
        )
        answers = self.script.answers.get(what, [(404, b"<html>nothing here</html>")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            self.close_connection = True
            return
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        kind = "text/html; charset=utf-8" if isinstance(value, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = handle_one

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    script = Scripted(answers={})
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        script.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield script
        http.shutdown()
        thread.join()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(
    server: Scripted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """The commands, of the server, in a folder with base.png and mask.png; pauses are short."""
    monkeypatch.setattr(remote_client, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(remote_client, "_LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(remote_client, "PATIENCE_S", 0.01)
    monkeypatch.setattr(remote_results, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setenv("OVERPAINT_BASE_URL", f"{server.url}/api/v1/")
    monkeypatch.setenv("OVERPAINT_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    for name in ("base.png", "mask.png"):
        Image.fromarray(np.full((280, 320, 3), 255, np.uint8)).save(name)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        assert KEY not in out + err
        return code, out, err

    return call


URLS = ("http://host/base.png", "https://host/mask.png")


def ended(status: str = "SUCCEEDED", **more: object) -> dict[str, Any]:
    return {"request_id": "r-2", "output": {"task_id": "t-1", "task_status": status, **more}}


def policy(server: Scripted, **more: object) -> dict[str, Any]:
    data = {
        "upload_host": f"{server.url}/oss",
        "upload_dir": "some/folder",
        "policy": "cG9saWN5",
        "signature": "signed",
        "oss_access_key_id": "id",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
        "max_file_size_mb": "10",
    }
    return {"request_id": "r-0", "data": {**data, **more}}


def form(call: Call) -> dict[str, bytes]:
    """The fields of a multipart form; the file's name is under "filename"."""
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    fields: dict[str, bytes] = {}
    for part in BytesParser().parsebytes(head + call.body).walk():
        if part.is_multipart():
            continue
        name = str(part.get_param("name", header="content-disposition"))
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        fields[name] = payload
        if part.get_filename():
            fields["filename"] = str(part.get_filename()).encode()
    return fields


def test_urls_are_passed_on_and_the_id_is_printed(server: Scripted, cli: Run) -> None:
    server.answers[CREATE] = [CREATED]
    assert cli("submit", *URLS, "一只猫") == (0, "t-1\n", "")
    (call,) = server.calls
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in call.headers
    assert call.json == {
        "model": "wanx-x-painting",
        "input": {"prompt": "一只猫", "base_image_url": URLS[0], "mask_image_url": URLS[1]},
        "parameters": {"size": "original"},
    }


def test_every_option_becomes_what_the_api_calls_it(server: Scripted, cli: Run) -> None:
    server.answers[CREATE] = [CREATED]
    options = (
        *("-n", "2", "--seed", "7", "--size", "300x200", "--style", "oil painting"),
        *("--negative-prompt", "狗", "--model", "wanx2.1-imageedit", "--watermark"),
        *("--reference", "data:image/png;base64,AAAA", "--sketch", "http://host/s.png"),
        *("--palette", "red,#00ff00", "--strength", "0.5", "--guidance", "2", "--steps", "9"),
        *("--mask-color", "ff0000", "--mask-color", "#000102", "--invert-mask"),
        *("--grow", "-3", "--feather", "1.5", "--soft-mask", "--json"),
    )
    code, out, err = cli("submit", *URLS, "一只猫", *options)
    assert (code, err) == (0, "")
    assert json.loads(out) == {"task_id": "t-1", "task_status": "PENDING", "request_id": "r-1"}
    body = server.calls[0].json
    assert body["input"] == {
        "prompt": "一只猫",
        "negative_prompt": "狗",
        "function": "description_edit_with_mask",
        "base_image_url": URLS[0],
        "mask_image_url": URLS[1],
        "reference_image_url": "data:image/png;base64,AAAA",
        "sketch_image_url": "http://host/s.png",
    }
    assert body["parameters"] == {
        "n": 2,
        "seed": 7,
        "size": "300*200",
        "style": "<oil painting>",
        "palette": "red,#00ff00",
        "strength": 0.5,
        "guidance": 2,
        "steps": 9,
        "mask_color": [[255, 0, 0], [0, 1, 2]],
        "invert_mask": True,
        "grow": -3,
        "feather": 1.5,
        "soft_mask": True,
        "watermark": True,
    }


def test_a_palette_may_be_a_picture_of_this_side_and_a_size_or_style_of_the_other(
    server: Scripted, cli: Run
) -> None:
    server.answers[CREATE] = [CREATED]
    Image.fromarray(np.full((64, 64, 3), (200, 20, 30), np.uint8)).save("colours.png")
    options = ("--palette", "colours.png", "--size", "original", "--style", "<portrait>")
    assert cli("submit", *URLS, "猫", *options)[0] == 0
    parameters = server.calls[0].json["parameters"]
    assert parameters["size"] == "original"
    assert parameters["style"] == "<portrait>"
    (color,) = parameters["palette"]
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.allclose(parts, (200, 20, 30), atol=4)


def test_files_are_uploaded_as_the_sdks_do(server: Scripted, cli: Run) -> None:
    server.answers = {
        "GET /api/v1/uploads": [policy(server)],
        "POST /oss": [b""],
        CREATE: [CREATED],
    }
    Path("猫").mkdir()
    Path("base.png").rename("猫/图.png")
    assert cli("submit", "猫/图.png", "mask.png", "一只猫", "--model", "overpaint")[0] == 0
    (asked,) = server.of("GET /api/v1/uploads")  # one policy for both
    assert asked.query == {"action": "getPolicy", "model": "overpaint"}
    uploads = server.of("POST /oss")
    assert all("authorization" not in call.headers for call in uploads)
    base, mask = map(form, uploads)
    assert list(base)[-2:] == ["file", "filename"]  # what comes after it is not read by OSS
    assert base == {
        "OSSAccessKeyId": b"id",
        "Signature": b"signed",
        "policy": b"cG9saWN5",
        "key": b"some/folder/base.png",
        "x-oss-object-acl": b"private",
        "x-oss-forbid-overwrite": b"true",
        "success_action_status": b"200",
        "x-oss-content-type": b"image/png",
        "file": Path("猫/图.png").read_bytes(),
        "filename": b"base.png",
    }
    assert mask["key"] == b"some/folder/mask.png"
    (created,) = server.of(CREATE)
    assert created.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert created.json["input"]["base_image_url"] == "oss://some/folder/base.png"
    assert created.json["input"]["mask_image_url"] == "oss://some/folder/mask.png"


def test_a_file_that_the_server_would_not_take_is_not_sent(server: Scripted, cli: Run) -> None:
    server.answers["GET /api/v1/uploads"] = [policy(server, max_file_size_mb=1)]
    Path("big.png").write_bytes(bytes(3 * 2**20))
    code, _, err = cli("submit", "big.png", "mask.png", "猫")
    assert (code, err) == (2, "error: base: must be at most 1 MB, got 3.0 MB\n")
    assert len(server.calls) == 1


def test_an_upload_that_is_refused_is_told(server: Scripted, cli: Run) -> None:
    server.answers = {
        "GET /api/v1/uploads": [policy(server)],
        "POST /oss": [(403, {"code": "AccessDenied", "message": "Expired.", "request_id": "r-9"})],
    }
    code, _, err = cli("submit", "base.png", "mask.png", "猫")
    told = "base.png was not taken: Expired. (AccessDenied, HTTP 403, request r-9)"
    assert (code, err) == (2, f"error: {told}\n")


def test_the_results_are_waited_for_and_downloaded_without_the_key(
    server: Scripted, cli: Run
) -> None:
    entries = [{"url": f"{server.url}/r/{i}.png", "seed": str(5 + i)} for i in range(2)]
    server.answers = {
        CREATE: [CREATED],
        TASK: [ended("PENDING"), ended("RUNNING"), ended(results=entries, notes=["a note"])],
        "GET /r/0.png": [PNG],
        "GET /r/1.png": [PNG + b"2"],
    }
    code, out, err = cli("submit", *URLS, "猫", "-n", "2", "-o", "out.png")
    assert (code, out, err) == (0, "out-1.png\nout-2.png\n", "note: a note\n")
    assert Path("out-2.png").read_bytes() == PNG + b"2"
    assert all("authorization" not in call.headers for call in server.of("GET /r/0.png"))
    assert len(server.of(TASK)) == 3

    code, out, _ = cli("wait", "t-1", "--json", "-o", "again.png")
    told = json.loads(out)
    assert told.pop("seconds") >= 0
    assert told == {
        "task_id": "t-1",
        "task_status": "SUCCEEDED",
        "request_id": "r-2",
        "files": ["again-1.png", "again-2.png"],
        "urls": [entry["url"] for entry in entries],
        "seeds": [5, 6],
        "failures": [],
        "notes": ["a note"],
    }
    assert sorted(path.name for path in Path().iterdir() if path.name.startswith(".")) == []


def test_without_a_file_to_write_the_urls_are_printed(server: Scripted, cli: Run) -> None:
    server.answers = {CREATE: [CREATED], TASK: [ended(results=[{"url": "http://host/r.png"}])]}
    assert cli("submit", *URLS, "猫", "--wait") == (0, "http://host/r.png\n", "")
    assert cli("wait", "t-1") == (0, "http://host/r.png\n", "")
    assert cli("status", "t-1") == (0, "SUCCEEDED\nhttp://host/r.png\n", "")


@pytest.mark.parametrize(("name", "format"), [("out.jpg", "jpeg"), ("out.webp", "webp")])
def test_the_format_that_the_file_s_name_says_is_asked_for(
    server: Scripted, cli: Run, name: str, format: str
) -> None:
    server.answers = {CREATE: [CREATED], TASK: [ended(results=[{"url": f"{server.url}/r"}])]}
    server.answers["GET /r"] = [PNG]
    code, out, err = cli("submit", *URLS, "猫", "-o", name)
    assert server.of(CREATE)[0].json["parameters"] == {"size": "original", "output_format": format}
    assert (code, out) == (0, f"{name}\n")
    assert err == f"note: {name} holds a PNG file, as the server made it\n"
    server.answers["GET /r"] = [b"GIF89a"]
    _, _, err = cli("wait", "t-1", "-o", name)
    assert err == f"note: {name} does not look like a picture that Overpaint reads\n"


def test_of_a_partial_success_the_good_pictures_are_kept_and_the_rest_is_told(
    server: Scripted, cli: Run
) -> None:
    failed = {"code": "InternalError.Algo", "message": "It stopped."}
    server.answers = {
        TASK: [ended(results=[failed, {"url": f"{server.url}/r.png", "seed": "6"}])],
        "GET /r.png": [PNG],
    }
    code, out, err = cli("wait", "t-1", "-o", "out.png")
    assert (code, out) == (1, "out-2.png\n")
    assert err.startswith("error: 1 of 2 pictures failed: It stopped. (InternalError.Algo)")
    _, out, _ = cli("wait", "t-1", "--json")
    assert json.loads(out)["failures"] == [failed]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (
            ended("FAILED", code="InvalidParameter", message="No such thing."),
            2,
            "error: the task failed: No such thing. (InvalidParameter)\n",
        ),
        (
            ended("FAILED", code="InternalError", message="It died."),
            1,
            "error: the task failed: It died. (InternalError) (where: overpaint --debug ...)\n",
        ),
        (ended("FAILED"), 1, "error: the task failed: no reason given (no code)"),
        (ended("CANCELED"), 2, "error: the task t-1 was canceled\n"),
        (ended("UNKNOWN"), 2, "error: t-1 is no task of this key; an ended task is kept for"),
    ],
)
def test_a_task_without_a_picture_is_an_error(
    server: Scripted, cli: Run, answer: Any, code: int, message: str
) -> None:
    server.answers[TASK] = [answer]
    got, out, err = cli("wait", "t-1", "-o", "out.png")
    assert (got, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(message)
    assert not Path("out.png").exists()


def test_trouble_while_waiting_or_fetching_says_how_to_come_back(
    server: Scripted, cli: Run
) -> None:
    back = f"overpaint wait t-1 -o out.png --base-url {server.url}/api/v1\nerror: "
    lost: dict[str, list[Any]] = {CREATE: [CREATED], TASK: [{"request_id": "r"}]}
    broken: dict[str, list[Any]] = {
        TASK: [ended(results=[{"url": f"{server.url}/r"}])],
        "GET /r": [(500, b"")],
    }
    for answers, message in (
        (lost, f"{server.url}/api/v1 did not say how the task stands"),
        (broken, "the result could not be downloaded: the answer is not DashScope's"),
    ):
        server.answers |= answers
        code, out, err = cli("submit", *URLS, "猫", "-o", "out.png")
        assert (code, out) == (1, "")
        assert f"the server keeps the task; come back to it with: {back}{message}" in err


def test_the_status_of_a_failed_task_is_no_error(server: Scripted, cli: Run) -> None:
    server.answers[TASK] = [ended("FAILED", code="InvalidURL", message="Not there.")]
    assert cli("status", "t-1") == (0, "FAILED\nInvalidURL: Not there.\n", "")
    _, out, _ = cli("status", "t-1", "--json")
    assert json.loads(out)["request_id"] == "r-2"


def test_a_pending_task_is_canceled(server: Scripted, cli: Run) -> None:
    server.answers["POST /api/v1/tasks/t-1/cancel"] = [{"request_id": "r-3"}]
    assert cli("cancel", "t-1") == (0, "CANCELED\n", "")
    assert server.calls[0].body == b""
    _, out, _ = cli("cancel", "t-1", "--json")
    assert json.loads(out) == {"task_id": "t-1", "request_id": "r-3"}


def test_tasks_are_listed_and_filtered(server: Scripted, cli: Run) -> None:
    row = {"task_id": "t-1", "status": "SUCCEEDED", "model_name": "m", "gmt_create": 1_700_000_000}
    answer = {"request_id": "r", "data": [row, {"task_id": "t-0"}], "total": 2}
    server.answers["GET /api/v1/tasks"] = [answer]
    code, out, err = cli("tasks", "--status", "failed", "--model", "m", "--page", "2")
    assert (code, err) == (0, "")
    first, second = (line.split("\t") for line in out.splitlines())
    assert first[:3] == ["t-1", "SUCCEEDED", "m"]
    assert first[3].startswith("1970-01-")
    assert second == ["t-0", "", "", ""]
    assert server.calls[0].query == {
        "page_no": "2",
        "page_size": "10",
        "status": "FAILED",
        "model_name": "m",
    }
    _, out, _ = cli("tasks", "--json", "--page-size", "3")
    assert json.loads(out) == answer
    assert server.calls[1].query == {"page_no": "1", "page_size": "3"}


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (
            (401, {"code": "InvalidApiKey", "message": "Invalid API-key.", "request_id": "r-7"}),
            2,
            "Invalid API-key. (InvalidApiKey, HTTP 401, request r-7); give a key with --key or",
        ),
        (
            (429, {"code": "Throttling.RateQuota", "message": "Too many.", "request_id": "r-7"}),
            2,
            "Too many. (Throttling.RateQuota, HTTP 429, request r-7); wait a little and try again",
        ),
        (
            (500, {"code": "InternalError", "message": "Broken.", "request_id": "r-7"}),
            1,
            "Broken. (InternalError, HTTP 500, request r-7)",
        ),
        ((502, b"bad"), 1, "the answer is not DashScope's, but text/html (HTTP 502); does"),
        (b"<html>", 1, "the answer is not DashScope's, but text/html (HTTP 200); does the base"),
    ],
)
def test_what_the_server_declines_is_told_with_code_and_request_id(
    server: Scripted, cli: Run, answer: Any, code: int, message: str
) -> None:
    server.answers[TASK] = [answer]
    got, out, err = cli("status", "t-1")
    assert (got, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(f"error: {server.url}/api/v1 declined: {message}")
    assert len(server.calls) == 1


def test_a_server_that_is_away_for_a_while_is_asked_again(server: Scripted, cli: Run) -> None:
    away = (503, {"code": "ServiceUnavailable", "message": "Later.", "request_id": "r"})
    server.answers[TASK] = [away, None, (504, b""), ended()]
    assert cli("status", "t-1")[:2] == (0, "SUCCEEDED\n")
    assert len(server.calls) == 4
    server.answers[TASK] = [away]
    code, _, err = cli("status", "t-1")
    assert code == 1
    assert "declined: Later. (ServiceUnavailable, HTTP 503, request r)" in err


def test_a_creation_is_sent_anew_once_when_the_connection_breaks(
    server: Scripted, cli: Run
) -> None:
    server.answers[CREATE] = [None, CREATED]
    assert cli("submit", *URLS, "猫")[:2] == (0, "t-1\n")
    server.answers[CREATE] = [None]
    code, _, err = cli("submit", *URLS, "猫")
    assert code == 1
    assert err.startswith(f"error: the connection to {server.url} broke (Server disconnected")
    assert len(server.of(CREATE)) == 4


def test_a_creation_that_a_gateway_gave_up_on_is_not_repeated(server: Scripted, cli: Run) -> None:
    server.answers[CREATE] = [(504, b""), CREATED]
    code, _, err = cli("submit", *URLS, "猫")
    assert (code, "HTTP 504" in err) == (1, True)
    assert len(server.of(CREATE)) == 1


def test_a_server_that_is_not_there_is_told_at_once(cli: Run) -> None:
    code, _, err = cli("tasks", "--base-url", "http://127.0.0.1:9/api/v1")
    assert code == 1
    assert err.startswith("error: nothing answers at http://127.0.0.1:9 ([Errno 111] Connection")
    assert "is `overpaint serve` running there?" in err


def test_tls_that_fails_is_told_as_such(server: Scripted, cli: Run) -> None:
    code, _, err = cli("tasks", "--base-url", f"https{server.url[4:]}/api/v1")
    assert code == 1
    assert err.startswith(f"error: no secure connection to https{server.url[4:]} ([SSL")
    assert "SSL_CERT_FILE" in err


def test_silence_is_told_and_a_creation_is_not_repeated_after_it(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(_Handler, "parse_request", lambda _: release.wait(30) and False)
    monkeypatch.setattr(remote_client, "_TIMEOUT", 0.05)
    pauses: list[float] = []
    with Remote(f"{server.url}/api/v1", KEY, pause=pauses.append) as remote:
        with pytest.raises(OperationFailed, match="did not answer in time"):
            remote.create({}, resolve=False)
        assert pauses == []
        with pytest.raises(OperationFailed, match="did not answer in time"):
            remote.task("t-1", patience_s=1)
        assert pauses == [0.5, 1.0]
    release.set()


def test_ctrl_c_while_waiting_says_how_to_come_back(
    server: Scripted, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    server.answers = {CREATE: [CREATED], TASK: [ended("RUNNING")]}
    monkeypatch.setattr("time.sleep", interrupt)
    code, out, err = cli("submit", *URLS, "猫", "-o", "my result.png")
    assert (code, out) == (130, "")
    assert err == (
        "the server keeps the task; come back to it with: overpaint wait t-1 -o 'my result.png'"
        f" --base-url {server.url}/api/v1\nstopped\n"
    )


@pytest.mark.parametrize("key", ["", " "])
def test_without_a_key_none_is_sent(server: Scripted, cli: Run, key: str) -> None:
    server.answers[TASK] = [ended()]
    cli("status", "t-1", "--key", key)
    assert "authorization" not in server.calls[0].headers


def test_the_command_line_s_key_and_server_go_before_the_environment_s(
    server: Scripted, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPAINT_BASE_URL", "http://127.0.0.1:9/api/v1")
    server.answers[TASK] = [ended()]
    assert cli("status", "t-1", "--key", "other", "--base-url", f"{server.url}/api/v1")[0] == 0
    assert server.calls[0].headers["authorization"] == "Bearer other"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: Scripted, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server.answers[TASK] = [ended()]
    assert cli("status", "t-1")[0] == 0
    code, _, err = cli("status", "t-1", "--base-url", "http://server.invalid/api/v1")
    assert (code, "Connection refused" in err) == (1, True)  # by the proxy


SUBMIT = ("submit", "base.png", "mask.png", "猫")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("submit", "none.png", "mask.png", "猫"), "base: must be a URL or a file that can be re"),
        (("submit", "base.png", ".", "猫"), "mask: must be a URL or a file that can be read (Is a"),
        (("submit", "base.png", "empty.png", "猫"), "mask: must not be an empty file, got empty"),
        ((*SUBMIT, "-n", "5"), "n: must be a whole number between 1 and 4, got 5"),
        ((*SUBMIT, "--seed", "-1"), "seed: must be a whole number between 0 and"),
        ((*SUBMIT, "--size", "big"), "size: must be"),
        ((*SUBMIT, "--style", "cubist"), "style: must be one of auto, "),
        ((*SUBMIT, "--strength", "2"), "strength: must be between 0 and 1, got 2"),
        ((*SUBMIT, "--guidance", "x"), "guidance: must be between 1 and 10, got 'x'"),
        ((*SUBMIT, "--steps", "1.5"), "steps: must be a whole number between 1 and 150, got 1.5"),
        ((*SUBMIT, "--grow", "x"), "grow: must be a whole number"),
        ((*SUBMIT, "--feather", "-1"), "feather: must be between 0 and 256 px, got -1"),
        ((*SUBMIT, "--mask-color", "red"), "mask_color: must be RRGGBB"),
        ((*SUBMIT, "--palette", "none.png"), "palette: "),
        ((*SUBMIT, "-o", "out.tif"), "output: must end in one of .png, .jpg, .jpeg, .webp, as"),
        ((*SUBMIT, "-o", "out.gif"), "output: must end in one of .png, .jpg, .jpeg, .webp, as"),
        ((*SUBMIT, "-o", "no/out.png"), "output: must go into a folder that exists"),
        ((*SUBMIT, "-o", "base.png"), "output: must not be one of the input pictures"),
        (
            ("submit", *URLS, "猫", "--palette", "base.png", "-o", "base.png"),
            "output: must not be one of the input pictures",
        ),
        ((*SUBMIT, "--base-url", "host"), "base_url: must be like http://127.0.0.1:8000/api/v1,"),
        (
            (*SUBMIT, "--base-url", "http://h:8000"),
            "base_url: must be like http://127.0.0.1:8000/a",
        ),
        ((*SUBMIT, "--base-url", "http://a b:x/"), "base_url: must be like http://127.0.0.1:8000"),
        ((*SUBMIT, "--key", "密钥"), "key: must be plain ASCII letters, digits and signs\n"),
        (("status", "../x"), "task: must be the id that submit printed, got '../x'"),
        (("wait", "t-1", "-o", "out.gif"), "output: must end in one of"),
        (("tasks", "--status", "DONE"), "status: must be one of PENDING, RUNNING, SUCCEEDED,"),
        (("tasks", "--page", "0"), "page: must be a whole number from 1 on, got 0"),
        (("tasks", "--page-size", "x"), "page_size: must be a whole number from 1 on, got 'x'"),
    ],
)
def test_a_mistake_is_one_line_exit_code_2_and_nothing_is_sent(
    server: Scripted, cli: Run, arguments: tuple[str, ...], message: str
) -> None:
    Path("empty.png").touch()
    code, out, err = cli(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {message}")
    assert server.calls == []


@pytest.mark.parametrize(
    ("route", "call", "message"),
    [
        (CREATE, lambda remote: remote.create({}, resolve=False), "without giving it an id"),
        ("GET /api/v1/tasks", lambda remote: remote.tasks({}), "with a list of tasks"),
        ("GET /api/v1/uploads", lambda remote: remote.upload_policy("m"), "where files are upl"),
    ],
)
def test_an_answer_without_what_was_asked_for_is_told(
    server: Scripted, route: str, call: Callable[[Remote], object], message: str
) -> None:
    server.answers[route] = [{"request_id": "r"}]
    with Remote(f"{server.url}/api/v1", KEY) as remote, pytest.raises(OperationFailed) as raised:
        call(remote)
    assert message in str(raised.value)


def test_a_result_that_is_gone_is_told(server: Scripted) -> None:
    gone = {"code": "NotFound", "message": "The file has expired.", "request_id": "r"}
    server.answers["GET /r.png"] = [(404, gone)]
    with Remote(f"{server.url}/api/v1", KEY) as remote, pytest.raises(Refused) as raised:
        remote.download(f"{server.url}/r.png")
    assert str(raised.value).startswith(
        "the result could not be downloaded: The file has expired. (NotFound, HTTP 404, request r)"
    )


def test_a_result_s_address_that_cannot_be_used_is_told(server: Scripted) -> None:
    with Remote(f"{server.url}/api/v1", KEY) as remote:
        for url in ("ftp://host/r.png", "r.png"):
            with pytest.raises(OperationFailed, match="an address that cannot be used"):
                remote.download(url)
