from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import require
from tests.unit.checkpoint_folders import SD_INDEX, sd_files, weights
from tests.unit.hub_fixture import COMMIT, CONSTANTS, Hub, hub_and_cache

from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.fetch import fetch
from overpaint.engines.diffusers.hub import find_snapshot
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.source import Source, read_source
from overpaint.errors import CheckpointMissing, EngineFailed, EngineUnusable
from overpaint.values import Step

REPO = "org/painter"
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with hub_and_cache({REPO: sd_files()}, tmp_path / "cache") as serving:
        yield serving


def source(text: str = REPO) -> Source:
    return read_source(text)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_fetched_can_be_loaded(hub: Hub) -> None:
    folder = fetch(source(), Options())
    assert folder.parts[-2:] == ("snapshots", COMMIT)
    assert find_snapshot(REPO, None) == folder
    assert names(folder) == set(hub.repos[REPO])
    for name, data in hub.repos[REPO].items():
        assert (folder / name).read_bytes() == data
    found = Checkpoint.open(source(), Options())
    assert (found.path, found.missing) == (folder, ())
    assert found.source.engine_name == f"diffusers:{REPO}"


def test_it_is_found_where_the_hub_s_own_library_looks(hub: Hub) -> None:
    folder = fetch(source(), Options())
    library = require("huggingface_hub")
    assert library.snapshot_download(REPO, local_files_only=True) == str(folder)


def test_only_what_is_loaded_is_fetched(hub: Hub) -> None:
    more = {
        "safety_checker/model.safetensors": weights({"a": (100,)}),
        "unet/diffusion_pytorch_model.bin": bytes(500),
        "unet/diffusion_pytorch_model.fp16.safetensors": weights({"a": (101,)}),
        "sd-v1-5-inpainting.ckpt": bytes(400),
        "sd-v1-5-inpainting.safetensors": weights({"a": (102,)}),
        "unet/flax_model.msgpack": b"x",
        "unet/modeling.py": b"print()",
        "run.py": b"print()",
        "pictures/example.json": b"{}",
    }
    hub.repos[REPO] |= more
    folder = fetch(source(), Options())
    assert names(folder) == set(sd_files())
    folder = fetch(source(), Options(variant="fp16", remote_code=True))
    both = {"unet/diffusion_pytorch_model.fp16.safetensors", "unet/modeling.py", "run.py"}
    assert names(folder) == set(sd_files()) | both


def test_a_variant_that_is_not_there_is_not_fetched_otherwise(hub: Hub) -> None:
    with pytest.raises(EngineUnusable, match=r"has no variant fp16 of its weights; say none$"):
        fetch(source(), Options(variant="fp16"))
    assert find_snapshot(REPO, None) is None
    hub.repos[REPO]["unet/diffusion_pytorch_model.fp16.safetensors"] = hub.repos[REPO].pop(UNET)
    with pytest.raises(EngineUnusable, match=r"; say fp16, or none$"):
        fetch(source(), Options(variant="bf16"))
    assert names(fetch(source(), Options(variant="fp16"))) == set(hub.repos[REPO])


def test_without_weights_a_single_file_has_all_it_needs(hub: Hub) -> None:
    folder = fetch(source(), Options(), weights=False)
    assert not [name for name in names(folder) if name.endswith(".safetensors")]
    assert "tokenizer/merges.txt" in names(folder)
    assert find_snapshot(REPO, None) == folder


def test_one_file_is_fetched_alone(hub: Hub, tmp_path: Path) -> None:
    hub.repos[REPO]["lora/one.safetensors"] = weights({"a": (60,)})
    path = fetch(source(f"{REPO}/lora/one.safetensors"), Options())
    assert path.read_bytes() == hub.repos[REPO]["lora/one.safetensors"]
    assert names(path.parents[1]) == {"README.md", "lora/one.safetensors"}


def test_steps_tell_the_megabytes(hub: Hub) -> None:
    big = bytearray(5_000_000)
    big[:200] = weights({"a": (50,)})[:200]
    hub.repos[REPO][UNET] = bytes(big)
    told: list[Step] = []
    fetch(source(), Options(), on_step=told.append)
    assert {(step.stage, step.total) for step in told} == {("fetch MB", 6)}
    done = [step.done for step in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 6)
    assert len(done) > 3


def asked_for(hub: Hub, name: str) -> list[str]:
    """The ranges that were asked for of a file's content."""
    return [range for method, path, range in hub.asked if method == "GET" and path.endswith(name)]


def test_a_line_that_breaks_is_taken_up_again(hub: Hub) -> None:
    hub.repos[REPO] = {**sd_files(), UNET: weights({"a": (2000,)})}
    hub.cut_after, hub.cuts = 100, 4
    told: list[Step] = []
    folder = fetch(source(), Options(), on_step=told.append)
    assert (folder / UNET).read_bytes() == hub.repos[REPO][UNET]
    assert told[-1].done == told[-1].total


