"""The evaluation: its stages, contenders, judge and table. Photographs are made here."""

from __future__ import annotations

import importlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.heavy import require

from overpaint.concepts.library import ConceptLibrary
from overpaint.errors import OperationFailed
from overpaint.train import evaluate, split
from overpaint.train.classifier import FEATURES, Judge, Moments, describe
from overpaint.train.scores import cases
from overpaint.train.scores.contenders import Absent, Ask, EngineContender, Paste
from overpaint.train.scores.measures import thing_of
from overpaint.train.scores.report import Row, Sheets, Tally, row_of, table
from overpaint.train.scores.stage import SIDE, Photographs, box_of, look


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five scenes of noise; three of them are held out."""
    path = tmp_path_factory.mktemp("photos") / "photos.tar"
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as tar:
        for number in range(5):
            small = rng.integers(60, 200, (6, 6, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((400, 360), Image.Resampling.BICUBIC)
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG")
            info = tarfile.TarInfo(f"scenes/{number}.jpg")
            info.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(info, buffer)
    return path


@pytest.fixture(scope="module")
def library() -> ConceptLibrary:
    return ConceptLibrary.open()


def test_the_bank_and_the_judge_follow_the_same_split() -> None:
    require("torch")
    for name in ("scripts.build_bank", "scripts.build_judge"):
        assert importlib.import_module(name).held_out is split.held_out


def test_three_scenes_and_some_garments_are_held_out() -> None:
    names = [f"clothing/{number}.jpg" for number in range(1000)]
    names += [f"scenes/{number}.jpg" for number in range(9)]
    found = split.held_out(names)

    assert sum(name.startswith("scenes/") for name in found) == 3
    assert 50 < len(found) - 3 < 110


def test_other_photographs_do_not_change_which_garments_are_held_out() -> None:
    names = [f"clothing/{number}.jpg" for number in range(300)]
    some = split.held_out(names[::2])

    assert 3 < len(some) < 40
    assert set(some) <= set(split.held_out(names))


def test_a_stage_is_the_same_every_time_and_of_held_out_photographs(archive: Path) -> None:
    first, second = (Photographs(archive).stage(7) for _ in range(2))
    held_out = split.held_out(f"scenes/{number}.jpg" for number in range(5))

    assert first.name in held_out
    assert (first.picture == second.picture).all()
    assert (first.mask == second.mask).all()
    assert (first.bare == first.picture)[~first.mask].all()


def test_the_judge_is_shown_the_mask_and_little_more(archive: Path) -> None:
    stage = Photographs(archive).stage(3)
    _, _, width, height = box_of(stage.mask)
    view = look(stage.picture, stage.mask)

    assert view.shape[0] == view.shape[1]
    assert max(width, height) <= len(view) <= 1.1 * max(width, height) + 1


@pytest.mark.parametrize("clone", [False, True])
def test_a_paste_changes_the_mask_alone(
    archive: Path, library: ConceptLibrary, clone: bool
) -> None:
    stage = Photographs(archive).stage(1)
    ask = Ask(stage=stage, prompt="a banana", concept_id="banana")
    (picture,) = Paste(library, clone=clone).paint(ask).pictures

    assert (picture == stage.picture)[~stage.mask].all()
    assert thing_of(cases.Case(ask=ask, wanted="banana"), picture).any()


def test_a_paste_cannot_follow_conditions(archive: Path, library: ConceptLibrary) -> None:
    stage = Photographs(archive).stage(1)
    asked = Ask(stage=stage, prompt="", concept_id="banana", options={"palette": "red"})

    with pytest.raises(Absent, match="only lays exemplars down"):
        Paste(library).paint(asked)


def test_an_engine_that_is_not_there_is_absent() -> None:
    with pytest.raises(Absent, match="nobody"):
        EngineContender("nobody")


def test_an_engine_answers_through_repaint(archive: Path) -> None:
    stage = Photographs(archive).stage(2)
    engine = EngineContender("collage")
    answer = engine.paint(Ask(stage=stage, prompt="a banana"))
    puzzled = engine.paint(Ask(stage=stage, prompt="qwzx flurb"))

    assert (answer.pictures[0] == stage.picture)[~stage.mask].all()
    assert puzzled.pictures == ()
    assert puzzled.notes
    with pytest.raises(Absent, match="repaint has no whim"):
        engine.paint(Ask(stage=stage, prompt="a banana", options={"whim": 1}))


def test_cases_ask_for_each_concept_in_both_languages(
    archive: Path, library: ConceptLibrary
) -> None:
    known = list(library.concepts)
    asked = list(cases.concept_cases(library, Photographs(archive), known, 6))

    assert [case.language for case in asked] == ["zh", "en"] * 6
    assert [case.wanted for case in asked[::2]] == [case.wanted for case in asked[1::2]]
    assert len({case.wanted for case in asked}) == 6
    assert all(case.ask.stage is asked[i ^ 1].ask.stage for i, case in enumerate(asked))


def test_pairs_show_one_thing_and_ask_for_another(archive: Path, library: ConceptLibrary) -> None:
    known = list(library.concepts)
    asked = list(cases.pair_cases(library, Photographs(archive), known, 6))

    assert {case.kind for case in asked} == set(cases.RELATIONS)
    assert all(case.wanted != case.other for case in asked)
    assert all(case.ask.stage.picture.shape == (SIDE, SIDE, 3) for case in asked)


@pytest.mark.parametrize("name", ["PAINTABLE", "WEARERS", "WORN", "HELD", "BESIDE"])
def test_what_cases_name_is_in_the_library(name: str, library: ConceptLibrary) -> None:
    assert [id_ for id_ in getattr(cases, name) if id_ not in library.concepts] == []


def _shapes(rng: np.random.Generator, n: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Upright and level bars of any colours, labels 0 and 1."""
    labels = rng.integers(0, 2, n)
    pictures = []
    for label in labels:
        picture = np.empty((64, 64, 3), np.uint8)
        picture[:] = rng.integers(0, 256, 3)
        start = int(rng.integers(10, 40))
        bar = (slice(start, start + 12), slice(4, 60))
        picture[bar if label else bar[::-1]] = rng.integers(0, 256, 3)
        pictures.append(picture)
    return pictures, labels


