"""The npm packages that the concept library is made of: pinned, fetched, checked, opened.

A tarball that is not in the cache folder is fetched with `npm pack`; one whose SHA-512 is not the
pinned one is refused, so the same script always reads the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Package:
    """One npm package at one version."""

    name: str
    version: str
    sha512: str  # base64, what the registry calls `dist.integrity`

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the tarball."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A set of pictures in one hand and one manner of drawing."""

    id: str  # what exemplar keys end with
    drawing: str  # a Drawing of overpaint.concepts.concept
    package: Package
    title: str
    author: str
    licence: str  # SPDX
    url: str


def _iconify(name: str, version: str, sha512: str) -> Package:
    return Package(name=f"@iconify-json/{name}", version=version, sha512=sha512)


#: Names and keywords. Unicode's annotations and Emojibase's labels, groups and order.
EMOJIBASE = Package(
    name="emojibase-data",
    version="17.0.0",
    sha512="Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
)
CLDR = Package(
    name="cldr-annotations-full",
    version="48.2.0",
    sha512="DV7A+rEcgUSNTRsVGNGqBZRmAkGfwhGHO5Q1dRwzBoBnVrHWp804JP7/QJdEc66iHmx3+zLWVIMCFLm0lW7PUQ==",
)

#: Pictures, in the order in which a concept lists its exemplars.
SOURCES = (
    Source(
        id="fluent-3d",
        drawing="3d",
        package=Package(
            name="@lobehub/fluent-emoji-3d",
            version="1.1.0",
            sha512="Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
        ),
        title="Fluent Emoji, rendered",
        author="Microsoft Corporation; packaged by LobeHub",
        licence="MIT",
        url="https://github.com/microsoft/fluentui-emoji",
    ),
    Source(
        id="noto",
        drawing="shaded",
        package=_iconify(
            "noto",
            "1.2.9",
            "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
        ),
        title="Noto Emoji",
        author="Google Inc",
        licence="Apache-2.0",
        url="https://github.com/googlefonts/noto-emoji",
    ),
    Source(
        id="noto-v1",
        drawing="flat",
        package=_iconify(
            "noto-v1",
            "1.2.5",
            "/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA==",
        ),
        title="Noto Emoji (v1)",
        author="Google Inc",
        licence="Apache-2.0",
        url="https://github.com/googlefonts/noto-emoji",
    ),
    Source(
        id="fluent-flat",
        drawing="flat",
        package=_iconify(
            "fluent-emoji-flat",
            "1.2.6",
            "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
        ),
        title="Fluent Emoji Flat",
        author="Microsoft Corporation",
        licence="MIT",
        url="https://github.com/microsoft/fluentui-emoji",
    ),
    Source(
        id="twemoji",
        drawing="flat",
        package=_iconify(
            "twemoji",
            "1.2.5",
            "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
        ),
        title="Twemoji",
        author="Twitter and the Twemoji contributors",
        licence="CC-BY-4.0",
        url="https://github.com/jdecked/twemoji",
    ),
    Source(
        id="emojione",
        drawing="flat",
        package=_iconify(
            "emojione",
            "1.2.3",
            "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==",
        ),
        title="Emoji One 2.3 (EmojiTwo)",
        author="Ranks.com Inc and the EmojiTwo contributors",
        licence="CC-BY-4.0",
        url="https://github.com/EmojiTwo/emojitwo",
    ),
    Source(
        id="fxemoji",
        drawing="flat",
        package=_iconify(
            "fxemoji",
            "1.2.2",
            "UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ==",
        ),
        title="Firefox OS Emoji",
        author="Mozilla Foundation",
        licence="CC-BY-4.0",  # of the drawings; the package names that of the code
        url="https://github.com/mozilla/fxemoji",
    ),
    Source(
        id="icon-park",
        drawing="outline",
        package=_iconify(
            "icon-park",
            "1.2.4",
            "S8fVl49LG/M9hvwb7ruFGInK21AHMv3IJehOJRJgXPLE39OOCP3wbfTWjro/XzsjxRwdvX/lYdGetFOZI0TaJQ==",
        ),
        title="IconPark",
        author="Beijing ByteDance Technology Co., Ltd",
        licence="Apache-2.0",
        url="https://github.com/bytedance/IconPark",
    ),
)


class Packages:
    """The tarballs of a cache folder; fetches what is missing."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def tarball(self, package: Package) -> Path:
        """Path of the checked tarball; raises SystemExit if its bytes are not the pinned ones."""
        path = self.cache / package.file_name
        if not path.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
                cwd=self.cache,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        found = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        if found != package.sha512:
            raise SystemExit(f"{path}: SHA-512 is {found}, pinned is {package.sha512}")
        return path

    def files(self, package: Package, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Names (without `package/`) and bytes of the files that are wanted."""
        with tarfile.open(self.tarball(package)) as tar:
            for member in tar:
                name = member.name.removeprefix("package/")
                handle = tar.extractfile(member) if wanted(name) else None
                if handle is not None:
                    yield name, handle.read()

    def json(self, package: Package, *names: str) -> list[Any]:
        """The parsed JSON files of these names, in the order asked."""
        found = {name: json.loads(data) for name, data in self.files(package, names.__contains__)}
        return [found[name] for name in names]
