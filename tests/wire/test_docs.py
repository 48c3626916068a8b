"""The samples of docs/api run as they stand there against the real server.

The pictures of DashScope's own samples lie on the internet; their host alone is exchanged for the
tests' one. The Java sample needs a package that cannot be had here: see test_java.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.picture_files import file_of
from tests.wire.client import Client
from tests.wire.host import PictureHost
from tests.wire.pictures import pixels_of, png, scene
from tests.wire.process import ServeProcess

from overpaint.server import errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "api"
DEMO = ROOT / "src" / "overpaint" / "demo"
THEIR_HOST = "http://synthesis-source.oss-accelerate.aliyuncs.com"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def snippets(page: str, language: str) -> list[str]:
    text = (PAGES / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, host: PictureHost) -> Path:
    """A folder with a picture and its mask, which also lie where the samples look for them."""
    made = tmp_path_factory.mktemp("samples")
    path = "lingji/validation/mask2img/demo"
    with Image.open(DEMO / "chelsea.png") as image, Image.open(DEMO / "chelsea-mask.png") as area:
        host.put(file_of(image.convert("RGB"), "JPEG"), name=f"{path}/source3.jpg")
        host.put(file_of(area, "PNG"), name=f"{path}/glasses.png")
        image.save(made / "photo.png")
        area.save(made / "mask.png")
    return made


@pytest.fixture
def environment(server: ServeProcess, key: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUTF8": "1",
        "DASHSCOPE_HTTP_BASE_URL": server.base,
        "DASHSCOPE_API_KEY": key,
        "OPENAI_BASE_URL": f"{server.root}/v1",
        "OPENAI_API_KEY": key,
    }


def run(folder: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_curl
def test_the_curl_sample_of_the_extensions_follows_a_task(
    client: Client, folder: Path, environment: dict[str, str]
) -> None:
    follow, _ = snippets("extensions.md", "sh")
    task_id = client.create()
    said = run(folder, {**environment, "TASK_ID": task_id}, "bash", "-c", follow)
    assert said.startswith("retry: 1000\n\nevent: task\n")
    assert said.endswith("event: end\ndata: {}\n\n")


@needs_curl
def test_the_curl_sample_of_the_extensions_goes_on_from_a_result(
    client: Client, folder: Path, environment: dict[str, str]
) -> None:
    _, chain = snippets("extensions.md", "sh")
    urls = {"RESULT_URL": client.done()["output"]["results"][0]["url"], "MASK_URL": client.mask}
    created = json.loads(run(folder, {**environment, **urls}, "bash", "-c", chain))
    done = client.wait(created["output"]["task_id"])
    assert pixels_of(client.pictures(done)[0]).shape == scene().shape


def test_the_extensions_page_shows_what_is_answered(client: Client) -> None:
    (sample,) = snippets("extensions.md", "json")
    shown, said = json.loads(sample), client.http.get("/models").json()
    assert set(shown) == set(said)
    assert (shown["limits"], shown["styles"]) == (said["limits"], said["styles"])
    said_row = next(row for row in said["data"] if row["name"] == shown["data"][0]["name"])
    assert said_row == {**shown["data"][0], "summary": said_row["summary"]}


@needs_curl
def test_the_curl_samples_of_dashscope_run(
    host: PictureHost, client: Client, folder: Path, environment: dict[str, str]
) -> None:
    create, query = snippets("dashscope.md", "sh")
    create = create.replace(THEIR_HOST, host.address)
    created = json.loads(run(folder, environment, "bash", "-c", create))
    task_id = created["output"]["task_id"]
    client.wait(task_id)
    query = query.replace("{your_task_id}", task_id)
    answer = json.loads(run(folder, environment, "bash", "-c", query))
    assert pixels_of(client.pictures(answer)[0]).shape == (1024, 1024, 3)


def test_the_python_samples_of_dashscope_run(
    host: PictureHost, folder: Path, environment: dict[str, str]
) -> None:
    description, local = snippets("dashscope.md", "python")
    both = description.replace(THEIR_HOST, host.address) + local  # in one process: it is quicker
    said = run(folder, environment, sys.executable, "-c", both)
    assert said.count("SUCCEEDED") == 3  # a state, a metric's name, and another state
    (saved,) = [path for path in folder.glob("*.png") if path.stem not in ("photo", "mask")]
    assert pixels_of(saved.read_bytes()).shape == (1024, 1024, 3)
    assert re.search(r"^SUCCEEDED http://127\.0\.0\.1:", said, re.MULTILINE)


def test_the_samples_of_the_readmes_run(environment: dict[str, str]) -> None:
    samples = []
    for page in ("README.md", "README.zh-CN.md"):
        text = (ROOT / page).read_text("utf-8")
        found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        samples += [code for code in found if "dashscope" in code]
    assert len(samples) == 2
    said = run(ROOT, environment, sys.executable, "-c", "".join(samples))
    assert [line.startswith("http://127.0.0.1:") for line in said.splitlines()] == [True, True]


@pytest.fixture(scope="module")
def openai_folder(folder: Path) -> Path:
    """The same picture, with OpenAI's kind of mask: transparent where it is repainted."""
    made = folder / "openai"
    made.mkdir()
    with Image.open(folder / "photo.png") as image, Image.open(folder / "mask.png") as area:
        image.save(made / "photo.png")
        mask = np.zeros((area.height, area.width, 4), np.uint8)
        mask[np.asarray(area.convert("L")) <= 127] = 255
    (made / "mask.png").write_bytes(png(mask))
    return made


def test_the_python_sample_of_openai_runs(openai_folder: Path, environment: dict[str, str]) -> None:
    original = pixels_of((openai_folder / "photo.png").read_bytes())
    kept = pixels_of((openai_folder / "mask.png").read_bytes())[..., 3] > 0
    (python,) = snippets("openai.md", "python")
    run(openai_folder, environment, sys.executable, "-c", python)
    result = pixels_of((openai_folder / "result.png").read_bytes())
    assert np.array_equal(result[kept], original[kept])
    assert not np.array_equal(result, original)


@needs_curl
def test_the_curl_sample_of_openai_runs(openai_folder: Path, environment: dict[str, str]) -> None:
    (curl,) = snippets("openai.md", "sh")
    answer = json.loads(run(openai_folder, environment, "bash", "-c", curl))
    assert answer["data"][0]["url"].startswith("http://127.0.0.1:")


def test_every_code_is_in_the_table_of_errors() -> None:
    page = (PAGES / "dashscope.md").read_text("utf-8")
    codes = {code for _, code in errors._KINDS.values()} | set(errors._DOWNLOADS.values())
    assert all(f"`{code}`" in page for code in codes)


def test_the_samples_are_the_description_s() -> None:
    """Where its text is at hand: nothing but the base address differs."""
    reference = ROOT.parent / "shared" / "reference" / "wanx-x-painting.md"
    if not reference.exists():
        pytest.skip("needs the description's text beside the project")
    text = reference.read_text("utf-8")
    theirs = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    base = "https://dashscope.aliyuncs.com/api/v1"
    ours = "\n".join(
        snippet
        for language in ("sh", "python", "java")
        for snippet in snippets("dashscope.md", language)
    )
    for _, snippet in theirs:
        mine = snippet.replace(f"'{base}/services", '"$DASHSCOPE_HTTP_BASE_URL/services')
        mine = mine.replace("image-synthesis' \\", 'image-synthesis" \\')
        mine = mine.replace(base, "$DASHSCOPE_HTTP_BASE_URL")
        assert mine.strip() in ours
