from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from overpaint import settings
from overpaint.engines.diffusers.options import (
    OPTIONS,
    SCHEDULER_FLAVOURS,
    Lora,
    Options,
    Scheduler,
    defaults,
    read_options,
    read_query,
)
from overpaint.errors import InvalidOption


def read(query: str, given: Options | None = None) -> Options:
    return read_options(read_query(query), given)


def test_every_option_of_the_table_is_a_field_and_the_other_way_round() -> None:
    assert [option.field for option in OPTIONS] == [
        field.name for field in dataclasses.fields(Options)
    ]


def test_the_defaults_are_those_of_the_table() -> None:
    in_words = ("the ", "none")
    said = "&".join(
        f"{one.name}={'' if one.default.startswith(in_words) else one.default}" for one in OPTIONS
    )
    assert read(said) == Options()


def test_every_option_can_be_said() -> None:
    assert read(
        "device=cuda:1&dtype=BFloat16&offload=group&attention=flash&compile=1&batch=64&wait_ms=2.5"
        "&steps=150&guidance=0&scheduler=lcm&lora=/a.safetensors&side=768&variant=fp16&config=o/n"
        "&prompt_cache=0&exact=1&download=1&pickle=1&remote_code=1&guidance_until=0.5"
        "&block_cache=0.1&fp8=1&tiling=1"
    ) == Options(
        device="cuda:1",
        dtype="bfloat16",
        offload="group",
        attention="flash",
        compile=True,
        batch=64,
        wait_ms=2.5,
        steps=150,
        guidance=0,
        scheduler=Scheduler(name="lcm"),
        loras=(Lora(where="/a.safetensors"),),
        side=768,
        variant="fp16",
        config="o/n",
        prompt_cache=0,
        exact=True,
        download=True,
        pickle=True,
        remote_code=True,
        guidance_until=0.5,
        block_cache=0.1,
        fp8=True,
        tiling=True,
    )


def test_what_is_not_said_is_what_was_given() -> None:
    given = Options(steps=8, loras=(Lora(where="a/b"),), compile=True)
    assert read("", given) == given
    assert read("steps=&lora=&compile=auto", given) == Options()


@pytest.mark.parametrize(
    ("text", "where", "weight"),
    [
        ("/a+b.safetensors:0.8", "/a+b.safetensors", 0.8),
        ("C:\\lora.safetensors", "C:\\lora.safetensors", 1.0),
        ("C:\\lora.safetensors:-1", "C:\\lora.safetensors", -1.0),
        ("org/name@v1:1e-1", "org/name@v1", 0.1),
        ("a%26b%3Ac:2", "a&b:c", 2.0),
    ],
)
def test_a_lora_has_a_weight(text: str, where: str, weight: float) -> None:
    assert read(f"lora={text}").loras == (Lora(where=where, weight=weight),)


def test_loras_add_up_in_their_order_and_replace_those_given() -> None:
    given = Options(loras=(Lora(where="x/y"),))
    options = read("lora=a/b:0.5&steps=4&lora=c/d", given)
    assert options.loras == (Lora(where="a/b", weight=0.5), Lora(where="c/d"))


