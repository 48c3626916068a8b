"""What `overpaint submit` sends: the body of a task, and its local files uploaded before."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overpaint.errors import FileTooLarge, InvalidImage, InvalidOption
from overpaint.options import check_colors, check_size, check_style

if TYPE_CHECKING:
    from overpaint.cli.remote_client import Remote

#: How the API names the pictures.
FIELDS = {
    "base": "base_image_url",
    "mask": "mask_image_url",
    "reference": "reference_image_url",
    "sketch": "sketch_image_url",
}
#: What the API calls the formats that results may be asked for in.
OUTPUT_FORMATS = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp"}
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A task as the caller gave it, checked as far as this side can."""

    model: str
    prompt: str
    pictures: Mapping[str, str]  # "base", "mask", ...: a path or a URL
    negative_prompt: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)  # those that were given

    def send(self, server: Remote) -> dict[str, Any]:
        """Upload the local files, submit the task and return the server's answer."""
        addresses = _upload(server, self.model, self.pictures)
        inputs: dict[str, object] = {"prompt": self.prompt}
        if self.negative_prompt:
            inputs["negative_prompt"] = self.negative_prompt
        if "imageedit" in self.model:  # models of many functions are told which one
            inputs["function"] = "description_edit_with_mask"
        inputs |= {FIELDS[name]: address for name, address in addresses.items()}
        body = {"model": self.model, "input": inputs, "parameters": dict(self.parameters)}
        stored = any(address.startswith("oss://") for address in addresses.values())
        return server.create(body, resolve=stored)


def is_address(source: str) -> bool:
    """Whether the caller gave a URL rather than the path of a file."""
    return re.match(r"(https?|oss)://|data:", source, re.IGNORECASE) is not None


def size_parameter(size: str) -> str:
    """Check a size and write it as the API does: "1024*768", or "original"."""
    pair = None if size == "original" else check_size(size)
    return size if pair is None else f"{pair[0]}*{pair[1]}"


def style_parameter(style: str | None) -> str | None:
    """Check a style and write it as the API does: "<oil painting>"."""
    if style is None or re.fullmatch(r"<.+>", style):  # a server may know more than Overpaint
        return style
    return f"<{check_style(style)}>"


def color_parameter(colors: Sequence[str]) -> list[list[int]] | None:
    """Check mask colours and write them as the API does: [[255, 0, 0]]; None for none."""
    return [list(color) for color in check_colors(colors)] or None


def palette_parameter(palette: str | None) -> str | list[str] | None:
    """A palette's colours as given, or those of the picture that it names."""
    from overpaint.concepts.palette import names_a_file, read_palette

    if palette is None or not names_a_file(palette):
        return palette
    colors = read_palette(Path(palette)).colors
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colors]


def check_files(pictures: Mapping[str, str]) -> None:
    """Raise `InvalidInput` for a picture that is neither a URL nor a file that can be read."""
    for name, source in pictures.items():
        if is_address(source):
            continue
        try:
            with Path(source).open("rb") as file:
                empty = not file.read(1)
        except OSError as error:
            limit = f"must be a URL or a file that can be read ({error.strerror})"
            raise InvalidImage(name, limit, source) from error
        if empty:
            raise InvalidImage(name, "must not be an empty file", source)


def format_parameter(output: Path | None) -> str | None:
    """The format that OUT asks for; None for PNG, which is what comes unasked.

    Raises `InvalidOption` for one that the API does not make.
    """
    from overpaint.imaging.encode import format_of

    if output is None:
        return None
    if output.suffix.lower() not in _SUFFIXES:
        limit = f"must end in one of {', '.join(_SUFFIXES)}, as results of a server do"
        raise InvalidOption("output", limit, output.suffix or output)
    asked = format_of(output)
    return None if asked == "PNG" else OUTPUT_FORMATS[asked]


def _upload(server: Remote, model: str, pictures: Mapping[str, str]) -> dict[str, str]:
    """The address of each picture; local files are uploaded, one policy for all."""
    policy: dict[str, Any] = {}
    addresses = {}
    for name, source in pictures.items():
        if is_address(source):
            addresses[name] = source
            continue
        policy = policy or server.upload_policy(model)
        file = Path(source)
        most, size = policy.get("max_file_size_mb"), file.stat().st_size
        if str(most).isdigit() and size > int(str(most)) * 2**20:
            raise FileTooLarge(name, f"must be at most {most} MB", f"{size / 2**20:.1f} MB")
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        # Named by what it is: two files of one name do not collide, and URLs stay ASCII.
        suffix = file.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", file.suffix) else ""
        addresses[name] = server.upload(policy, f"{name}{suffix}", file, media_type)
    return addresses
