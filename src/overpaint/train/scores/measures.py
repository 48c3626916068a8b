"""The measures of what is painted by prompts: is it the thing, of the colour, does it belong.

Every function asks every contender for the same cases and returns rows of the table; pictures go
to the sheets as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from overpaint.concepts.library import ConceptLibrary
from overpaint.train.classifier import Judge
from overpaint.train.scores.cases import Case, color_cases, concept_cases, pair_cases
from overpaint.train.scores.contenders import Absent, Answer, Ask, Contender
from overpaint.train.scores.follows import changed, has_color, variety
from overpaint.train.scores.looks import Belonging, belonging
from overpaint.train.scores.report import Row, Sheets, Tally, row_of
from overpaint.train.scores.stage import Photographs, look
from overpaint.values import Mask, Rgb8

DIVERSE = 4  # pictures of one prompt


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all measures need."""

    library: ConceptLibrary
    photographs: Photographs
    contenders: Sequence[Contender]
    judge: Judge | None  # None if it was not built
    sheets: Sheets
    count: int  # of cases of the largest measure
    progress: Callable[[str, int], None]  # what is done, and how many of it

    def known(self) -> list[str]:
        """The concepts that can be judged."""
        if self.judge is None:
            raise Absent("there is no judge: run scripts/build_judge.py")
        return [id_ for id_ in self.library.concepts if self.judge.knows(id_)]


def painted(
    setting: Setting, name: str, cases: Iterable[Case], contenders: Sequence[Contender]
) -> Iterator[tuple[int, Case, Contender, Answer | Absent]]:
    """Everybody's answer to every case; a row of the sheet for each case."""
    gone: dict[str, Absent] = {}
    for number, case in enumerate(cases):
        tiles: list[Rgb8] = [marked(case.ask)]
        for contender in contenders:
            answer: Answer | Absent
            try:
                answer = gone.get(contender.name) or contender.paint(case.ask)
            except Absent as absent:
                answer = gone[contender.name] = absent
            pictures = () if isinstance(answer, Absent) else answer.pictures
            tiles += pictures[:1] or [np.full_like(case.ask.stage.picture, 40)]
            yield number, case, contender, answer
        caption = f"{case.ask.prompt} [{case.kind}]"
        setting.sheets.add(name, tiles, ["", *(one.name for one in contenders)], caption)
        setting.progress(name, number + 1)