def test_a_scheduler_has_flavours() -> None:
    scheduler = read("scheduler=DPMSolverMultistep:Karras:trailing").scheduler
    assert scheduler == Scheduler(name="DPMSolverMultistep", flavours=("karras", "trailing"))
    assert scheduler.config == {"use_karras_sigmas": True, "timestep_spacing": "trailing"}
    assert all(Scheduler(name="x", flavours=(one,)).config for one in SCHEDULER_FLAVOURS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("device=tpu", "device must be auto, cpu, cuda, cuda:N or mps, got 'tpu'"),
        ("dtype=int8", "dtype must be one of auto, float32, bfloat16, float16, got 'int8'"),
        ("offload=1", "offload must be one of auto, none, model, group, sequential, got '1'"),
        ("attention=Flash!", "attention must be auto, native or the name of a backend"),
        ("attention=flash_hub", "must not be downloaded code (*_hub) unless remote_code=1 is said"),
        ("compile=2", "compile must be one of auto, 0, 1, got '2'"),
        ("batch=0", "batch must be a whole number between 1 and 64, got '0'"),
        ("batch=1.5", "batch must be a whole number between 1 and 64, got '1.5'"),
        ("wait_ms=1001", "wait_ms must be a number between 0 and 1000, got '1001'"),
        ("wait_ms=", "wait_ms must be a number between 0 and 1000, got ''"),
        ("steps=151", "steps must be a whole number between 1 and 150, got '151'"),
        ("guidance=nan", "guidance must be a number between 0 and 100, got 'nan'"),
        ("scheduler=a b", "scheduler must be NAME[:FLAVOUR...], a flavour one of karras, "),
        ("scheduler=Euler:x", "scheduler must be NAME[:FLAVOUR...], a flavour one of karras, "),
        ("lora=a/b:11", "lora must be FILE_OR_ID[:WEIGHT], the weight a number between -10 and 10"),
        ("lora=a/b:x", "lora must be FILE_OR_ID[:WEIGHT]"),
        ("lora=:1", "lora must be FILE_OR_ID[:WEIGHT]"),
        ("side=63", "side must be a whole number between 64 and 2048, got '63'"),
        ("variant=a/b", "variant must be a name of letters, digits, dots, - and _, got 'a/b'"),
        ("prompt_cache=-1", "prompt_cache must be a whole number between 0 and 100000, got '-1'"),
        ("exact=yes", "exact must be 0 or 1, got 'yes'"),
        ("pickle=", "pickle must be 0 or 1, got ''"),
        ("guidance_until=2", "guidance_until must be a number between 0 and 1, got '2'"),
        ("step=1", "an option must be one of device, dtype, "),
        ("steps=1&steps=2", "steps may be said only once, got 2"),
        ("batch=2&steps", "an option must be written NAME=VALUE, got 'steps'"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(query: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        read(query)
    assert message in str(caught.value)
    assert caught.value.field == "engine"


def test_downloaded_attention_needs_leave() -> None:
    assert read("attention=flash_hub&remote_code=1").attention == "flash_hub"


def test_what_changes_pixels_is_told() -> None:
    assert Options().lossy == ()
    lossy = read("guidance_until=0.5&block_cache=0.1&fp8=1&tiling=1&attention=sage").lossy
    assert lossy == ("guidance_until=0.5", "block_cache=0.1", "fp8=1", "tiling=1", "attention=sage")
    labelled = {one.name for one in OPTIONS if one.changes_pixels}
    assert labelled == {told.partition("=")[0] for told in lossy} - {"attention"}


def test_every_option_says_what_it_is_for() -> None:
    for option in OPTIONS:
        assert option.help, option.name
        assert option.unit, option.name
        assert option.default, option.name


def test_the_setting_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OVERPAINT_DIFFUSERS", raising=False)
    assert defaults() == Options()
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "device=cuda:0&batch=8")
    assert defaults() == Options(device="cuda:0", batch=8)
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "batch=many")
    with pytest.raises(InvalidOption, match="diffusers: batch must be a whole number"):
        defaults()


def test_the_file_has_a_table_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OVERPAINT_DIFFUSERS", raising=False)
    file = tmp_path / "overpaint.toml"
    file.write_text(
        '[diffusers]\ndevice = "cuda:0"\nbatch = 8\nexact = true\nguidance = 1.5\n'
        'lora = ["/a&b+.safetensors:0.8", "o/n"]\n'
    )
    found = settings.load(file)
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    loras = (Lora(where="/a&b+.safetensors", weight=0.8), Lora(where="o/n"))
    wanted = Options(device="cuda:0", batch=8, exact=True, guidance=1.5, loras=loras)
    assert defaults() == wanted
    assert settings.load().diffusers == found.diffusers
    monkeypatch.delenv("OVERPAINT_DIFFUSERS")
    file.write_text("[diffusers]\nbatch = [{ a = 1 }]\n")
    with pytest.raises(InvalidOption, match="diffusers: batch must be text, a number, true or"):
        settings.load(file)