def test_what_was_cut_off_goes_on_where_it_ended(hub: Hub) -> None:
    hub.repos[REPO] = {**sd_files(), UNET: weights({"a": (2000,)})}
    hub.cut_after, hub.cuts = 300, 1000
    with pytest.raises(EngineFailed, match="fetch it again"):
        fetch(source(), Options())
    assert find_snapshot(REPO, None) is None  # what is not whole is not used
    hub.cuts = 0
    hub.asked.clear()
    folder = fetch(source(), Options())
    assert {name: (folder / name).read_bytes() for name in names(folder)} == hub.repos[REPO]
    assert any(range.startswith("bytes=") and range != "bytes=0-" for _, _, range in hub.asked)


def test_who_comes_second_waits_for_the_first(hub: Hub) -> None:
    hub.repos[REPO][UNET] = weights({"a": (2_000_000,)})
    begun = threading.Event()

    def tell(step: Step) -> None:
        if step.done > 1:
            begun.set()
            time.sleep(0.02)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(fetch, source(), Options(), on_step=tell)
        assert begun.wait(30)
        second = pool.submit(fetch, source(), Options())
        assert first.result() == second.result()
    assert (first.result() / UNET).read_bytes() == hub.repos[REPO][UNET]
    assert len(asked_for(hub, UNET)) == 1


def test_a_server_that_knows_no_ranges_sends_it_all_again(hub: Hub) -> None:
    hub.cut_after, hub.cuts = 100, 1000
    with pytest.raises(EngineFailed):
        fetch(source(), Options())
    hub.ranges, hub.cuts = False, 0
    folder = fetch(source(), Options())
    assert {name: (folder / name).read_bytes() for name in names(folder)} == hub.repos[REPO]


def test_who_stops_it_can_go_on(hub: Hub) -> None:
    class Stopped(Exception):
        pass

    def stop(step: Step) -> None:
        if step.done > 1:
            raise Stopped

    hub.repos[REPO][UNET] = weights({"a": (2_000_000,)})
    with pytest.raises(Stopped):
        fetch(source(), Options(), on_step=stop)
    hub.asked.clear()
    folder = fetch(source(), Options())
    (asked,) = asked_for(hub, UNET)
    assert int(asked.removeprefix("bytes=").rstrip("-")) >= 1_000_000
    assert hashlib.sha256((folder / UNET).read_bytes()).digest() == (
        hashlib.sha256(hub.repos[REPO][UNET]).digest()
    )


def test_what_is_there_is_not_fetched_again(hub: Hub) -> None:
    fetch(source(), Options())
    hub.asked.clear()
    fetch(source(), Options())
    assert asked_for(hub, ".safetensors") == []


def test_what_came_damaged_is_thrown_away(hub: Hub) -> None:
    hub.damage = True
    with pytest.raises(EngineFailed, match="came damaged on its way; fetch it again"):
        fetch(source(), Options())
    hub.damage = False
    assert names(fetch(source(), Options())) == set(sd_files())


def test_a_revision_is_pinned(hub: Hub) -> None:
    with pytest.raises(CheckpointMissing, match=f"{REPO} has no revision v2"):
        fetch(source(f"{REPO}@v2"), Options())
    hub.revisions["v2"] = COMMIT
    folder = fetch(source(f"{REPO}@v2"), Options())
    assert find_snapshot(REPO, "v2") == find_snapshot(REPO, COMMIT) == folder
    assert find_snapshot(REPO, None) is None
    assert fetch(source(f"{REPO}@{COMMIT}"), Options()) == folder


def test_its_configuration_comes_by_itself_where_that_is_allowed(hub: Hub) -> None:
    options = Options(download=True)
    found = Checkpoint.open(source(), options)
    assert found.family.name == "sd"
    assert "unet: weights" in found.missing
    told: list[Step] = []
    assert found.whole(options, told.append).missing == ()
    assert told


def test_a_single_file_s_configuration_comes_by_itself_too(hub: Hub, tmp_path: Path) -> None:
    net = "model.diffusion_model.input_blocks.0.0.weight"
    parts = {"first_stage_model.a": (1,), "cond_stage_model.a": (1,)}
    file = tmp_path / "mine.safetensors"
    file.write_bytes(weights({net: (8, 9, 3, 3), **parts}))
    options = Options(download=True, config=REPO)
    found = Checkpoint.open(read_source(str(file)), options)
    assert found.config is None
    assert found.whole(options).config == find_snapshot(REPO, None)


def test_the_prior_of_a_decoder_comes_along(hub: Hub) -> None:
    card = b"---\nlicense: mit\nprior:\n- org/prior\n---\n"
    index: Any = {**SD_INDEX, "_class_name": "KandinskyV22InpaintPipeline"}
    hub.repos[REPO] = {**sd_files(index), "README.md": card}
    hub.repos["org/prior"] = sd_files()
    fetch(source(), Options())
    assert find_snapshot("org/prior", None) is not None
    assert Checkpoint.open(source(), Options()).missing == ()