def marked(ask: Ask) -> Rgb8:
    """The photograph with its mask made lighter."""
    inside = ask.stage.mask[..., None]
    return np.where(inside, ask.stage.picture // 2 + 127, ask.stage.picture)


def thing_of(case: Case, picture: Rgb8) -> Mask:
    """Where a thing was painted: neither the photograph nor the continued background."""
    stage = case.ask.stage
    return changed(stage.picture, picture, stage.mask) & changed(stage.bare, picture, stage.mask)


def rank_of(
    judge: Judge, logits: np.ndarray[tuple[int, ...], np.dtype[np.float32]], id_: str
) -> int:
    """The place of a concept among all by their logits, from 0."""
    return int((logits > logits[judge.rank_of[id_]]).sum())


def concepts(setting: Setting) -> list[Row]:
    """Concept accuracy by language, and how well what is painted belongs (on the same pictures).

    Top-1 and top-5 of the judge over all concepts it knows. A contender that refuses a prompt is
    wrong. Belonging is the mean over the English prompts; "photo" is the photograph as it was.
    """
    judge, known = setting.judge, setting.known()
    assert judge is not None
    tallies = {one.name: Tally() for one in setting.contenders}
    photo = Tally()
    cases = concept_cases(setting.library, setting.photographs, known, setting.count)
    for _, case, contender, answer in painted(setting, "concepts", cases, setting.contenders):
        tally = tallies[contender.name]
        if isinstance(answer, Absent):
            tally.absent = str(answer)
            continue
        rank = len(judge.concepts)
        if answer.pictures:
            stage = case.ask.stage
            logits = judge.logits([look(answer.pictures[0], stage.mask)])[0]
            rank = int((logits > logits[judge.rank_of[case.wanted]]).sum())
            if case.language == "en":
                thing = thing_of(case, answer.pictures[0])
                if thing.any():
                    _keep(tally, belonging(answer.pictures[0], stage.mask, thing))
                    if contender is setting.contenders[0]:
                        _keep(photo, belonging(stage.picture, stage.mask, thing))
        tally.add(f"{case.language} top-1", rank < 1)
        tally.add(f"{case.language} top-5", rank < 5)
        tally.add("seconds", answer.seconds)
    goals = {"zh top-1": ">= 80", "en top-1": ">= 80", "zh top-5": ">= 92", "en top-5": ">= 92"}
    rows = [
        row_of(f"concept, {which}", tallies, which, goal, percent=True)
        for which, goal in goals.items()
    ]
    tallies = {"photo": photo, **tallies}
    for part in ("seam", "edge", "tone", "grain"):
        rows.append(row_of(f"belonging: {part}", tallies, part, "< collage, clone"))
    rows.append(row_of("seconds a picture (320 px)", tallies, "seconds", "<= 2"))
    return rows


def _keep(tally: Tally, found: Belonging) -> None:
    for part in ("seam", "edge", "tone", "grain"):
        tally.add(part, getattr(found, part))


def pairs(setting: Setting) -> list[Row]:
    """The right thing in the mask: B of "A wearing / holding / next to B" with A visible.

    B counts if the judge finds it likelier than A in the mask.
    """
    judge, known = setting.judge, setting.known()
    assert judge is not None
    tallies = {one.name: Tally() for one in setting.contenders}
    cases = pair_cases(setting.library, setting.photographs, known, setting.count // 2)
    for _, case, contender, answer in painted(setting, "pairs", cases, setting.contenders):
        tally = tallies[contender.name]
        if isinstance(answer, Absent):
            tally.absent = str(answer)
            continue
        right = False
        if answer.pictures:
            logits = judge.logits([look(answer.pictures[0], case.ask.stage.mask)])[0]
            right = logits[judge.rank_of[case.wanted]] > logits[judge.rank_of[case.other]]
        tally.add("right", right)
    return [row_of("right thing in the mask: B over A", tallies, "right", ">= 90", percent=True)]


def colors(setting: Setting) -> list[Row]:
    """Colour words: whether most of what was painted is of the colour asked for."""
    contenders = [one for one in setting.contenders if one.name not in ("paste", "seamlessClone")]
    tallies = {one.name: Tally() for one in contenders}
    cases = color_cases(setting.library, setting.photographs, setting.count // 2)
    for _, case, contender, answer in painted(setting, "colors", cases, contenders):
        tally = tallies[contender.name]
        if isinstance(answer, Absent):
            tally.absent = str(answer)
            continue
        assert case.rgb is not None
        right = False
        if answer.pictures:
            thing = thing_of(case, answer.pictures[0])
            right = has_color(answer.pictures[0], thing, case.rgb)
        tally.add("right", right)
    return [row_of("colour words", tallies, "right", ">= 90", percent=True)]


def diversity(setting: Setting) -> list[Row]:
    """Distance among n = 4 against that among four exemplars laid in the same place.

    `variety` of the masked squares; the column "paste" holds that of the exemplars.
    """
    library = setting.library
    rich = [id_ for id_, concept in library.concepts.items() if len(concept.exemplars) >= DIVERSE]
    tallies = {one.name: Tally() for one in setting.contenders if one.name != "seamlessClone"}
    contenders = [one for one in setting.contenders if one.name in tallies]
    cases = list(concept_cases(library, setting.photographs, rich, max(2, setting.count // 6)))
    several = [
        Case(
            ask=Ask(stage=c.ask.stage, prompt=c.ask.prompt, concept_id=c.wanted, n=DIVERSE),
            wanted="",
        )
        for c in cases
        if c.language == "en"
    ]
    for _, case, contender, answer in painted(setting, "diversity", several, contenders):
        if isinstance(answer, Absent):
            tallies[contender.name].absent = str(answer)
        elif len(answer.pictures) == DIVERSE:
            views = [look(one, case.ask.stage.mask) for one in answer.pictures]
            tallies[contender.name].add("variety", variety(views))
            setting.sheets.add("diversity, all four", views, [contender.name] * 4, case.ask.prompt)
    return [row_of("diversity among n = 4", tallies, "variety", ">= half of paste")]
