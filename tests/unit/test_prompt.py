"""Prompts and what they ask for.

The tables `readings*.txt` hold a prompt a line: prompt | action | subjects | present | the rest.
Subjects are parted by ";": concept(colour, @material, xCount), each only where it is said. The rest
may hold `text=...` (to its end or to ` effects=`), `effects=a,b`, `rgb=name`, `style=...`,
`unknown=a,b`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.small_lexicon import SMALL_LIBRARY

from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.prompt import Reading, read_prompt
from overpaint.concepts.vocabulary import vocabulary

_HERE = Path(__file__).parent
_LEXICON = Lexicon(SMALL_LIBRARY)


def _table(name: str) -> list[tuple[str, str]]:
    rows = []
    for line in (_HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            prompt, _, expected = line.partition(" | ")
            rows.append((prompt.strip().replace("\\n", "\n"), _tidy(expected)))
    return rows


def _tidy(expected: str) -> str:
    parts = [part.strip() for part in expected.split("|")]
    parts += [""] * (4 - len(parts))
    return " | ".join(re.sub(r",\s+", ",", part) for part in parts)


def _written(reading: Reading) -> str:
    """A reading in the notation of the tables."""
    subjects = []
    for subject in reading.subjects:
        said = [subject.color or "", f"@{subject.material}" if subject.material else ""]
        said.append(f"x{subject.count}" if subject.count > 1 else "")
        look = ",".join(filter(None, said))
        subjects.append(subject.concept_ids[0] + (f"({look})" if look else ""))
    rest = []
    if reading.lettering is not None:
        rest.append(f"text={reading.lettering.text}")
        if reading.lettering.effects:
            rest.append("effects=" + ",".join(reading.lettering.effects))
        names = [n for n, rgb in vocabulary().colors.items() if rgb == reading.lettering.color]
        rest.extend(f"rgb={name}" for name in names[:1])
    if reading.style:
        rest.append(f"style={reading.style}")
    if reading.unknown:
        rest.append("unknown=" + ",".join(word.word for word in reading.unknown))
    return " | ".join(
        (reading.action, ";".join(subjects), ",".join(reading.present), " ".join(rest))
    )


@pytest.mark.parametrize(("prompt", "expected"), _table("readings.txt"))
def test_prompt_reads_as_the_table_says(prompt: str, expected: str) -> None:
    assert _written(read_prompt(prompt, _LEXICON)) == expected
