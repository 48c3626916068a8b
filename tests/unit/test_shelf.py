"""The user's own concepts: kept, named, shared between processes, and fit for others' files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.unit.own_concepts import PINK, mug, photographed

from overpaint import settings
from overpaint.concepts import shelf as shelves
from overpaint.concepts.concept import OWN
from overpaint.concepts.knowledge import Knowledge
from overpaint.concepts.library import BUILT_IN, ConceptLibrary
from overpaint.concepts.prompt import read_prompt
from overpaint.concepts.recall import choose_concept, choose_drawing
from overpaint.concepts.shelf import Shelf
from overpaint.errors import InvalidImage, InvalidOption, OperationFailed

NAMES: dict[str, Any] = {"name": "our mug", "name_zh": "我们的杯子"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "concepts")


def opened(shelf: Shelf) -> ConceptLibrary:
    return Knowledge(shelf.path).now().library


def test_is_in_the_folder_that_the_settings_tell() -> None:
    assert Shelf().path == settings.own_concepts()


def test_an_empty_shelf_is_no_fault(shelf: Shelf) -> None:
    assert shelf.list() == ()
    assert not shelf.path.exists()
    assert len(opened(shelf).concepts) == len(ConceptLibrary.open().concepts)


def test_keeps_what_was_added(shelf: Shelf) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    change = shelf.add([mug()], **NAMES, keywords=["Tea", "茶"], placement="floats", drawing="flat")
    (entry,) = Shelf(shelf.path).list()
    concept = entry.concept
    assert change.concepts == (concept,)
    assert change.notes == ()
    assert (concept.id, concept.group) == ("own-our-mug", OWN)
    assert (concept.name_en, concept.name_zh) == ("our mug", "我们的杯子")
    assert (concept.keywords_en, concept.keywords_zh) == (("tea",), ("茶",))
    assert (concept.placement, concept.mirrorable) == ("floats", False)
    assert concept.exemplars == (("flat", "own-our-mug/own-our-mug"),)
    assert before <= entry.added <= datetime.now(UTC)
    assert entry.size == entry.path.stat().st_size
    assert [path.name for path in shelf.path.iterdir() if path.suffix] == ["own-our-mug.zip"]


def test_takes_a_picture_with_alpha_as_it_is(shelf: Shelf) -> None:
    (kept,) = shelf.add([mug()], **NAMES).pictures
    key = "own-our-mug/own-our-mug"
    exemplar = opened(shelf).exemplar(key, size=max(kept.shape[:2]))
    visible = mug()[..., 3] > 0
    rows, columns = np.nonzero(visible.any(1))[0], np.nonzero(visible.any(0))[0]
    cropped = mug()[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    np.testing.assert_array_equal(kept, cropped)
    solid = exemplar.pixels[..., 3] > 250
    assert exemplar.pixels.shape[0] <= kept.shape[0]
    assert np.median(exemplar.pixels[solid], axis=0)[:3].tolist() == [20, 60, 200]


def test_cuts_a_thing_out_of_its_background(shelf: Shelf) -> None:
    change = shelf.add([photographed()], **NAMES)
    (kept,) = change.pictures
    assert change.notes == ()
    truth = float((mug()[..., 3] > 128).sum())
    assert 0.9 < (kept[..., 3] > 128).sum() / truth < 1.1


def test_says_where_nothing_stood_out(shelf: Shelf) -> None:
    plain = np.full((64, 64, 3), 90, np.uint8)
    change = shelf.add([mug(), plain], **NAMES)
    (note,) = change.notes
    assert note.startswith("image 2: no object stands out")


def test_the_seed_chooses_among_several_pictures(shelf: Shelf) -> None:
    shelf.add([mug(), mug(PINK)], **NAMES)
    known = Knowledge(shelf.path).now()
    (subject,) = read_prompt("our mug", known.lexicon).subjects
    concept = known.library.concepts["own-our-mug"]

    def key(seed: int) -> str:
        rng = np.random.default_rng(seed)
        return choose_drawing(concept, subject, "auto", known.library, rng, size=600)

    assert {key(seed) for seed in range(12)} == {key for _, key in concept.exemplars}
    assert key(3) == key(3)


@pytest.mark.parametrize(
    "prompt",
    [
        "把杯子换成我们的杯子",
        "桌上放着一个红色的我们的杯子",
        "put our mug on the table",
        "replace the cup with a wooden our mug",
        "two of Our Mugs",
    ],
)
def test_prompts_name_it_at_once(shelf: Shelf, prompt: str) -> None:
    knowledge = Knowledge(shelf.path)
    known = knowledge.now()
    before = read_prompt(prompt, known.lexicon).subjects
    assert all("own-our-mug" not in subject.concept_ids for subject in before)
    shelf.add([mug()], **NAMES)
    reading = read_prompt(prompt, knowledge.now().lexicon)
    assert [subject.concept_ids[0] for subject in reading.subjects] == ["own-our-mug"]
    assert reading.unknown == ()


def test_colours_and_materials_go_with_it(shelf: Shelf) -> None:
    shelf.add([mug()], **NAMES)
    lexicon = Knowledge(shelf.path).now().lexicon
    (subject,) = read_prompt("一个红色的我们的杯子", lexicon).subjects
    assert subject.color == "red"
    (subject,) = read_prompt("our mug made of wood", lexicon).subjects
    assert subject.material == "wood"


def test_an_own_concept_goes_before_a_built_in_one(shelf: Shelf) -> None:
    change = shelf.add([mug()], name="dog", name_zh="小狗")
    assert any("goes before the built-in" in note and "dog" in note for note in change.notes)
    known = Knowledge(shelf.path).now()
    for prompt in ("dog", "three dogs", "小狗"):
        (subject,) = read_prompt(prompt, known.lexicon).subjects
        assert subject.concept_ids[0] == "own-dog"
        assert len(subject.concept_ids) > 1
        for seed in range(20):
            rng = np.random.default_rng(seed)
            assert choose_concept(subject, known.library, rng).id == "own-dog"


@pytest.mark.parametrize(
    ("names", "placement"),
    [
        ({"name": "our hat"}, "worn-head"),
        ({"name": "Ray 3000", "name_zh": "我们的墨镜"}, "worn-eyes"),
        ({"name": "hat stand of ours"}, "stands"),
        (NAMES, "stands"),
    ],
)
def test_sits_as_the_thing_that_its_name_ends_with(
    shelf: Shelf, names: dict[str, Any], placement: str
) -> None:
    (concept,) = shelf.add([mug()], **names).concepts
    assert concept.placement == placement


def test_one_name_is_enough(shelf: Shelf) -> None:
    (concept,) = shelf.add([mug()], name_zh="外婆的茶壶").concepts
    assert concept.id.startswith("own-")
    assert concept.id.isascii()
    assert concept.name_en == concept.name_zh == "外婆的茶壶"
    assert concept.words_en == ()
    (subject,) = read_prompt("把花换成外婆的茶壶", Knowledge(shelf.path).now().lexicon).subjects
    assert subject.concept_ids == (concept.id,)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, r"^name: must be given, in English, in Chinese or both$"),
        ({"name": "m" * 41}, r"^name: must be 1 to 40 letters and digits .*, got 'm{41}'$"),
        ({"name": "our; mug"}, r"^name: must be 1 to 40 letters"),
        ({"name": "我们的"}, r"^name: must be 1 to 40 letters"),
        ({"name": "наша"}, r"^name: must be 1 to 40 letters"),
        ({"name": "42"}, r"^name: must be 1 to 40 letters"),
        ({"name": 7}, r"^name: must be text, got int$"),
        ({"name_zh": "杯" * 21}, r"^name_zh: must be 1 to 20 Chinese characters"),
        ({"name_zh": "mug"}, r"^name_zh: must be 1 to 20 Chinese characters, .* got 'mug'$"),
        ({"name_zh": "“杯子”"}, r"^name_zh: must be 1 to 20 Chinese"),
        ({"name": "red"}, r"^name: must be read as a thing; .* got 'red'$"),
        ({"name": "remove"}, r"^name: must be read as a thing"),
        ({"name_zh": "红色"}, r"^name_zh: must be read as a thing"),
        ({"name_zh": "去掉"}, r"^name_zh: must be read as a thing"),
        ({**NAMES, "keywords": ["k" * 41]}, r"^keyword: must be 1 to 40 printable characters"),
        ({**NAMES, "keywords": map(str, range(21))}, r"^keyword: must be given 20 times at most"),
        ({**NAMES, "placement": "hangs"}, r"^placement: must be one of stands, .*, got 'hangs'$"),
        ({**NAMES, "drawing": "oil"}, r"^drawing: must be one of photo, .*, got 'oil'$"),
    ],
)
def test_what_cannot_be_a_concept_is_refused(
    shelf: Shelf, names: dict[str, Any], message: str
) -> None:
    if "keywords" in names:
        names = {**names, "keywords": tuple(names["keywords"])}
    with pytest.raises(InvalidOption, match=message):
        shelf.add([mug(side=64)], **names)
    assert shelf.list() == ()


def test_pictures_have_the_limits_of_references(shelf: Shelf) -> None:
    with pytest.raises(InvalidImage, match=r"^image: each side must be 16 to 4095 px"):
        shelf.add([np.zeros((15, 40, 3), np.uint8)], **NAMES)
    with pytest.raises(InvalidImage, match=r"^image 2: "):
        shelf.add([mug(), b"GIF89a"], **NAMES)
    with pytest.raises(InvalidImage, match=r"^image: must show something, got a transparent"):
        shelf.add([np.zeros((40, 40, 4), np.uint8)], **NAMES)
    with pytest.raises(InvalidOption, match=r"^image: must be 1 to 32 pictures, got 0$"):
        shelf.add([], **NAMES)
    with pytest.raises(InvalidOption, match=r"^image: must be 1 to 32 pictures, got 33$"):
        shelf.add([mug()] * 33, **NAMES)


def test_a_name_is_given_once_unless_it_is_replaced(shelf: Shelf) -> None:
    shelf.add([mug()], **NAMES)
    again = r"^name: must not be that of another concept of yours; .*, got 我们的杯子 our mug$"
    taken: tuple[dict[str, Any], ...] = (
        {"name": "Our  MUG"},
        {"name": "cup", "name_zh": "我們的杯子"},
    )
    for names in taken:
        with pytest.raises(InvalidOption, match=again):
            shelf.add([mug(PINK)], **names)
    change = shelf.add([mug(PINK)], name="team cup", name_zh="我们的杯子", replace=True)
    assert change.notes == ("我们的杯子 our mug is replaced",)
    assert [entry.concept.id for entry in shelf.list()] == ["own-team-cup"]


def test_removes_by_either_name_and_by_id(shelf: Shelf) -> None:
    for name in ("own-our-mug", "OUR MUG", "我们的杯子"):
        shelf.add([mug(side=64)], **NAMES)
        (gone,) = shelf.remove(name).concepts
        assert gone.id == "own-our-mug"
        assert shelf.list() == ()


def test_an_unknown_name_is_told_with_its_nearest(shelf: Shelf) -> None:
    own = r"^name: must be the name or the id of a concept of your own "
    with pytest.raises(InvalidOption, match=own + r"\(there are 0\), got 'our mug'$"):
        shelf.remove("our mug")
    shelf.add([mug(side=64)], **NAMES)
    with pytest.raises(InvalidOption, match=own + r"\(nearest: 我们的杯子 our mug\), got 'our m"):
        shelf.remove("our mgu")
    with pytest.raises(InvalidOption, match=own):
        shelf.export(shelf.path / "out.zip", ["dog"])


def test_export_remove_import_gives_equal_pixels(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add([photographed(), mug(PINK)], **NAMES, placement="floats", mirrorable=True)
    shelf.add([mug()], name_zh="外婆的茶壶", drawing="shaded")
    before, entries = opened(shelf), shelf.list()
    file = tmp_path / "mine.zip"
    assert len(shelf.export(file).concepts) == 2
    for entry in entries:
        shelf.remove(entry.concept.id)
    assert shelf.list() == ()
    change = shelf.import_(file)
    assert {concept.id for concept in change.concepts} == {e.concept.id for e in entries}
    for old, new in zip(entries, shelf.list(), strict=True):
        assert replace(old, artefact=new.artefact) == new
    for library in (opened(shelf), ConceptLibrary.open(*BUILT_IN, file)):
        for entry in entries:
            assert library.concepts[entry.concept.id] == entry.concept
            for _, key in entry.concept.exemplars:
                was, now = before.exemplar(key, size=200), library.exemplar(key, size=200)
                np.testing.assert_array_equal(was.pixels, now.pixels)


def test_import_replaces_only_when_told_to(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    with pytest.raises(InvalidOption, match=r"^library: must hold a concept of your own"):
        shelf.export(file)
    shelf.add([mug(PINK)], **NAMES)
    shelf.export(file, ["our mug"])
    shelf.add([mug()], **NAMES, replace=True)
    blue = opened(shelf).exemplar("own-our-mug/own-our-mug", size=64).pixels
    with pytest.raises(InvalidOption, match="must not be that of another concept of yours"):
        shelf.import_(file)
    assert np.array_equal(blue, opened(shelf).exemplar("own-our-mug/own-our-mug", size=64).pixels)
    shelf.import_(file, replace=True)
    pink = opened(shelf).exemplar("own-our-mug/own-our-mug", size=64).pixels
    assert not np.array_equal(blue, pink)


def spoilt(source: Path, target: Path, **changes: Any) -> Path:
    """A copy of an artefact with another index ("index") or other members (by name)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "index.json" and "index" in changes:
                data = json.dumps(changes["index"](json.loads(data))).encode()
            if name.endswith(".webp"):
                data = changes.get("picture", data)
            new.writestr(name, data)
    return target


