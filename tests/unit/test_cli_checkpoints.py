from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.checkpoint_folders import sd_files, write
from tests.unit.hub_fixture import Hub, hub_and_cache

from overpaint.cli import diffusers_report
from overpaint.cli.app import run

REPO = "org/painter"
Checkpoints = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkpoints(capsys: pytest.CaptureFixture[str]) -> Checkpoints:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(("checkpoints", *arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def sd(tmp_path: Path) -> Path:
    return write(tmp_path / "sd", sd_files())


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with hub_and_cache({REPO: sd_files()}, tmp_path / "cache") as serving:
        yield serving


def told(out: str) -> dict[str, str]:
    return {line[:14].rstrip(" :"): line[14:] for line in out.splitlines()}


def test_show_says_what_a_checkpoint_is(checkpoints: Checkpoints, sd: Path) -> None:
    code, out, err = checkpoints("show", str(sd))
    assert (code, err) == (0, "")
    lines = told(out)
    assert lines["engine"] == "diffusers:sd"
    assert lines["path"] == str(sd)
    assert lines["family"] == (
        "Stable Diffusion 1 and 2 (StableDiffusionInpaintPipeline), made for inpainting"
    )
    assert lines["licence"] == "creativeml-openrail-m"
    assert lines["languages"] == "English"
    assert lines["paints"] == "512 x 512 px, multiples of 8 px"
    assert lines["unless said"] == "30 steps, guidance 7.5"
    assert lines["takes"] == "negative, strength, guidance, style, steps"
    assert lines["memory"].startswith("about float32 1.1 GB, bfloat16 536.9 MB, ")
    assert "guidance_until" in lines["options"].split(", ")
    assert lines["verdict"] == "can be loaded"


def test_show_takes_an_engine_s_name_with_options(checkpoints: Checkpoints, sd: Path) -> None:
    _, out, _ = checkpoints("show", f"diffusers:{sd}?scheduler=LCM&steps=6")
    assert told(out)["unless said"] == "6 steps, no guidance"


def test_show_says_what_is_missing_and_what_to_do(checkpoints: Checkpoints, sd: Path) -> None:
    (sd / "vae/config.json").unlink()
    code, out, _ = checkpoints("show", str(sd))
    assert code == 0
    assert told(out)["missing"] == "vae: config.json"
    assert told(out)["verdict"] == (
        "checkpoint sd is not whole (vae: config.json); download it again"
    )


def test_json_is_one_object(checkpoints: Checkpoints, sd: Path) -> None:
    code, out, _ = checkpoints("show", str(sd), "--json")
    found = json.loads(out)
    assert (code, out.count("\n")) == (0, 1)
    assert (found["engine"], found["side"], found["channels"]) == ("diffusers:sd", 512, 9)
    assert (found["licence"], found["languages"]) == ("creativeml-openrail-m", ["en"])
    assert set(found["memory_bytes"]) == {"float32", "bfloat16", "float16"}
    assert (found["missing"], found["fault"]) == ([], "")


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        (
            "sdxl",
            2,
            "error: engine: must be an id of the hub (org/name or org/name@revision), or a",
        ),
        ("org/no-such", 2, "error: checkpoint org/no-such is not on this machine; overpaint"),
        ("org/no?steps=0", 2, "error: engine: steps must be a whole number between 1 and 150"),
        ("./nothing-here", 2, "error: there is no checkpoint at /"),
    ],
)
def test_what_cannot_be_shown_says_why(
    checkpoints: Checkpoints, source: str, code: int, line: str
) -> None:
    found, out, err = checkpoints("show", source)
    assert (found, out) == (code, "")
    assert err.startswith(line)


def test_fetch_prints_the_folder_where_show_finds_it(
    checkpoints: Checkpoints, hub: Hub, tmp_path: Path
) -> None:
    code, out, err = checkpoints("fetch", REPO)
    assert (code, err) == (0, "")
    folder = Path(out.rstrip("\n"))
    assert folder.is_relative_to(tmp_path / "cache")
    _, shown, _ = checkpoints("show", REPO)
    assert told(shown)["path"] == str(folder)
    assert told(shown)["engine"] == f"diffusers:{REPO}"
    assert told(shown)["verdict"] == "can be loaded"


def test_fetch_tells_in_json_how_to_paint_with_it(checkpoints: Checkpoints, hub: Hub) -> None:
    half = "unet/diffusion_pytorch_model.fp16.safetensors"
    hub.repos[REPO][half] = hub.repos[REPO]["unet/diffusion_pytorch_model.safetensors"]
    _, out, _ = checkpoints("fetch", f"{REPO}@main", "--variant", "fp16", "--json")
    found = json.loads(out)
    assert found["engine"] == f"diffusers:{REPO}@main?variant=fp16"
    assert (found["licence"], found["weights"]) == ("creativeml-openrail-m", True)
    assert (Path(found["path"]) / half).is_file()


