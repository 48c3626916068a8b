"""Each added condition, off and on: does it move the result the way it says?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from overpaint.concepts.vocabulary import hex_rgb
from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.train.scores.cases import Case, chosen, color_cases, drawn_lines, with_options
from overpaint.train.scores.contenders import EXEMPLAR, Absent, Ask, EngineContender
from overpaint.train.scores.follows import (
    detail_kept,
    histogram,
    histogram_distance,
    line_agreement,
    share_of_color,
)
from overpaint.train.scores.measures import Setting, marked, thing_of
from overpaint.train.scores.report import Row, Tally, row_of
from overpaint.train.scores.stage import Stage, fitted
from overpaint.values import Mask, Rgb8, Rgba8

PALETTES = (("#e4572e", "#ffc914"), ("#17bebb", "#2e282a"), ("#7209b7", "#f72585"))
SQUEEZE = 0.7  # of a sketched thing's width, so that it is not as it would be drawn anyway
KEPT, PRESSED = 0.8, 5.0  # the strength and the guidance that are compared with the defaults


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A case without and with a condition, and how to measure a result (higher = follows)."""

    case: Case
    options: Mapping[str, object]
    score: Callable[[Rgb8], float]


def conditions(setting: Setting) -> list[Row]:
    """Two rows a condition: the same measure without it and with it."""
    trials: dict[str, Callable[[Setting, int], Trial]] = {
        "sketch: lines followed, F": sketched,
        "palette: nearness, 1 - OKLab ab": in_palette,
        "reference: colours shared": after_reference,
        f"strength {KEPT:g}: detail kept, r": kept,
        f"guidance {PRESSED:g}: colour asked for": pressed,
    }
    rows = []
    engines = [one for one in setting.contenders if isinstance(one, EngineContender)]
    for name, make in trials.items():
        off, on = ({one.name: Tally() for one in engines} for _ in range(2))
        for number in range(max(2, setting.count // 8)):
            trial = make(setting, number)
            tiles, names = [marked(trial.case.ask)], [""]
            for engine in engines:
                for tally, case in (
                    (off[engine.name], trial.case),
                    (on[engine.name], with_options(trial.case, **trial.options)),
                ):
                    try:
                        answer = engine.paint(case.ask)
                    except Absent as absent:
                        tally.absent = str(absent)
                        continue
                    if answer.pictures:
                        tally.add("score", trial.score(answer.pictures[0]))
                        tiles.append(answer.pictures[0])
                        names.append(
                            f"{engine.name} {'off' if tally is off[engine.name] else 'on'}"
                        )
            setting.sheets.add(
                f"condition {name.split()[0].strip(':')}", tiles, names, trial.case.ask.prompt
            )
            setting.progress(name.split(":")[0], number + 1)
        rows.append(row_of(f"{name}: without", off, "score", ""))
        rows.append(row_of(f"{name}: with", on, "score", "more than without"))
    return rows


def _case(setting: Setting, number: int, offset: int) -> tuple[Case, Stage]:
    """A concept that is known, on a stage of its own."""
    library = setting.library
    drawn = [id_ for id_, concept in library.concepts.items() if len(concept.exemplars) >= 4]
    concept = chosen(library, drawn, number + offset % 97 + 1)[-1]
    stage = setting.photographs.stage(offset + number)
    ask = Ask(stage=stage, prompt=concept.name_en, concept_id=concept.id)
    return Case(ask=ask, wanted=concept.id), stage


def _flat(setting: Setting, concept_id: str) -> Rgba8:
    """A plain drawing of a concept."""
    concept = setting.library.concepts[concept_id]
    keys = [key for drawing, key in concept.exemplars if drawing in ("flat", "shaded")]
    return setting.library.exemplar(
        keys[0] if keys else concept.exemplars[0][1], size=EXEMPLAR
    ).pixels


def sketched(setting: Setting, number: int) -> Trial:
    """The lines of a drawing, narrower than it is: edges along them (`line_agreement`)."""
    case, stage = _case(setting, number, 5000)
    layer = fitted(_flat(setting, case.wanted), stage.mask, squeeze=SQUEEZE)
    lines = np.asarray(drawn_lines(layer), np.uint8).astype(bool) & stage.mask
    page = np.where(lines[..., None], np.uint8(0), np.full((*lines.shape, 3), 255, np.uint8))
    return Trial(
        case=case,
        options={"sketch": page},
        score=lambda picture: line_agreement(picture, lines, stage.mask),
    )


def in_palette(setting: Setting, number: int) -> Trial:
    """Two colours: how near those of the thing come, 1 - mean distance in OKLab's a and b x 4."""
    case, _ = _case(setting, number, 5100)
    colors = PALETTES[number % len(PALETTES)]
    points = np.array([oklab_of(hex_rgb(code)) for code in colors], np.float32)

    def score(picture: Rgb8) -> float:
        lab = to_oklab(picture)[thing_of(case, picture)]
        if not len(lab):
            return 0.0
        apart = np.linalg.norm(lab[:, None, 1:] - points[None, :, 1:], axis=2).min(axis=1)
        return float(1 - 4 * apart.mean())

    return Trial(case=case, options={"palette": ",".join(colors)}, score=score)


def after_reference(setting: Setting, number: int) -> Trial:
    """A drawing in colours not its own: colours shared with it (1 - `histogram_distance`)."""
    case, _ = _case(setting, number, 5200)
    own = _flat(setting, case.wanted)
    turned = np.dstack([own[..., [2, 0, 1]], own[..., 3]])  # red as green, green as blue
    colors = histogram(turned[..., :3], turned[..., 3] > 127)

    def score(picture: Rgb8) -> float:
        where: Mask = thing_of(case, picture)
        return 1 - histogram_distance(histogram(picture, where), colors) if where.any() else 0.0

    return Trial(case=case, options={"reference": turned}, score=score)


def kept(setting: Setting, number: int) -> Trial:
    """How much of the detail under the mask can still be seen (`detail_kept`)."""
    case, stage = _case(setting, number, 5300)
    return Trial(
        case=case,
        options={"strength": KEPT},
        score=lambda picture: detail_kept(stage.picture, picture, stage.mask),
    )


def pressed(setting: Setting, number: int) -> Trial:
    """The share of the thing that is of the colour asked for."""
    cases = color_cases(setting.library, setting.photographs, number + 1)
    *_, case = cases
    rgb = case.rgb or (0, 0, 0)
    return Trial(
        case=case,
        options={"guidance": PRESSED},
        score=lambda picture: share_of_color(picture, thing_of(case, picture), rgb),
    )
