"""What a checkpoint's README.md says in its header: the licence, and what else it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Card:
    """The header of a model card."""

    licence: str = ""  # "" where none is told
    link: str = ""
    connected: tuple[str, ...] = ()  # ids of checkpoints that this one cannot do without

    @property
    def told(self) -> str:
        """The licence and, where one is told, its address; a link into the folder is none."""
        linked = self.link.startswith("https://")
        return f"{self.licence} ({self.link})" if self.licence and linked else self.licence


def read_card(folder: Path) -> Card:
    """Read README.md of a checkpoint's folder; without one the name of its licence's file."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    header = re.match(r"\s*---\s*\n(.*?)\n---", text, re.DOTALL)
    said = _fields(header[1]) if header else {}
    licence = " ".join(said.get("license_name") or said.get("license") or ())
    link = " ".join(said.get("license_link", ()))
    if not licence or licence == "other":
        files = sorted(path.name for path in folder.glob("LICEN[CS]E*") if path.is_file())
        licence = f"see {files[0]}" if files else licence
    return Card(licence=licence, link=link, connected=tuple(said.get("prior", ())))


def _fields(header: str) -> dict[str, list[str]]:
    """The top-level fields of simple YAML, each with its values; what is nested is left out."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in header.splitlines():
        field = re.match(r"([A-Za-z_]+)\s*:\s*(.*)", line)
        item = re.match(r"\s*-\s+(.*)", line)
        if field:
            name = field[1]
            fields[name] = [field[2]] if field[2].strip() else []
        elif item and name:
            fields[name].append(item[1])
    return {
        name: [clean for value in values for clean in (_clean(value),) if clean]
        for name, values in fields.items()
    }


def _clean(value: str) -> str:
    text = re.sub(r"\s+#.*", "", value).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text.strip()
