from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.unit.service_fixture import service_in

from overpaint.server import webpage
from overpaint.server.app import create_app
from overpaint.server.deps import SESSION_COOKIE
from overpaint.service import Service
from overpaint.tasks.task import PLANS

ROOT = Path(__file__).resolve().parents[2]
BASE = "http://overpaint.test:8000"
SCRIPT = b"export const words = 'red glasses';" * 40


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_in(tmp_path_factory.mktemp("data")) as (service, _):
        yield service


@pytest.fixture(scope="module")
def session(service: Service) -> str:
    key, _ = service.keys.create("studio <1>", PLANS["free"])
    return service.new_session(key)


@pytest.fixture(scope="module")
def app(service: Service) -> FastAPI:
    return create_app(service)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def signed_in(client: TestClient, session: str) -> TestClient:
    client.cookies.set(SESSION_COOKIE, session, domain="overpaint.test")
    return client


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of a few files in the place of the built one."""
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>the app</title>" * 9)
    (page / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (page / "assets/index-AbC_1-2.js").write_bytes(SCRIPT)
    (page / "assets/cat.webp").write_bytes(b"RIFF....WEBP")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(webpage, "PAGE", page)
    return page


def test_who_is_signed_in_gets_the_app(signed_in: TestClient) -> None:
    page = signed_in.get("/")
    assert page.status_code == 200
    assert page.content == (ROOT / "src/overpaint/server/page/index.html").read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["vary"] == "Cookie, Accept-Encoding"
    assert page.headers["referrer-policy"] == "same-origin"
    assert signed_in.head("/").headers["content-length"] == page.headers["content-length"]


def test_who_is_not_gets_the_landing_page(client: TestClient) -> None:
    page = client.get("/")
    assert 'name="key"' in page.text
    assert "<script" not in page.text


def test_all_that_the_app_asks_for_is_there(client: TestClient) -> None:
    folder = ROOT / "src/overpaint/server/page"
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert any(name.startswith("assets/") for name in names)
    for name in names:
        if name != "index.html":
            answer = client.get(f"/{name}")
            assert answer.status_code == 200, name
            assert answer.content == (folder / name).read_bytes()
            assert answer.headers["content-type"] != "application/octet-stream", name
    html = (folder / "index.html").read_text("utf-8")
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert links
    for link in links:
        assert client.get(link).status_code == 200
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", html)


@pytest.mark.parametrize("path", ["/", "/assets/index-AbC_1-2.js", "/icon.svg"])
@pytest.mark.usefixtures("small")
def test_the_policy_lets_nothing_run_but_the_servers_own_files(
    signed_in: TestClient, path: str
) -> None:
    policy = signed_in.get(path).headers["content-security-policy"]
    assert dict(part.split(" ", 1) for part in policy.split("; ")) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "img-src": "'self' blob: data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.usefixtures("small")
def test_assets_are_kept_for_good_and_the_icon_for_a_while(client: TestClient) -> None:
    asset = client.get("/assets/index-AbC_1-2.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/icon.svg").headers["cache-control"] == "public, max-age=3600"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("gzip;q=0.0, identity", False),
        ("gzip; q=0", False),
        ("x-gzip, br", False),
        ("", False),
    ],
)
def test_text_is_packed_for_who_takes_that(client: TestClient, accepted: str, packed: bool) -> None:
    with client.stream(
        "GET", "/assets/index-AbC_1-2.js", headers={"Accept-Encoding": accepted}
    ) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(sent)
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(sent) if packed else sent) == SCRIPT


@pytest.mark.usefixtures("small")
def test_pictures_are_not_packed_again(client: TestClient) -> None:
    answer = client.get("/assets/cat.webp", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-type"] == "image/webp"


def test_a_file_that_changes_is_read_anew(client: TestClient, small: Path) -> None:
    assert client.get("/assets/index-AbC_1-2.js").content == SCRIPT
    (small / "assets/index-AbC_1-2.js").write_bytes(b"another")
    assert client.get("/assets/index-AbC_1-2.js").content == b"another"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets",
        "/assets/nothing.js",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/assets/..%2f..%2fsecret.txt",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/index-AbC_1-2.js/x",
        "/assets/" + "a" * 5000,
        "/..%2fsecret.txt",
        "/index.html",
        "/nothing.svg",
        "/.env",
        "/welcome/../app.py",
        "/welcome/nothing.css",
    ],
)
def test_nothing_else_is_handed_out(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"
    assert "public" not in answer.headers["cache-control"]


def test_a_checkout_that_was_not_built_says_so(
    signed_in: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webpage, "PAGE", tmp_path / "none")
    page = signed_in.get("/")
    assert page.status_code == 503
    assert "Run <code>make page</code>" in page.text
    assert "Signed in with the key <strong>studio &lt;1&gt;</strong>" in page.text
    assert "0 of 500 pictures painted" in page.text
    assert "尚未构建网页界面" in signed_in.get("/?lang=zh").text
    assert signed_in.get("/icon.svg").status_code == 404
    signed_in.cookies.clear()
    assert signed_in.get("/").status_code == 200


def test_the_landing_pages_files_are_there_and_text_is_packed(client: TestClient) -> None:
    html = client.get("/").text
    links = re.findall(r'(?:src|href)="(/welcome/[^"]*)"', html)
    assert len(links) == 2
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert (answer.headers.get("content-encoding") == "gzip") == ("landing.css" in link)


def test_the_landing_page_has_the_apps_colours_and_fonts() -> None:
    def values(path: str) -> dict[str, str]:
        css = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text("utf-8"), flags=re.DOTALL)
        (root,) = re.findall(r"^:root \{(.*?)\}", css, re.DOTALL | re.MULTILINE)[:1]
        found = re.findall(r"--([a-z0-9-]+):(.*?);", root, re.DOTALL)
        return {name: re.sub(r"\s", "", value) for name, value in found}

    page = values("web/src/styles/tokens.css")
    landing = values("src/overpaint/server/welcome/landing.css")
    assert len(landing) > 8
    assert {name: page[name] for name in landing} == landing
