"""Reads the settings; environment variables are read here and nowhere else.

What there is stands in `settings_table`. A setting of the service is taken from, first found first:
the command line, its environment variable, the configuration file (`overpaint serve --config
FILE`), the default. They are read when they are asked for, never at import.
"""

from __future__ import annotations

import math
import os
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overpaint.errors import InvalidOption, OperationFailed
from overpaint.settings_table import MODELS, PREFIX
from overpaint.settings_values import host_name, read_models, read_url, read_value
from overpaint.storage.opening import BlobsAt, is_bucket

#: The database's file in the data folder.
DATABASE = "overpaint.db"
_SQLITE = "sqlite:///"
#: Where Linux says how much time of processors a container may have, by its kinds of groups:
#: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
_CPU_LIMITS = (
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def cores() -> int:
    """Cores that this process may use, which may be fewer than the machine has.

    A container's limit counts too, rounded up: where it has two cores' time of a machine with 64,
    64 threads would use it up in a moment and stand still for the rest.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    have = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    for files in _CPU_LIMITS:
        with suppress(OSError, ValueError, ZeroDivisionError):  # not there; "max"; no numbers
            quota, period = " ".join(Path(file).read_text("ascii") for file in files).split()
            if int(quota) > 0:
                have = min(have, math.ceil(int(quota) / int(period)))
    return have


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the service, checked. The table `SETTINGS` says what each is."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path
    database_url: str = field(default="", repr=False)  # a password may be in it
    blobs: str = ""
    blobs_public_url: str = ""
    result_urls: str = "service"
    node: str = field(default_factory=host_name)
    public_url: str = ""
    workers: int = field(default_factory=lambda: max(1, cores() // 2))
    models: Mapping[str, str] = field(default_factory=lambda: read_models(MODELS))
    diffusers: str = ""
    retention_hours: float = 24
    upload_hours: float = 48
    upload_capacity_mb: int = 1000
    max_body_mb: int = 32
    max_pending: int = 10_000
    lease_seconds: float = 15
    task_seconds: float = 900
    drain_seconds: float = 0
    dispatch: str = "local"
    slots: str = ""
    fetch_seconds: float = 30
    fetch_redirects: int = 3
    fetch_allow_private: bool = False
    policy: str = ""
    time_zone: str = ""
    log_format: str = ""
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Have tasks, keys and uploads in the data folder where nothing else is said."""
        if not self.database_url:
            object.__setattr__(self, "database_url", f"{_SQLITE}{self.data_dir / DATABASE}")

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a child process."""
        said = {}
        for name in _FIELDS:
            value = getattr(self, name)
            if isinstance(value, Mapping):
                value = ",".join(f"{model}={engine}" for model, engine in value.items())
            said[PREFIX + name.upper()] = str(int(value) if isinstance(value, bool) else value)
        return said

    @property
    def database_file(self) -> Path | None:
        """The file of a database of SQLite; None where there is a server."""
        file = self.database_url.removeprefix(_SQLITE)
        return Path(file) if file != self.database_url else None

    @property
    def alive_ms(self) -> int:
        """How old a worker's last sign of life may be; where it is older, the worker is gone."""
        return int(max(3 * self.lease_seconds, 10) * 1000)

    @property
    def retention_ms(self) -> int:
        """How long an ended task and its pictures are kept."""
        return int(self.retention_hours * 3_600_000)

    @property
    def blobs_dir(self) -> Path:
        """Where pictures are kept, if not in a bucket."""
        return Path(self.blobs or self.data_dir / "blobs")

    @property
    def blobs_at(self) -> BlobsAt:
        """Where pictures are kept."""
        if not is_bucket(self.blobs):
            return BlobsAt(where=str(self.blobs_dir))
        return BlobsAt(where=self.blobs, endpoint=_endpoint(), public_url=self.blobs_public_url)


_FIELDS = tuple(Settings.__dataclass_fields__)


def load(config: Path | None = None, **given: object) -> Settings:
    """The settings of the service.

    Args:
        config: a TOML file with the settings' names in lower case, without the prefix
            (`port = 8000`); `models` and `diffusers` may be tables there.
        given: settings by name (`port=8000`) that go before all others; None is not given.

    Raises:
        InvalidOption: a setting is unknown or has a value that is not allowed.
        OperationFailed: the file cannot be read, or there is no home folder.
    """
    values: dict[str, object] = _read_file(config) if config is not None else {}
    for name in _FIELDS:
        variable = _variable(PREFIX + name.upper())
        if variable:
            values[name] = variable
        if given.get(name) is not None:
            values[name] = given[name]
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise InvalidOption(unknown[0], f"must be one of {', '.join(_FIELDS)}")
    checked: dict[str, Any] = {
        name: read_value(name, value, str(Settings.__dataclass_fields__[name].type))
        for name, value in values.items()
    }
    if "data_dir" not in checked:
        checked["data_dir"] = home() / "server"
    found = Settings(**checked)
    at = found.blobs_at  # which may be a bucket of a server that cannot be
    if found.result_urls == "bucket" and not at.in_bucket:
        raise InvalidOption("result_urls", "must be service where OVERPAINT_BLOBS is no bucket")
    return found


def _read_file(path: Path) -> dict[str, object]:
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        limit = f"must be a TOML file that can be read ({error.strerror or error})"
        raise InvalidOption("config", limit, path) from error
    except ValueError as error:  # not TOML, not UTF-8
        raise InvalidOption("config", f"must be a TOML file ({error})", path) from error
    unknown = sorted(set(values) - set(_FIELDS))
    if unknown:
        limit = f"{path}: must be one of {', '.join(_FIELDS)}"
        raise InvalidOption(unknown[0], limit)
    return values


def _endpoint() -> str:
    """The URL of the bucket's server; "" is AWS's own."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if _variable(name):
            return read_url(name, _variable(name))
    return ""


def diffusers() -> str:
    """The options of every checkpoint, as a query; `engines.diffusers.options` reads them."""
    return _variable("OVERPAINT_DIFFUSERS")


def ray_address() -> str:
    """Where the Ray cluster is, as Ray itself takes it; "auto" finds the one of this machine."""
    return _variable("RAY_ADDRESS") or "auto"


def client() -> tuple[str, str]:
    """The base URL and the key that the client commands take; the key may be empty."""
    url = _variable("OVERPAINT_BASE_URL") or _variable("DASHSCOPE_HTTP_BASE_URL")
    key = _variable("OVERPAINT_API_KEY") or _variable("DASHSCOPE_API_KEY")
    return url or "http://127.0.0.1:8000/api/v1", key


def home() -> Path:
    """The folder of the user's data; it need not exist yet.

    Raises `OperationFailed` where neither OVERPAINT_HOME nor the system tells one.
    """
    chosen = _variable("OVERPAINT_HOME")
    try:
        return Path(chosen).expanduser().absolute() if chosen else _data_home() / "overpaint"
    except (RuntimeError, OSError) as error:  # no home folder, no current folder
        raise OperationFailed("there is no home folder; set OVERPAINT_HOME to a folder") from error


def own_concepts() -> Path:
    """The folder of the user's own concepts; raises as `home`."""
    return home() / "concepts"


def adopt(found: Settings) -> None:
    """Let engines of this process know the options of checkpoints that a file has set."""
    if found.diffusers:
        os.environ[f"{PREFIX}DIFFUSERS"] = found.diffusers


def take_on(variables: Mapping[str, str]) -> None:
    """Have this process, and its children, go by these variables."""
    os.environ.update(variables)


def inherited() -> dict[str, str]:
    """The environment of this process, for a child to build on."""
    return dict(os.environ)


def listening_fd() -> int | None:
    """The open socket that systemd hands this process, by number; None where it hands none.

    The protocol: https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html
    """
    own = _variable("LISTEN_PID") == str(os.getpid())
    return 3 if own and _variable("LISTEN_FDS") not in ("", "0") else None


def _variable(name: str) -> str:
    """What an environment variable says; a blank one says nothing."""
    return os.environ.get(name, "").strip()


def _data_home() -> Path:
    """Where programs keep a user's data on this system."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return shared if shared.is_absolute() else Path.home() / ".local" / "share"  # XDG: absolute