def test_a_repository_that_names_itself_is_fetched_once(hub: Hub) -> None:
    hub.repos[REPO]["README.md"] = f"---\nprior: {REPO}\n---\n".encode()
    assert names(fetch(source(), Options())) == set(hub.repos[REPO])


# What cannot be fetched.


def refused(text: str = REPO, **options: Any) -> str:
    with pytest.raises(EngineFailed) as caught:
        fetch(source(text), Options(**options))
    return str(caught.value)


def test_a_repository_that_the_hub_has_not(hub: Hub) -> None:
    said = "the hub has no org/nothing, or only for who has logged in: `hf auth login`"
    assert refused("org/nothing") == said


def test_a_repository_that_wants_its_licence_agreed_to(hub: Hub) -> None:
    hub.gated.add(REPO)
    assert refused() == (
        f"{REPO} is given only to who has agreed to its licence: do so at {hub.url}/{REPO}, then "
        "`hf auth login`"
    )


def test_a_file_that_it_has_not(hub: Hub) -> None:
    assert refused(f"{REPO}/no.safetensors") == f"{REPO} has no file no.safetensors"


def test_a_repository_without_an_index_names_its_single_files(hub: Hub) -> None:
    hub.repos[REPO] = {"one.safetensors": b"", "a/two.safetensors": b"", "x.ckpt": b""}
    assert refused() == (
        f"{REPO} has no model_index.json, so it is no folder to load; it has single files: "
        f"{REPO}/one.safetensors"
    )


def test_pickles_are_fetched_only_when_told_to(hub: Hub) -> None:
    pickled = "unet/diffusion_pytorch_model.bin"
    hub.repos[REPO][pickled] = hub.repos[REPO].pop(UNET)
    pickle = "it can run any code when it is loaded; if you trust it, say --pickle"
    assert refused() == f"{REPO} has its unet only as a pickle; {pickle}"
    assert pickled in names(fetch(source(), Options(pickle=True)))
    hub.repos[REPO]["a.ckpt"] = b"x"
    assert refused(f"{REPO}/a.ckpt") == f"a.ckpt is no .safetensors file; {pickle}"
    assert fetch(source(f"{REPO}/a.ckpt"), Options(pickle=True)).read_bytes() == b"x"


def test_code_is_fetched_only_when_told_to(hub: Hub) -> None:
    hub.repos[REPO] = sd_files({**SD_INDEX, "_class_name": ["pipeline", "Mine"]})
    hub.repos[REPO]["pipeline.py"] = b"print()"
    assert refused() == f"{REPO} runs code of its own; if you trust it, say --remote-code"
    assert "pipeline.py" in names(fetch(source(), Options(remote_code=True)))


def test_code_of_a_part_is_asked_about_before_anything_large_comes(hub: Hub) -> None:
    hub.repos[REPO] = sd_files({**SD_INDEX, "unet": ["mine", "Net"]})
    hub.repos[REPO]["unet/mine.py"] = b"print()"
    assert refused() == f"{REPO} runs code of its own; if you trust it, say --remote-code"
    assert asked_for(hub, ".safetensors") == []
    assert "unet/mine.py" in names(fetch(source(), Options(remote_code=True)))


def test_a_part_without_weights(hub: Hub) -> None:
    del hub.repos[REPO][UNET]
    assert refused() == f"{REPO} has no weights of its unet"


@pytest.mark.parametrize("index", [b"{", b"[]", b"{}"])
def test_an_index_that_is_none(hub: Hub, index: bytes) -> None:
    hub.repos[REPO]["model_index.json"] = index
    assert refused().startswith(f"{REPO} could not be read: ")


def test_a_full_disk_is_told_before_anything_is_fetched(hub: Hub) -> None:
    hub.sizes[UNET] = 10**18
    said = refused()
    assert said.startswith(f"{REPO} needs 1000000000.0 GB in ")
    assert said.endswith(" GB are free; set HF_HOME to a folder with more space")
    assert asked_for(hub, ".safetensors") == []


def test_a_hub_that_cannot_be_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CONSTANTS.format("ENDPOINT"), "http://127.0.0.1:9")
    assert refused().startswith(f"{REPO} could not be fetched from http://127.0.0.1:9: ")


def test_offline_is_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CONSTANTS.format("HF_HUB_OFFLINE"), True)
    require("huggingface_hub").close_session()
    assert refused() == f"{REPO} cannot be fetched: HF_HUB_OFFLINE is set"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overpaint.engines.diffusers.hub.find_spec", lambda name: None)
    assert refused() == (
        'checkpoints of the hub need another package: pip install "overpaint[diffusers]"'
    )
    assert find_snapshot(REPO, None) is None
