from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

import pytest

from overpaint import settings
from overpaint.errors import InvalidOption, OperationFailed
from overpaint.settings_table import SETTINGS

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_that_the_caller_names_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OVERPAINT_HOME", str(tmp_path / "mine"))
    assert settings.home() == tmp_path / "mine"
    assert settings.own_concepts() == tmp_path / "mine/concepts"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OVERPAINT_HOME", "here")
    assert settings.home() == tmp_path / "here"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("chosen", [None, " "])
def test_otherwise_the_system_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, chosen: str | None
) -> None:
    monkeypatch.delenv("OVERPAINT_HOME", raising=False)
    if chosen is not None:
        monkeypatch.setenv("OVERPAINT_HOME", chosen)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", system)
    usual = {
        "linux": tmp_path / ".local/share/overpaint",
        "darwin": tmp_path / "Library/Application Support/overpaint",
        "win32": tmp_path / "AppData/Local/overpaint",
    }
    assert settings.home() == usual[system]
    named = {"linux": "XDG_DATA_HOME", "win32": "LOCALAPPDATA"}.get(system)
    if named:
        monkeypatch.setenv(named, str(tmp_path / "data"))
        assert settings.home() == tmp_path / "data/overpaint"


def test_without_any_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("could not determine home directory")

    for name in ("OVERPAINT_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OperationFailed, match="there is no home folder; set OVERPAINT_HOME"):
        settings.home()


def test_every_setting_is_explained_and_no_other_variable_of_ours_is_read() -> None:
    guide = "".join(path.read_text("utf-8") for path in (ROOT / "docs/guide").glob("*.md"))
    names = {setting.name for setting in SETTINGS}
    for setting in SETTINGS:
        assert setting.name in guide
        assert setting.default
        assert setting.unit
        assert setting.help
    for path in (ROOT / "src/overpaint").rglob("*.py"):
        text = path.read_text("utf-8")
        assert set(re.findall(r"OVERPAINT_[A-Z_]+", text)) <= names, path
        assert path.name == "settings.py" or "os.environ" not in text, path


def test_the_guide_has_the_table_of_settings() -> None:
    page = (ROOT / "docs/guide/serving.md").read_text("utf-8")
    for one in SETTINGS:
        assert f"| `{one.name}` | {one.default} | {one.unit} | {one.help} |\n" in page


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting is in the environment but the home folder, which is the current one too."""
    for one in SETTINGS:
        monkeypatch.delenv(one.name, raising=False)
    for name in ("DASHSCOPE_HTTP_BASE_URL", "DASHSCOPE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OVERPAINT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_are_those_of_the_table(bare: Path) -> None:
    found = settings.load()
    assert found.data_dir == bare / "server"
    assert found.database_url == f"sqlite:///{bare}/server/overpaint.db"
    assert found.blobs_dir == bare / "server/blobs"
    assert found.models["wanx-x-painting"] == "auto"
    assert found.workers >= 1
    in_words = {"data_dir", "node", "database_url", "public_url", "workers", "diffusers", "policy"}
    in_words |= {"time_zone", "log_format", "blobs", "blobs_public_url"}
    in_words |= {"diffusers", "slots"}
    told = {one.name.removeprefix("OVERPAINT_").lower(): one.default for one in SETTINGS}
    said = {name: told[name] for name in vars(found).keys() - in_words}
    assert settings.load(None, **said) == found


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bare / "overpaint.toml"
    file.write_text('host = "::1"\nport = 1\nworkers = 1\nretention_hours = 0.5\n')
    monkeypatch.setenv("OVERPAINT_PORT", "2")
    monkeypatch.setenv("OVERPAINT_WORKERS", "2")
    monkeypatch.setenv("OVERPAINT_HOST", " ")  # empty: as if it were not there
    found = settings.load(file, workers=0, port=None)
    assert (found.host, found.port, found.workers) == ("::1", 2, 0)
    assert found.retention_hours == 0.5


def test_numbers_have_the_type_of_their_setting(bare: Path) -> None:
    found = settings.load(port="0", workers=1, lease_seconds="2", fetch_allow_private=1)
    assert [type(found.port), type(found.workers), type(found.lease_seconds)] == [int, int, float]
    assert found.fetch_allow_private is True
    for said, meant in (("yes", True), ("TRUE", True), ("0", False), ("no", False), (True, True)):
        assert settings.load(fetch_allow_private=said).fetch_allow_private is meant


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("gpu-3.lan", "gpu-3.lan"),
        ("岛", "node"),
        ("_x y", "x-y"),
        ("", "node"),
        ("h" * 70, "h" * 63),
    ],
)
def test_a_node_is_called_as_its_host_unless_another_name_is_given(
    bare: Path, monkeypatch: pytest.MonkeyPatch, host: str, name: str
) -> None:
    monkeypatch.setattr(platform, "node", lambda: host)
    assert settings.load().node == name
    assert settings.load(node="first").node == "first"


def test_a_database_elsewhere_is_named_and_its_password_is_not_shown(bare: Path) -> None:
    url = "postgresql://me:a-word@host/db"
    found = settings.load(database_url=url)
    assert found.database_url == found.environment()["OVERPAINT_DATABASE_URL"] == url
    assert found.database_file is None
    assert "a-word" not in repr(found)
    assert settings.load().database_file == bare / "server/overpaint.db"
    assert settings.load(database_url="sqlite:////srv/x.db").database_file == Path("/srv/x.db")
    with pytest.raises(InvalidOption) as raised:
        settings.load(database_url="mysql://me:a-word@host/db")
    assert "a-word" not in str(raised.value)


def test_models_are_a_table_in_the_file_and_pairs_elsewhere(bare: Path) -> None:
    file = bare / "overpaint.toml"
    file.write_text('[models]\nmine = "erase"\n"wanx2.1-imageedit" = "auto"\n')
    assert settings.load(file).models == {"mine": "erase", "wanx2.1-imageedit": "auto"}
    assert settings.load(models=" a = auto , b=erase,").models == {"a": "auto", "b": "erase"}


def test_a_model_may_be_a_checkpoint_with_options(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = "diffusers:/models/x?steps=8&lora=a:0.8&lora=b:1"
    assert settings.load(models=f"photo={photo},b=erase").models == {"photo": photo, "b": "erase"}
    file = bare / "overpaint.toml"
    file.write_text(f'[models]\nphoto = "{photo}"\ncomma = " diffusers:/models/a,b=c?steps=8 "\n')
    found = settings.load(file)
    # A comma is written as a child process has to read it, so that both have the same name.
    assert found.models == {"photo": photo, "comma": "diffusers:/models/a%2Cb=c?steps=8"}
    monkeypatch.setenv("OVERPAINT_MODELS", found.environment()["OVERPAINT_MODELS"])
    assert settings.load().models == found.models


def test_engines_of_the_process_that_serves_have_the_file_s_options_of_checkpoints(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "")
    settings.adopt(settings.load())
    assert settings.diffusers() == ""
    settings.adopt(settings.load(diffusers="device=cpu&batch=2"))
    assert settings.diffusers() == "device=cpu&batch=2"


def test_a_child_process_reads_the_settings_that_its_parent_has(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings.load(
        port=0,
        workers=1,
        models="a=auto,b=erase",
        retention_hours=0.25,
        fetch_allow_private=True,
        time_zone="Asia/Shanghai",
        public_url="https://overpaint.example.com/",
        data_dir="here",
    )
    assert given.public_url == "https://overpaint.example.com"
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    assert settings.load() == given


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "http", "port: must be a whole number between 0 and 65535 (TCP port), got 'http'"),
        ("port", 65536, "port: must be a whole number between 0 and 65535 (TCP port), got 65536"),
        ("port", 1.5, "port: must be a whole number between 0 and 65535 (TCP port), got 1.5"),
        ("port", True, "port: must be a whole number between 0 and 65535 (TCP port), got True"),
        (
            "workers",
            "-1",
            "workers: must be a whole number between 0 and 256 (processes), got '-1'",
        ),
        (
            "retention_hours",
            "nan",
            "retention_hours: must be a number between 0.001 and 87600 (hours), got 'nan'",
        ),
        (
            "fetch_allow_private",
            "maybe",
            "fetch_allow_private: must be a whole number between 0 and 1 (0 or 1), got 'maybe'",
        ),
        ("host", "", "host: must not be empty (address)"),
        ("host", 5, "host: must be text (address), got 5"),
        ("data_dir", " ", "data_dir: must not be empty (folder)"),
        ("data_dir", "~nobody-here/x", "data_dir: must be a folder (Could not determine home"),
        ("log_format", "xml", "log_format: must be text or json, got 'xml'"),
        ("log_level", "loud", "log_level: must be debug, info, warning or error, got 'loud'"),
        ("node", "a/b", "node: must be 1 to 63 letters, digits, dots, dashes and underscores, no"),
        ("node", "-a", "node: must be 1 to 63 letters"),
        ("node", "n" * 64, "node: must be 1 to 63 letters"),
        ("database_url", "mysql://me:pass@host/x", "database_url: must be postgresql://USER"),
        ("time_zone", "Mars/X", "time_zone: must be a time zone that this system knows, like"),
        ("time_zone", "../x", "time_zone: must be a time zone that this system knows, like"),
        ("public_url", "ftp://x", "public_url: must begin with http:// or https://, got 'ftp://x'"),
        ("models", "", "models: must be MODEL=ENGINE, commas between, got {}"),
        ("models", ["a"], "models: must be MODEL=ENGINE, commas between, got ['a']"),
        ("models", "a=auto,b", "models: must name an engine for each model, got 'b'"),
        ("models", {"a": 1}, "models: must name an engine for each model, got 'a'"),
        ("models", {"a": " "}, "models: must name an engine for each model, got 'a'"),
        (
            "models",
            {"a,b": "auto"},
            "models: must name models without a comma and an equals sign, got 'a,b'",
        ),
        ("models", {"a=b": "auto"}, "models: must name models without a comma and an equals sign"),
        ("prot", 1, "prot: must be one of host, port, data_dir, "),
    ],
)
def test_a_setting_that_could_not_be_meant_is_refused(
    bare: Path, name: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidOption) as raised:
        settings.load(None, **{name: value})
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1\n", "prot: {file}: must be one of host, port, data_dir, "),
        ("port = \n", "config: must be a TOML file (Invalid value"),
        ("[server]\nport = 1\n", "server: {file}: must be one of host"),
        ("port = true\n", "port: must be a whole number between 0 and 65535 (TCP port), got True"),
    ],
)
def test_a_mistake_in_the_file_is_told_by_name(bare: Path, text: str, message: str) -> None:
    file = bare / "overpaint.toml"
    file.write_text(text)
    with pytest.raises(InvalidOption) as raised:
        settings.load(file)
    assert str(raised.value).startswith(message.format(file=file))


def test_a_file_that_cannot_be_read_is_told(bare: Path) -> None:
    with pytest.raises(InvalidOption, match=r"^config: .* \(No such file .*none\.toml"):
        settings.load(bare / "none.toml")
    (bare / "latin.toml").write_bytes(b'host = "\xe9"\n')
    with pytest.raises(InvalidOption, match="config: must be a TOML file"):
        settings.load(bare / "latin.toml")


def test_client_commands_read_ours_before_the_sdks(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.client() == ("http://127.0.0.1:8000/api/v1", "")
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "http://theirs/api/v1")
    monkeypatch.setenv("DASHSCOPE_API_KEY", " theirs ")
    assert settings.client() == ("http://theirs/api/v1", "theirs")
    monkeypatch.setenv("OVERPAINT_BASE_URL", "http://ours/api/v1")
    monkeypatch.setenv("OVERPAINT_API_KEY", "ours")
    assert settings.client() == ("http://ours/api/v1", "ours")
    monkeypatch.setenv("OVERPAINT_BASE_URL", " ")  # empty: as if they were not there
    monkeypatch.setenv("OVERPAINT_API_KEY", " ")
    assert settings.client() == ("http://theirs/api/v1", "theirs")


def test_what_a_child_inherits_is_a_copy(bare: Path) -> None:
    settings.inherited()["OVERPAINT_PORT"] = "1"
    assert settings.load().port == 8000


def test_workers_are_for_the_cores_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7, 9}, raising=False)
    assert settings.load().workers == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert settings.load().workers == 32


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("s3://pictures", "s3://pictures"),
        ("s3://pictures/", "s3://pictures"),
        ("s3://my.pictures-2/over/paint/", "s3://my.pictures-2/over/paint"),
        ("shared/pictures", "{here}/shared/pictures"),
        ("/mnt/pictures", "/mnt/pictures"),
    ],
)
def test_pictures_are_in_a_folder_or_in_a_bucket(bare: Path, said: str, where: str) -> None:
    found = settings.load(blobs=said)
    assert str(found.blobs_at) == where.format(here=bare)
    assert settings.Settings(data_dir=bare, blobs=found.blobs).blobs_at == found.blobs_at
    assert found.environment()["OVERPAINT_BLOBS"] == found.blobs


@pytest.mark.parametrize("said", ["s3://", "s3://B_", "s3://ab", "s3://abc/../x", "gs://abc/x"])
def test_other_places_for_pictures_are_refused(bare: Path, said: str) -> None:
    with pytest.raises(InvalidOption, match="blobs: must be a folder, or s3://BUCKET"):
        settings.load(blobs=said)


def test_a_buckets_server_is_named_by_the_usual_variables(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, f"https://{name.rpartition('_')[2].lower()}.example/")
        found = settings.load(blobs="s3://abc")
        assert found.blobs_at.endpoint == f"https://{name.rpartition('_')[2].lower()}.example"
    assert str(found.blobs_at) == "s3://abc at https://s3.example"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "minio:9000")
    with pytest.raises(InvalidOption, match="AWS_ENDPOINT_URL_S3: must begin with http"):
        settings.load(blobs="s3://abc")
    assert settings.load(blobs="").blobs_dir == bare / "server/blobs"


def test_urls_of_the_bucket_need_one(bare: Path) -> None:
    with pytest.raises(InvalidOption, match="must be service where OVERPAINT_BLOBS is no bucket"):
        settings.load(result_urls="bucket")
    assert settings.load(result_urls="bucket", blobs="s3://abc").result_urls == "bucket"
    with pytest.raises(InvalidOption, match="result_urls: must be service or bucket"):
        settings.load(result_urls="both")