def test_the_judge_learns_in_one_pass_and_comes_back_from_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    pictures, labels = _shapes(rng, 150)
    moments = Moments(3)  # of the third nothing is shown
    moments.add(describe(pictures), labels)
    judge = Judge(*moments.solve(), ["upright", "level", "unseen"], {"own top-1": 0.5})
    judge.save(tmp_path / "judge.npz")
    again = Judge.load(tmp_path / "judge.npz")
    unseen, wanted = _shapes(rng, 60)
    ids = [again.concepts[number] for number in wanted]

    assert again.right(unseen, ids, 1) > 0.9
    assert again.knows("level")
    assert not again.knows("unseen")
    assert not again.knows("nothing")
    assert again.described() == "2 of 3 concepts; own top-1 50.0%"


def test_features_are_of_one_size_whatever_the_crop() -> None:
    crops = [np.full((side, side, 3), 90, np.uint8) for side in (20, 64, 150)]

    assert describe(crops).shape == (3, FEATURES)


def test_a_damaged_judge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "judge.npz"
    path.write_bytes(b"no judge")

    with pytest.raises(OperationFailed, match="the judge cannot be read"):
        Judge.load(path)


def test_the_table_has_a_column_a_contender_and_says_why_one_is_empty() -> None:
    right, none = Tally(), Tally(absent="it has no hands")
    right.add("score", 1)
    right.add("score", 0)
    text = table([row_of("held", {"able": right, "unable": none}, "score", ">= 90", percent=True)])

    assert "50.0 %" in text
    assert "unable: it has no hands" in text
    assert table([Row(measure="none", goal="", values={})]).count("\n") == 1


def test_sheets_are_written_with_chinese_captions(tmp_path: Path) -> None:
    sheets = Sheets()
    tile = np.zeros((40, 40, 3), np.uint8)
    sheets.add("a sheet", [tile], ["before"], "一只猫")
    sheets.add("a sheet", [tile, tile], ["before", "after"], "two")
    (path,) = sheets.write(tmp_path)

    assert path.name == "a-sheet.png"
    with Image.open(path) as sheet:
        assert sheet.width == 320


def test_the_command_writes_table_and_scores(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--engines", "collage,nobody", "--only", "colors", "--only", "pairs", "--count", "4"]
    files = ["--photos", str(archive), "--out", str(tmp_path), "--judge", str(tmp_path / "none")]
    evaluate.main([*asked, *files])
    said = capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text())

    assert "colour words" in said
    assert "left out: engine nobody" in said
    assert "left out: pairs: there is no judge" in said
    assert scores["rows"][0]["count"] == 2
    assert (tmp_path / "colors.png").exists()


def test_the_command_says_which_photographs_are_missing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"--photos: .*none\.tar"):
        evaluate.main(["--photos", str(tmp_path / "none.tar"), "--judge", str(tmp_path / "none")])
