from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from overpaint._version import __version__
from overpaint.server import docs
from overpaint.server.headers import SafeHeaders

# Of the files as npm has them: swagger-ui-dist 5.35.0. What is vendored is not edited.
VENDORED = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}


@pytest.fixture
def client() -> TestClient:
    app = FastAPI(**docs.ABOUT)
    app.include_router(docs.router)
    app.add_middleware(SafeHeaders)
    return TestClient(app)


def test_the_page_loads_everything_from_this_server(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(links) == 5
    for link in links:
        assert not link.startswith(("http", "//"))
        if not link.startswith("data:"):
            assert client.get("/" + link).status_code == 200


def test_the_pages_policy_lets_nothing_run_but_its_own_files(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "<style" not in client.get("/docs").text
    assert not re.search(r"<script>|\bon\w+=", client.get("/docs").text)


@pytest.mark.parametrize(("name", "sha256"), VENDORED.items())
def test_swagger_ui_is_served_as_it_was_published(
    client: TestClient, name: str, sha256: str
) -> None:
    answer = client.get(f"/docs/{name}")
    assert hashlib.sha256(answer.content).hexdigest() == sha256
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith(
        "text/css" if name.endswith("css") else "text/javascript"
    )


def test_its_licences_ship_with_it() -> None:
    folder = resources.files("overpaint.server") / "swagger"
    assert "MIT" in (folder / "swagger-ui-bundle.js.LICENSE.txt").read_text("utf-8")


def test_other_files_are_not_served(client: TestClient) -> None:
    assert client.get("/docs/docs.py").status_code == 404
    assert client.get("/docs/..%2fdocs.py").status_code == 404


def test_the_description_says_what_this_is(client: TestClient) -> None:
    said = client.get("/openapi.json").json()
    assert said["info"]["title"] == "Overpaint"
    assert said["info"]["version"] == __version__
    assert {tag["name"] for tag in said["tags"]} >= {"tasks", "openai", "operations"}
    assert "/docs" not in said["paths"]
