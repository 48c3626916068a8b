"""Build the shipped fonts: subsets of three OFL-1.1 families, renamed, without layout tables.

Needs `npm` (to fetch the packages named in SOURCES) and, in the Python that runs it,
`fonttools`. Run from the project root:

    python scripts/build_fonts.py src/overpaint/imaging/fonts

The same package versions give the same bytes: timestamps in the fonts are kept from the source.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-not-found,unused-ignore]
from fontTools.ttLib import TTFont, newTable  # type: ignore[import-not-found,unused-ignore]
from fontTools.ttLib.tables._k_e_r_n import (  # type: ignore[import-not-found,unused-ignore]
    KernTable_format_0,
)


@dataclass(frozen=True, kw_only=True)
class Source:
    package: str  # npm name@version
    member: str  # the font in the package
    output: str  # file name, without suffix
    family: str  # the new family name: no Reserved Font Name in it
    traditional: bool  # whether to keep the common traditional characters too


SOURCES = (
    Source(
        package="@expo-google-fonts/noto-sans-sc@0.4.3",
        member="800ExtraBold/NotoSansSC_800ExtraBold.ttf",
        output="OverpaintSans",
        family="Overpaint Sans",
        traditional=True,
    ),
    Source(
        package="@expo-google-fonts/ma-shan-zheng@0.4.3",
        member="400Regular/MaShanZheng_400Regular.ttf",
        output="OverpaintBrush",
        family="Overpaint Brush",
        traditional=False,
    ),
    Source(
        package="@expo-google-fonts/pacifico@0.4.1",
        member="400Regular/Pacifico_400Regular.ttf",
        output="OverpaintScript",
        family="Overpaint Script",
        traditional=False,
    ),
)

#: Outside GB 2312 and level 1 of Big5, but met in names, at weddings and in Cantonese.
EXTRA = (
    "囍囧喆玥堃珺旻昇翊祎禕赟贇垚犇骉羴焱烜炘晞昉暐祐妤婳瑄甯珝玙珮翀頔燚瀞潆滢珞璟玘琇珩玹璠瑀琯珣琰琬瑗"
    "瑢璎琎玭珈珧珉珅珲玟琨琸瑭瑧瑨璘璨晗晔晟旸昶昀昱昴暄曈炅烨煊煜熠燊燏焜焘淏湉湑澍澔沄沚洺湜滟瀛灏堉"
    "垲埜峣崚嵘宓宥宸奭姮娉媗嫄嬅孛怿恺悰惇愔慜憬懋戬揆斓旂旎旖旼晙晢晛枘柃栩桁梣棣楹榕樾橦歆毓玚玢琲瑱"
    "璁璆璈瓒畯皓皞盱睿瞻砚祺祯禛禧稷竑竣笙筠筱箐篪綦纮绂绚绮缇缨羿翎翚翮翯聿肸胤芃芊芮芸苡苒茀茜茉荞荻莀"
    "菁菡萱葳蓁蔚蔺蕙蕊薇藜蘅虓蜓衍裎觐訚诩谡谌豫赜跞轶辚辰逍逸邈邺郗郜郢鄞酆钊钏钰铄铖铠铮锜锟锴镕镝闳闿"
    "阗陞霁霏霖靖韬韶颀颉颖飏飒馥骁骅骋骏骐骞骥鸢鸣鹂鹏鹤鹭麒麓麟黎黛鼐龑龢"
    "嘅喺冇咗嚟咁佢哋嘢啲乜嗰冧瞓靓"
)


def repertoire(*, traditional: bool) -> set[int]:
    """Code points to keep: GB 2312, Latin, Greek, Cyrillic, kana, punctuation, vertical forms."""
    kept = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | set(range(0x2010, 0x2028))
    kept |= set(range(0x2030, 0x205F)) | set(range(0x20A0, 0x20C0)) | set(range(0x2190, 0x219A))
    kept |= set(range(0x3000, 0x3020)) | set(range(0x3041, 0x3100))
    kept |= set(range(0xFE10, 0xFE1A)) | set(range(0xFE30, 0xFE50)) | set(range(0xFF01, 0xFF5F))
    kept |= {0x2116, 0x2122, 0x2605, 0x2606, 0x2660, 0x2661, 0x2663, 0x2665, 0x2666, 0x266A}
    kept |= {0x2713, 0x2717, 0x2764, 0xFFE0, 0xFFE1, 0xFFE5}
    kept |= {code for row in range(0xA1, 0xF8) for code in _decoded("gb2312", row)}
    if traditional:  # Big5, level 1: the 5,401 common traditional characters
        kept |= {ord(character) for character in EXTRA}
        kept |= {code for row in range(0xA4, 0xC7) for code in _decoded("big5", row)}
    return kept


def _decoded(encoding: str, row: int) -> set[int]:
    pairs = (bytes([row, cell]) for cell in range(0x40, 0xFF))
    texts = (pair.decode(encoding, errors="ignore") for pair in pairs)
    return {ord(text) for text in texts if len(text) == 1}


def pair_kerning(font: TTFont) -> dict[tuple[str, str], int]:
    """Horizontal kerning of the ASCII pairs of glyph names, font units, read from GPOS."""
    if "GPOS" not in font:
        return {}
    table = font["GPOS"].table
    kern_lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "kern"
        for index in record.Feature.LookupListIndex
    }
    cmap = font.getBestCmap()
    names = sorted({cmap[code] for code in range(0x21, 0x7F) if code in cmap})
    pairs: dict[tuple[str, str], int] = {}
    for index in sorted(kern_lookups):
        for subtable in table.LookupList.Lookup[index].SubTable:
            if subtable.LookupType == 9:
                subtable = subtable.ExtSubTable
            if subtable.LookupType != 2:
                continue
            for left in names:
                if left not in subtable.Coverage.glyphs:
                    continue
                for right, value in _after(subtable, left, names):
                    if value:
                        pairs.setdefault((left, right), value)
    return pairs


def _after(subtable: Any, left: str, names: list[str]) -> list[tuple[str, int]]:
    if subtable.Format == 1:
        records = subtable.PairSet[subtable.Coverage.glyphs.index(left)].PairValueRecord
        found = {record.SecondGlyph: record.Value1 for record in records}
        return [(n, getattr(found[n], "XAdvance", 0) or 0) for n in names if found.get(n)]
    first = subtable.Class1Record[subtable.ClassDef1.classDefs.get(left, 0)].Class2Record
    values = [(n, first[subtable.ClassDef2.classDefs.get(n, 0)].Value1) for n in names]
    return [(n, getattr(value, "XAdvance", 0) or 0) for n, value in values if value]


def build(source: Source, font_path: Path, output: Path) -> dict[str, float]:
    """Write the subset; return the kerning of its pairs of characters, em."""
    font = TTFont(font_path, recalcTimestamp=False)
    pairs = pair_kerning(font)
    names_of = {name: chr(code) for code, name in reversed(font.getBestCmap().items())}
    em = font["head"].unitsPerEm
    kerning = {
        names_of[left] + names_of[right]: round(value / em, 4)
        for (left, right), value in pairs.items()
    }
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.glyph_names = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["GDEF", "GPOS", "GSUB", "BASE", "STAT", "vhea", "vmtx", "gasp", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=repertoire(traditional=source.traditional))
    subsetter.subset(font)
    names = font["name"]
    for identifier, text in (
        (1, source.family),
        (2, "Regular"),
        (3, f"{source.output}-1"),
        (4, source.family),
        (6, source.output),
    ):
        names.setName(text, identifier, 3, 1, 0x409)
    table = newTable("kern")  # for whoever draws with the files alone
    table.version = 0
    part = KernTable_format_0()
    part.version, part.coverage, part.format, part.apple = 0, 1, 0, False
    order = set(font.getGlyphOrder())
    part.kernTable = {pair: value for pair, value in pairs.items() if order.issuperset(pair)}
    table.kernTables = [part]
    font["kern"] = table
    font.save(output)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    print(f"{output.name}: {output.stat().st_size:,} bytes, {len(font.getBestCmap()):,} characters")
    print(f"  kerning pairs {len(kerning):,}, sha256 {digest}")
    return kerning


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    kerning: dict[str, dict[str, float]] = {}
    for source in SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            packed = subprocess.run(
                ["npm", "pack", "--silent", source.package],
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            with tarfile.open(Path(folder) / packed) as archive:
                archive.extractall(folder, filter="data")
            package = Path(folder) / "package"
            kerning[source.output] = build(
                source, package / source.member, target / f"{source.output}.ttf"
            )
            licence = (package / "LICENSE_FONT").read_text(encoding="utf-8")
            (target / f"{source.output}-OFL.txt").write_text(licence, encoding="utf-8")
    text = json.dumps(kerning, ensure_ascii=False, indent=0, sort_keys=True)
    (target / "kerning.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
