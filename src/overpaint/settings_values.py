"""How the values of settings are read: from text, as variables have it, or from a TOML file."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from overpaint.errors import InvalidOption
from overpaint.settings_table import PREFIX, SETTINGS, Setting
from overpaint.storage.opening import normal_place

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_CHOICES = {
    "result_urls": ("service", "bucket"),
    "log_format": ("", "text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
    "dispatch": ("local", "ray"),
}


def read_value(name: str, value: object, kind: str) -> object:
    """Turn what came, text mostly, into the setting's type within its limits.

    Args:
        name: as in the file, `port`.
        value: text, or what TOML has.
        kind: of a number, "int", "float" or "bool".

    Raises:
        InvalidOption: it is not allowed.
    """
    setting = next(one for one in SETTINGS if one.name == PREFIX + name.upper())
    if name == "models":
        return read_models(value)
    if name == "diffusers" and isinstance(value, Mapping):
        return _query(value)
    if setting.limits is not None:
        return _number(name, value, setting, kind)
    if not isinstance(value, str | Path):
        raise InvalidOption(name, f"must be text ({setting.unit})", repr(value))
    text = str(value).strip()
    if name in ("host", "data_dir") and not text:
        raise InvalidOption(name, f"must not be empty ({setting.unit})")
    if name == "data_dir":
        return _folder(name, text)
    if name == "blobs" and text:
        return normal_place(text) or str(_folder(name, text))
    allowed = _CHOICES.get(name)
    if allowed and text not in allowed:
        raise InvalidOption(name, f"must be {setting.unit}", repr(text))
    if name == "node" and not _NODE.fullmatch(text):
        limit = "must be 1 to 63 letters, digits, dots, dashes and underscores, no sign first"
        raise InvalidOption(name, limit, repr(text))
    if name == "database_url" and text:
        return _database(text)
    if name == "time_zone" and text:
        _check_zone(text)
    return read_url(name, text) if name in ("public_url", "blobs_public_url") else text


def host_name() -> str:
    """The host's name as that of a node."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()).lstrip("._-")[:63] or "node"


def _folder(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError, ValueError) as error:  # no home, no current folder, a NUL
        raise InvalidOption(name, f"must be a folder ({error})", repr(text)) from error


def _database(url: str) -> str:
    from overpaint.tasks.database import read_url as read

    try:
        read(url)
    except ValueError as error:  # which has no password in it, as the URL may
        raise InvalidOption("database_url", str(error)) from None
    return url


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        limit = "must be a time zone that this system knows, like Asia/Shanghai"
        raise InvalidOption("time_zone", limit, repr(name)) from error


def _number(name: str, value: object, setting: Setting, kind: str) -> float | bool:
    """Read a number: whole, any, or 0 and 1 for no and yes."""
    low, high = setting.limits or (0, 0)
    text = str(value).strip().lower()
    number = math.nan
    if kind == "bool":
        number = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}.get(text, math.nan)
    elif not isinstance(value, bool):
        with suppress(ValueError):
            number = int(text, 10) if kind == "int" else float(text)
    if not low <= number <= high:  # not true of nan either
        article = "a number" if kind == "float" else "a whole number"
        limit = f"must be {article} between {low:.12g} and {high:.12g} ({setting.unit})"
        raise InvalidOption(name, limit, repr(value))
    return bool(number) if kind == "bool" else number


def read_models(value: object) -> Mapping[str, str]:
    """Read "MODEL=ENGINE,..." or a table of them."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        value = {model.strip(): engine.strip() for model, _, engine in pairs}
    if not isinstance(value, Mapping) or not value:
        raise InvalidOption("models", "must be MODEL=ENGINE, commas between", repr(value))
    for model, engine in value.items():
        if not model or not isinstance(engine, str) or not engine.strip():
            raise InvalidOption("models", "must name an engine for each model", repr(model))
        if "," in model or "=" in model:
            limit = "must name models without a comma and an equals sign"
            raise InvalidOption("models", limit, repr(model))
    # As a child process reads it: a comma, of a path for example, has to be escaped there.
    return MappingProxyType(
        {model: engine.strip().replace(",", "%2C") for model, engine in value.items()}
    )


def _query(table: Mapping[str, object]) -> str:
    """Write a table of the file as the environment variable has it: "device=cuda:0&batch=8"."""
    pairs = []
    for name, value in table.items():
        for one in value if isinstance(value, list) else (value,):
            if not isinstance(one, str | int | float):
                limit = f"{name} must be text, a number, true or false, or a list of them"
                raise InvalidOption("diffusers", limit, repr(one))
            text = str(int(one) if isinstance(one, bool) else one)
            pairs.append(f"{quote(name)}={quote(text, safe='/:@')}")
    return "&".join(pairs)


def read_url(name: str, text: str) -> str:
    """Check an address of the web; without a slash at its end."""
    if text and not text.startswith(("http://", "https://")):
        raise InvalidOption(name, "must begin with http:// or https://", repr(text))
    return text.rstrip("/")