def small_png() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (20, 20), "red").save(file, "PNG")
    return file.getvalue()


def other(**changes: Any) -> Any:
    return lambda index: {**index, **changes}


def row(position: int, value: object) -> Any:
    def change(index: dict[str, Any]) -> dict[str, Any]:
        concept = list(index["concepts"][0])
        concept[position] = value
        return {**index, "concepts": [concept]}

    return change


SPOILT: dict[str, dict[str, Any] | None] = {
    "no zip": None,
    "another format": {"index": other(format=99)},
    "another id": {"index": row(0, "own-other")},
    "the id of a built-in": {"index": row(0, "cat")},
    "a path for an id": {"index": row(0, "own-/../../x")},
    "a name that is none": {"index": row(1, "a\nb")},
    "a number for a name": {"index": row(1, 5)},
    "the group of another": {"index": row(7, "animal")},
    "placed nowhere": {"index": row(8, "nowhere")},
    "no picture": {"index": row(9, [])},
    "a picture too many": {"index": row(9, [0, 0])},
    "no date": {"index": other(added={})},
    "adding to others": {"index": other(more={"cat": [0]})},
    "drawn otherwise": {"index": other(rendered=["photo"])},
    "no picture file": {"picture": b"RIFF"},
    "a picture of another format": {"picture": small_png()},
    "an index that is a list": {"index": lambda index: [index]},
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    Shelf(folder).add([mug(side=64)], **NAMES)
    return folder / "own-our-mug.zip"


@pytest.mark.parametrize("changes", SPOILT.values(), ids=SPOILT)
def test_a_corrupt_entry_is_told_by_name_and_skipped(
    shelf: Shelf, sound: Path, changes: dict[str, Any] | None
) -> None:
    shelf.add([mug(side=64)], name="our teapot")
    bad = shelf.path / "own-our-mug.zip"
    if changes is None:
        bad.write_bytes(sound.read_bytes()[:300])
    else:
        spoilt(sound, bad, **changes)
    contents = shelf.contents()
    assert [entry.concept.id for entry in contents.entries] == ["own-our-teapot"]
    (fault,) = contents.faults
    assert fault.startswith("your concept file own-our-mug.zip is left out: ")
    known = Knowledge(shelf.path).now()
    assert known.faults == contents.faults
    assert "own-our-teapot" in known.library.concepts
    limit = r"^file: must be a file that `overpaint concepts export` wrote \("
    with pytest.raises(InvalidOption, match=limit):
        shelf.import_(bad)
    assert shelf.remove("own-our-mug").notes == ("own-our-mug.zip could not be read, and is gone",)
    assert shelf.contents().faults == ()


def test_the_copy_that_is_spoilt_above_is_sound_by_itself(shelf: Shelf, sound: Path) -> None:
    copy = spoilt(sound, sound.with_name("copy.zip"))
    assert [concept.id for concept in shelf.import_(copy).concepts] == ["own-our-mug"]


def test_a_file_that_is_not_there_cannot_be_imported(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"^file: must be a file .* \(No such file"):
        shelf.import_(tmp_path / "none.zip")


def test_a_huge_file_is_not_imported(
    shelf: Shelf, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MAX_IMPORT_BYTES", 100)
    with pytest.raises(InvalidOption, match=r"^file: must have at most 1 GiB, got "):
        shelf.import_(sound)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file")
    with pytest.raises(OperationFailed, match="your own concepts cannot be kept: "):
        shelf.add([mug(side=64)], **NAMES)
    known = Knowledge(shelf.path).now()
    assert "cat" in known.library.concepts
    assert len(known.faults) == 1


def test_changes_are_noticed_and_nothing_is_read_twice(shelf: Shelf) -> None:
    knowledge = Knowledge(shelf.path)
    first = knowledge.now()
    assert knowledge.now() is first
    shelf.add([mug(side=64)], **NAMES)
    second = knowledge.now()
    assert second is not first
    assert knowledge.now() is second
    assert "own-our-mug" not in first.library.concepts
    shelf.add([mug(PINK, side=64)], **NAMES, replace=True)
    assert knowledge.now() is not second
    shelf.remove("our mug")
    assert "own-our-mug" not in knowledge.now().library.concepts


WORKER = """
import sys
import numpy as np
from overpaint.concepts.shelf import Shelf
from overpaint.errors import InvalidOption
shelf, letter = Shelf(sys.argv[1]), sys.argv[2]
picture = np.full((20, 20, 4), 255, np.uint8)
picture[:4] = 0
taken = 0
for number in range(2):
    shelf.add([picture], name=f"thing {letter}{number}x")
    try:
        shelf.add([picture], name=f"shared {number}x")
        taken += 1
    except InvalidOption:
        pass
    assert not shelf.contents().faults
print(taken)
"""


def test_two_processes_share_a_shelf(shelf: Shelf) -> None:
    command = [sys.executable, "-c", WORKER, str(shelf.path)]
    both = [
        subprocess.Popen([*command, letter], stdout=subprocess.PIPE, text=True) for letter in "ab"
    ]
    told = [int(one.communicate()[0]) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sum(told) == 2  # each shared name was given once
    names = {entry.concept.name_en for entry in shelf.list()}
    kinds = ("thing a", "thing b", "shared ")
    assert names == {f"{kind}{number}x" for kind in kinds for number in range(2)}
    assert not list(shelf.path.glob(".*.part"))
