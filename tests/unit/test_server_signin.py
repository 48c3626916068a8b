from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.unit.service_fixture import Clock, service_in

from overpaint.server import landing
from overpaint.server.app import create_app
from overpaint.server.deps import SESSION_COOKIE
from overpaint.service import Service
from overpaint.tasks.task import PLANS

BASE = "http://overpaint.test:8000"
FROM_PAGE = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture(scope="module")
def service(made: tuple[Service, Clock]) -> Service:
    return made[0]


@pytest.fixture(scope="module")
def app(service: Service) -> FastAPI:
    return create_app(service)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def secret(service: Service) -> Iterator[str]:
    key, secret = service.keys.create("studio <1>", PLANS["free"])
    yield secret
    service.keys.revoke(key.id)


def link(service: Service, ttl_ms: int = 60_000) -> str:
    return "/sign-in/" + service.keys.make_signin(newest(service), ttl_ms)


def newest(service: Service) -> str:
    """The id of the one key that is not revoked."""
    (key,) = (key for key in service.keys.list() if key.revoked_ms is None)
    return key.id


def is_the_app(page: httpx.Response) -> bool:
    """Whether it is what who is signed in gets, and not the landing page."""
    assert page.status_code == 200
    assert ('id="app"' in page.text) != ('name="key"' in page.text)
    return 'id="app"' in page.text


def signs_in(client: TestClient, secret: str) -> None:
    assert client.post("/sign-in", data={"key": secret}, headers=FROM_PAGE).status_code == 303


@pytest.mark.usefixtures("secret")
def test_a_link_opens_the_page_signed_in(client: TestClient, service: Service) -> None:
    answer = client.get(link(service))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    for flag in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=2592000"):
        assert flag in cookie
    assert "Secure" not in cookie  # it came by http
    assert is_the_app(client.get("/"))


@pytest.mark.usefixtures("secret")
def test_a_link_works_once(client: TestClient, service: Service) -> None:
    where = link(service)
    client.get(where)
    client.cookies.clear()
    again = client.get(where)
    assert again.status_code == 403
    assert "has been used already, or has expired" in again.text
    assert "set-cookie" not in again.headers


@pytest.mark.usefixtures("secret")
def test_a_link_expires(client: TestClient, made: tuple[Service, Clock]) -> None:
    service, clock = made
    where = link(service)
    clock.forward(hours=1)
    assert client.get(where).status_code == 403


def test_a_made_up_link_opens_nothing(client: TestClient) -> None:
    assert client.get("/sign-in/abc").status_code == 403
    assert client.get("/sign-in/%00%ff").status_code == 403


@pytest.mark.usefixtures("secret")
def test_looking_at_a_links_headers_does_not_use_it_up(
    client: TestClient, service: Service
) -> None:
    where = link(service)
    assert client.head(where).status_code == 405
    assert client.get(where).status_code == 303


def test_a_key_signs_in_and_the_session_is_its(client: TestClient, secret: str) -> None:
    signs_in(client, f" {secret}\n")
    page = client.get("/")
    assert is_the_app(page)
    assert secret not in page.text
    assert client.get("/v1/models", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("key", ["sk-wrong", "", "x" * 5000, "\ud800".encode("utf-8", "replace")])
def test_a_wrong_key_is_said_to_be(client: TestClient, key: str | bytes) -> None:
    answer = client.post("/sign-in", data={"key": key}, headers=FROM_PAGE)
    assert answer.status_code == 401
    assert "This key is not known here" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_without_a_key_is_refused(client: TestClient) -> None:
    assert client.post("/sign-in", headers=FROM_PAGE).status_code == 401
    answer = client.post("/sign-in", files={"key": b"x"}, headers=FROM_PAGE)
    assert answer.status_code == 400


@pytest.mark.parametrize("charset", ["punycode", "undefined"])  # one takes minutes, one fails
def test_a_form_in_an_odd_charset_is_refused(client: TestClient, charset: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n'
    body = part + b"a" * 1_000_000 + b"\r\n--x--\r\n"
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    answer = client.post("/sign-in", content=body, headers={**FROM_PAGE, "Content-Type": kind})
    assert answer.status_code == 400
    assert "charset must be utf-8" in answer.text
    kind = kind.replace(charset, '"UTF-8"')
    answer = client.post("/sign-in", content=body, headers={**FROM_PAGE, "Content-Type": kind})
    assert answer.status_code == 401


def test_a_revoked_key_ends_its_sessions(client: TestClient, service: Service, secret: str) -> None:
    signs_in(client, secret)
    assert is_the_app(client.get("/"))
    service.keys.revoke("studio <1>")
    assert not is_the_app(client.get("/"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_other_sites_cannot_sign_anyone_in_or_out(
    client: TestClient, secret: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, data={"key": secret}, headers=headers)
    assert answer.status_code == 403
    assert "did not come from this page" in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_browsers_session(client: TestClient, secret: str) -> None:
    signs_in(client, secret)
    answer = client.post("/sign-out?lang=zh", headers=FROM_PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh")
    assert not is_the_app(client.get("/?lang=zh"))


def test_a_language_that_was_asked_for_is_kept(client: TestClient, secret: str) -> None:
    assert 'action="/sign-in"' in client.get("/", headers={"Accept-Language": "zh"}).text
    assert 'action="/sign-in?lang=zh"' in client.get("/?lang=zh").text
    for path, where in (("/sign-in", "/"), ("/sign-in?lang=zh", "/?lang=zh")):
        answer = client.post(path, data={"key": secret}, headers=FROM_PAGE)
        assert answer.headers["location"] == where


def test_over_https_the_cookie_never_goes_by_http(tmp_path: Path) -> None:
    url = "https://paint.example"
    with service_in(tmp_path, public_url=url) as (service, _):
        secret = service.keys.create("k", PLANS["unlimited"])[1]
        with TestClient(create_app(service), base_url=url, follow_redirects=False) as client:
            answer = client.post("/sign-in", data={"key": secret}, headers={"Origin": url})
            assert "Secure" in answer.headers["set-cookie"]
            client.cookies.clear()
            assert f"curl {url}/v1/images/edits" in client.get("/").text


def test_the_page_says_how_to_begin(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert f"curl {BASE}/v1/images/edits" in page.text
    assert f"export DASHSCOPE_HTTP_BASE_URL={BASE}/api/v1" in page.text
    assert 'href="/docs"' in page.text
    assert 'name="key"' in page.text


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "fr, en-GB;q=0.7", "en"),
        ("", "", "en"),
        ("?lang=zh", "en", "zh-CN"),
        ("?lang=xx", "zh", "zh-CN"),
        ("?lang=en", "zh", "en"),
    ],
)
def test_the_page_speaks_the_readers_language(
    client: TestClient, query: str, accepted: str, language: str
) -> None:
    page = client.get(f"/{query}", headers={"Accept-Language": accepted}).text
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("said", ["wrong_key", "used_link", "not_ours", "not_built"])
@pytest.mark.parametrize("language", landing.LANGUAGES)
def test_every_word_is_there_in_every_language(language: str, said: str) -> None:
    html = landing.render(base=BASE, language=language, said=said)
    assert "$" not in html.replace("$OVERPAINT_API_KEY", "")


def test_the_page_runs_nothing_and_loads_its_own_files_only(client: TestClient) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "sha256" not in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
    assert not re.search(r"https?://(?!overpaint\.test|…)", page.text)
    assert page.headers["vary"] == "Accept-Language, Cookie"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"


def test_a_host_that_is_none_is_not_written_into_the_page(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": '"><script>'})
    assert answer.status_code == 400
    assert "<script>" not in answer.text