def test_fetch_brings_one_file_or_no_weights(checkpoints: Checkpoints, hub: Hub) -> None:
    _, out, _ = checkpoints("fetch", REPO, "--no-weights")
    assert not list(Path(out.strip()).rglob("*.safetensors"))
    hub.repos[REPO]["one.safetensors"] = b"x" * 200
    _, out, _ = checkpoints("fetch", f"{REPO}/one.safetensors", "--json")
    path = Path(json.loads(out)["path"])
    assert path.name == "one.safetensors"
    assert json.loads(out)["engine"] == f"diffusers:{path}"


def test_fetch_refuses_pickles_unless_told_to(checkpoints: Checkpoints, hub: Hub) -> None:
    files = hub.repos[REPO]
    safe = files.pop("unet/diffusion_pytorch_model.safetensors")
    files["unet/diffusion_pytorch_model.bin"] = safe
    code, out, err = checkpoints("fetch", REPO)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {REPO} has its unet only as a pickle; it can run any code")
    code, _, _ = checkpoints("fetch", REPO, "--pickle")
    assert code == 0


def test_fetch_takes_ids_of_the_hub_alone(checkpoints: Checkpoints, sd: Path) -> None:
    code, _, err = checkpoints("fetch", str(sd))
    assert code == 2
    assert err.startswith("error: source: must be an id of the hub, org/name or org/name@revision")


# What doctor says.


def test_doctor_names_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusers_report, "_version", lambda name: None)
    report = diffusers_report.describe()
    assert (report["installed"], report["devices"], report["fault"]) == (False, [], "")
    assert diffusers_report.line(report) == (
        "no torch, diffusers, transformers, accelerate, peft; for large checkpoints: "
        'pip install "overpaint[diffusers]"'
    )


def test_doctor_tells_versions_and_devices() -> None:
    gpu = {"device": "cuda:0", "name": "A GPU", "memory_gb": 24.0, "free_gb": 20.5}
    versions = dict.fromkeys(diffusers_report.PACKAGES, "1.0")
    report = {"installed": True, "packages": versions, "devices": [gpu]}
    line = diffusers_report.line(report)
    assert line.startswith("torch 1.0, diffusers 1.0, ")
    assert line.endswith("; cuda:0 A GPU, 20.5 of 24.0 GB free")
    assert diffusers_report.line({**report, "devices": []}).endswith(
        "no GPU, so it runs on the CPU"
    )
    mps = {**report, "devices": [{"device": "mps", "name": "Apple GPU"}]}
    assert diffusers_report.line(mps).endswith("; mps Apple GPU")


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules go before the installed ones, in the process that looks."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(diffusers_report, "_version", lambda name: "1.0")
    cuda = "class cuda:\n    is_available = staticmethod(lambda: False)\n"
    backends = (
        "class backends:\n    class mps:\n        is_available = staticmethod(lambda: True)\n"
    )
    return write(tmp_path, {"torch.py": cuda + backends, "torchvision.py": ""})


def test_doctor_looks_at_torch_in_a_process_of_its_own(broken: Path) -> None:
    report = diffusers_report.describe()
    assert report["devices"] == [{"device": "mps", "name": "Apple GPU"}]
    assert report["fault"] == ""


def test_doctor_names_a_torchvision_that_does_not_go_with_torch(broken: Path) -> None:
    write(broken, {"torchvision.py": "raise RuntimeError('operator nms does not exist')\n"})
    fault = diffusers_report.describe()["fault"]
    assert fault.startswith("torchvision is not made for this torch (operator nms does not exist)")
    write(broken, {"torchvision.py": "raise ImportError\n"})
    assert diffusers_report.describe()["fault"] == ""


def test_doctor_names_a_torch_that_is_broken(broken: Path) -> None:
    write(broken, {"torch.py": "raise OSError('no libcudart')\n"})
    assert diffusers_report.describe()["fault"] == "torch cannot be imported: no libcudart"
    write(broken, {"torch.py": "import os; os._exit(3)\n"})
    fault = diffusers_report.describe()["fault"]
    assert fault == "torch cannot be looked at: CalledProcessError"


def test_doctor_reads_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusers_report, "_version", lambda name: None)
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "batch=0")
    fault = diffusers_report.describe()["fault"]
    assert fault.startswith("OVERPAINT_DIFFUSERS: diffusers: batch must be a whole number")
