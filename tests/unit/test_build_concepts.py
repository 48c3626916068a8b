"""The script that builds the concept library: its choices and that it is reproducible."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from scripts import build_concepts, concept_archive
from scripts.concept_names import LEFT_OUT, Named, check_names, hexcode, slug
from scripts.concept_packages import CLDR, EMOJIBASE, SOURCES, Package, Packages
from scripts.concept_pictures import Drawn, document, line_drawing, measure, without_parts

from overpaint.concepts.concept import Drawing, Placement
from overpaint.concepts.library import BUILT_IN, FORMAT, RENDERED, ConceptLibrary

CACHE = build_concepts.ROOT / ".cache" / "npm"


def _named(concept_id: str = "cup") -> Named:
    return Named(
        id=concept_id,
        emoji=("2615",),
        unicode_names=(("hot beverage", "HOT BEVERAGE"),),
        words_en=("Cup", "cup", "mug"),
        words_zh=("杯子",),
        keywords_en=("drink",),
        keywords_zh=(),
        group="dishware",
        placement="stands",
        outline=(),
        without=(),
        bare={},
        mirrorable=True,
        lone=False,
    )


def _drawings() -> list[Drawn]:
    square = document('<path d="M0 0h8v8H0z"/>', (0, 0, 8, 8)).encode()
    return [Drawn(source=SOURCES[0], data=b"RIFF"), Drawn(source=SOURCES[1], data=square)]


def test_the_same_concepts_give_the_same_bytes_and_can_be_read_back(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        build_concepts.write(tmp_path / name, [(_named(), _drawings())])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    library = ConceptLibrary.open(tmp_path / "a.zip")
    cup = library.concepts["cup"]
    assert (cup.name_en, cup.words_en, cup.keywords_en) == ("Cup", ("cup", "mug"), ("drink",))
    assert [drawing for drawing, _ in cup.exemplars] == [s.drawing for s in SOURCES[:2]]
    assert library.exemplar(cup.exemplars[1][1], size=16).pixels[..., 3].min() == 255


def test_script_and_library_speak_of_the_same_things(tmp_path: Path) -> None:
    assert concept_archive.FORMAT == FORMAT
    assert {source.drawing for source in SOURCES} <= set(get_args(Drawing))
    assert {source.drawing in RENDERED for source in SOURCES if source.id == "fluent-3d"} == {True}
    placements = {concept.placement for concept in ConceptLibrary.open().concepts.values()}
    assert placements <= set(get_args(Placement))
    groups = {concept.group for concept in ConceptLibrary.open().concepts.values()}
    assert not groups & (LEFT_OUT - {"emotion", "time", "flag", "person-symbol"})


def test_a_tarball_with_other_bytes_is_refused(tmp_path: Path) -> None:
    package = Package(name="@some/thing", version="1.0.0", sha512="AAAA")
    (tmp_path / "some-thing-1.0.0.tgz").write_bytes(b"other")
    with pytest.raises(SystemExit, match=r"some-thing-1\.0\.0\.tgz: SHA-512 is .*, pinned is AAAA"):
        Packages(tmp_path).tarball(package)


def test_the_visible_box_is_tight_and_empty_pictures_are_found() -> None:
    svg = document('<path d="M10 20h30v10H10z"/>', (0, 0, 64, 64))
    assert measure(svg) == (10, 20, 30, 10)
    assert measure(document('<path d="M1 1h1v1H1z"/>', (0, 0, 64, 64))) is None


def test_icons_become_black_lines_on_white() -> None:
    icon = '<path fill="#2F88FF" stroke="#000"/><path stroke="#fff"/><path fill="#43CCF8"/>'
    lines = '<path fill="#fff" stroke="#000"/><path stroke="#000"/><path fill="#fff"/>'
    assert line_drawing(icon) == lines


def test_parts_are_taken_out_of_a_drawing_by_their_place() -> None:
    body = '<path id="sky"/><g fill="a>b"><path d="M0 0"/><path d="M1 1"/></g><path id="boat"/>'
    assert without_parts(body, ()) == body
    assert without_parts(body, ("0",)) == body.removeprefix('<path id="sky"/>')
    assert (
        without_parts(body, ("1.0", "0")) == '<g fill="a>b"><path d="M1 1"/></g><path id="boat"/>'
    )
    assert without_parts(body, ("1",)) == '<path id="sky"/><path id="boat"/>'
    with pytest.raises(SystemExit, match=r"a drawing has no parts \['1.2', '3'\]: <path id"):
        without_parts(body, ("3", "1.2", "0"))


def test_what_has_a_right_way_round_is_said_in_the_index(tmp_path: Path) -> None:
    clock = replace(_named("clock"), words_en=("clock",), words_zh=("时钟",), mirrorable=False)
    build_concepts.write(tmp_path / "c.zip", [(_named(), _drawings()), (clock, _drawings())])
    concepts = ConceptLibrary.open(tmp_path / "c.zip").concepts
    assert {id_: concept.mirrorable for id_, concept in concepts.items()} == {
        "cup": True,
        "clock": False,
    }


def test_codes_and_ids_are_plain() -> None:
    assert hexcode("🏳\ufe0f\u200d🌈") == "1f3f3-200d-1f308"
    assert slug("Piñata (jack-o'-lantern)") == "pinata-jack-o-lantern"


def test_two_concepts_of_one_name_are_refused() -> None:
    other = replace(_named(), emoji=("1f375",))
    with pytest.raises(SystemExit, match=r"names of two concepts: cup .*杯子"):
        check_names([_named(), other])


def test_the_shipped_artefact_is_what_the_script_builds(tmp_path: Path) -> None:
    packages = [source.package for source in SOURCES] + [EMOJIBASE, CLDR]
    missing = [p.file_name for p in packages if not (CACHE / p.file_name).exists()]
    if missing or not (CACHE / "boxes.json").exists():
        pytest.skip("needs the packages in .cache/npm: run scripts/build_concepts.py once")
    cached = Packages(CACHE)
    built = tmp_path / "concepts.zip"
    build_concepts.write(built, build_concepts.collect(cached))
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(BUILT_IN[0]) as shipped:
        assert ours.namelist() == shipped.namelist()
        assert all(ours.read(name) == shipped.read(name) for name in ours.namelist())
