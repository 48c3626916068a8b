"""The built-in concept library: what it knows, what it shows, and how it fails."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overpaint.concepts.library import (
    BUILT_IN,
    CACHE_BYTES,
    RENDERED,
    ConceptLibrary,
    Exemplars,
)
from overpaint.errors import OperationFailed

NOTICE = Path(__file__).resolve().parents[2] / "NOTICE"
ALLOWED_LICENCES = {"MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0"}  # nothing that asks to share alike


@pytest.fixture(scope="module")
def library() -> ConceptLibrary:
    return ConceptLibrary.open()


def test_knows_a_thousand_things_each_drawn_in_several_ways(library: ConceptLibrary) -> None:
    assert len(library.concepts) >= 1000
    drawings = {id_: {d for d, _ in c.exemplars} for id_, c in library.concepts.items()}
    lone = {id_ for id_, drawn in drawings.items() if len(drawn) < 2 and "photo" not in drawn}
    assert lone == {"fog", "hen", "koala", "raccoon"}  # the other drawings are tiles or heads
    assert sum("3d" in drawn for drawn in drawings.values()) >= 1000
    assert set.union(*drawings.values()) == {"photo", "3d", "shaded", "flat", "outline"}


def test_shows_garments_as_photographs(library: ConceptLibrary) -> None:
    shown = {
        id_: sum(drawing == "photo" for drawing, _ in concept.exemplars)
        for id_, concept in library.concepts.items()
    }
    garments = {id_ for id_, count in shown.items() if count}
    assert garments >= {
        "t-shirt",
        "dress",
        "shorts",
        "jeans",
        "sneakers",
        "sun-hat",
        "baseball-cap",
    }
    assert garments >= {"beanie", "skirt", "hoodie", "blazer", "shirt", "sweater", "polo-shirt"}
    assert all(library.concepts[id_].placement.startswith("worn-") for id_ in garments)
    assert all(library.concepts[id_].group == "clothing" for id_ in garments)
    assert sum(shown.values()) >= 120
    assert shown["t-shirt"] >= 6
    assert shown["dress"] >= 6
    first, *_, last = library.concepts["t-shirt"].exemplars  # photographs come after drawings
    assert first[0] == "3d"
    assert last[0] == "photo"


def test_every_concept_is_named_in_both_languages(library: ConceptLibrary) -> None:
    for id_, concept in library.concepts.items():
        assert concept.id == id_
        assert id_ == id_.lower()
        assert id_.isascii()
        assert concept.words_en[0] == concept.name_en.lower()
        assert concept.words_zh[0] == concept.name_zh.lower()
        for words in (concept.words_en, concept.words_zh):
            assert all(word == word.lower().strip() != "" for word in words)
            assert len(set(words)) == len(words)
        assert not set(concept.words_en) & set(concept.keywords_en)
        assert not set(concept.words_zh) & set(concept.keywords_zh)


def test_no_name_and_no_key_means_two_things(library: ConceptLibrary) -> None:
    concepts = library.concepts.values()
    assert len({c.name_zh for c in concepts}) == len({c.name_en for c in concepts})
    assert len({c.name_en for c in concepts}) == len(concepts)
    keys = Counter(key for c in concepts for _, key in c.exemplars)
    assert keys.most_common(1)[0][1] == 1


PAIRS = """
glasses: 眼镜 镜框 glasses eyeglasses spectacles
sunglasses: 墨镜 太阳镜 sunglasses shades
top-hat: 礼帽 帽子 top~hat hat
sun-hat: 草帽 遮阳帽 straw~hat
baseball-cap: 棒球帽 鸭舌帽 cap
crown: 皇冠 王冠 crown
bow: 蝴蝶结 领结 bow~tie ribbon
scarf: 围巾 scarf
necktie: 领带 tie
t-shirt: T恤 t-shirt 短袖
shirt: 衬衫 shirt
beanie: 毛线帽 beanie
skirt: 半身裙 skirt
trousers: 裤子 trousers
sweater: 毛衣 sweater
hoodie: 卫衣 hoodie
blazer: 西装 blazer suit
dress: 连衣裙 裙子 dress
sneakers: 运动鞋 sneakers
backpack: 书包 backpack
headphones: 耳机 headphones
ring: 戒指 ring
umbrella: 雨伞 umbrella
cat: 猫 小猫 cat kitten
dog: 狗 小狗 dog puppy
rabbit: 兔子 rabbit bunny
horse: 马 horse
butterfly: 蝴蝶 butterfly
bird: 鸟 bird
bee: 蜜蜂 bee
fish: 鱼 fish
rose: 玫瑰 rose
sunflower: 向日葵 sunflower
flower: 花 flower
tree: 树 tree
apple: 苹果 apple
banana: 香蕉 banana
strawberry: 草莓 strawberry
birthday-cake: 生日蛋糕 蛋糕 cake
ice-cream-cone: 冰淇淋 ice~cream
coffee: 咖啡 杯子 马克杯 cup mug
moon: 月亮 moon
sun: 太阳 sun
star: 星星 star
rainbow: 彩虹 rainbow
cloud: 云 cloud
fire: 火焰 fire
rocket: 火箭 rocket
ufo: 飞碟 UFO flying~saucer
balloon: 气球 balloon
gift: 礼物 gift
lantern: 灯笼 lantern
car: 汽车 car
bicycle: 自行车 bicycle bike
airplane: 飞机 plane
sailboat: 帆船 sailboat
house: 房子 house
castle: 城堡 castle
chair: 椅子 chair
book: 书 book
guitar: 吉他 guitar
trophy: 奖杯 trophy
robot: 机器人 robot
ghost: 幽灵 ghost
astronaut: 宇航员 astronaut
mermaid: 美人鱼 mermaid
heart: 爱心 heart
teddy-bear: 泰迪熊 teddy~bear
snowman: 雪人 snowman
fireworks: 烟花 fireworks
bridge: 桥 大桥 bridge
fire: 篝火 campfire bonfire
wine: 酒 红酒 red~wine
necklace: 项链 necklace
face-mask: 口罩 face~mask
moustache: 胡子 beard mustache
cowboy-hat: 牛仔帽 cowboy~hat
santa-hat: 圣诞帽 santa~hat
party-hat: 生日帽 party~hat
chef-hat: 厨师帽 chef~hat
halo: 光环 halo
monocle: 单片眼镜 monocle
bird: 海鸥 seagull
hen: 母鸡 鸡 chicken
alembic: 药水 potion
highway: 道路 road
""".strip().splitlines()


@pytest.mark.parametrize("line", PAIRS)
def test_a_word_finds_its_thing_first(library: ConceptLibrary, line: str) -> None:
    concept_id, _, words = line.partition(": ")
    for word in words.split():
        found = library.search(word.replace("~", " "), limit=3)
        assert found[0].concept.id == concept_id, word
        assert found[0].score >= 0.9


def test_search_forgives_spelling_and_orders_by_nearness(library: ConceptLibrary) -> None:
    assert library.search("suglasses")[0].concept.id == "sunglasses"
    assert library.search("  Top   HAT ")[0].concept.id == "top-hat"
    scores = [match.score for match in library.search("car", limit=20)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 20
    assert scores[0] == 1 > scores[1]
    assert library.search("brand new red umbrella") == []
    assert library.search("红色雨伞")[0].concept.id == "umbrella"
    assert library.search("qzxv") == []
    assert library.search(" ") == []


SCENES = """
fireworks sparkler shooting-star milky-way bridge cityscape city-at-night sunset sunrise fog
sunrise-over-mountains highway railway-track moon-viewing-ceremony island tent statue-of-liberty
carousel-horse ferris-wheel roller-coaster rainbow mountain surfer snowboarder skier fountain
sailboat ship speedboat motor-boat cruise-ship ferry canoe desert
"""


def test_scenes_come_without_a_sky_behind_them(library: ConceptLibrary) -> None:
    for concept_id in SCENES.split():
        for _, key in library.concepts[concept_id].exemplars:
            opaque = library.exemplar(key, size=64).pixels[..., 3] >= 128
            assert opaque[len(opaque) // 8].mean() < 0.92, key  # a tile is as wide up there


def test_boats_come_without_water(library: ConceptLibrary) -> None:
    for concept_id in SCENES.partition("sailboat")[2].split()[:-1]:
        for drawing, key in library.concepts[concept_id].exemplars:
            lowest = library.exemplar(key, size=64).pixels[-2:, :, 3] >= 128
            assert drawing == "outline" or lowest.mean() < 0.97, key  # water fills its whole width


def test_the_plain_word_for_an_animal_is_its_whole_body(library: ConceptLibrary) -> None:
    for word in ("dog", "cat", "tiger", "horse", "cow", "pig", "rabbit", "mouse", "monkey"):
        assert library.search(word)[0].concept.id == word
        assert library.concepts[f"{word}-face"].exemplars
    keys = {id_: [key for _, key in concept.exemplars] for id_, concept in library.concepts.items()}
    assert keys["raccoon"] == ["raccoon/noto"]
    assert keys["koala"] == ["koala/noto-v1", "koala/emojione"]
    assert keys["hen"] == ["hen/noto-v1", "hen/emojione"]
    assert "gorilla/twemoji" not in keys["gorilla"]
    assert "cat/icon-park" not in keys["cat"]


def test_what_carries_writing_must_not_be_mirrored(library: ConceptLibrary) -> None:
    mirrorable = {id_ for id_, concept in library.concepts.items() if concept.mirrorable}
    assert mirrorable >= {"cat", "glasses", "sailboat", "rose", "t-shirt", "hoodie", "guitar"}
    assert not mirrorable & {
        *("book", "newspaper", "calendar", "clock", "watch", "alarm-clock", "world-map", "earth"),
        *("keyboard", "piano", "musical-score", "red-flag", "stop-sign", "dollar-bill", "hotel"),
        *("playing-card", "dice", "red-envelope", "mahjong-tile", "ambulance", "gold-medal"),
    }
    assert len(mirrorable) > 1100


def test_what_a_thing_has_to_do_with_is_no_name_of_it(library: ConceptLibrary) -> None:
    assert "clothing" not in library.concepts["glasses"].words_en
    assert "眼睛" not in library.concepts["glasses"].words_zh
    assert library.search("eyewear")[0].score < 0.9


def test_tells_how_things_sit(library: ConceptLibrary) -> None:
    placement = {id_: concept.placement for id_, concept in library.concepts.items()}
    assert placement["glasses"] == placement["sunglasses"] == "worn-eyes"
    assert placement["crown"] == placement["top-hat"] == "worn-head"
    assert placement["scarf"] == "worn-neck"
    assert placement["balloon"] == placement["moon"] == placement["ufo"] == "floats"
    assert placement["cat"] == placement["house"] == "stands"


def test_a_sample_of_every_source_decodes_tightly_cropped(library: ConceptLibrary) -> None:
    keys = [key for c in library.concepts.values() for _, key in c.exemplars]
    for key in keys[::29]:
        pixels = library.exemplar(key, size=64).pixels
        assert pixels.dtype == np.uint8
        assert max(pixels.shape[:2]) == 64
        visible = pixels[..., 3] >= 12
        assert visible.mean() > 0.05, key
        rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        height, width = visible.shape
        assert rows[0] <= 1 >= columns[0], key
        assert height - rows[-1] <= 2, key
        assert width - columns[-1] <= 2, key


def test_every_listed_picture_is_in_the_file(library: ConceptLibrary) -> None:
    drawings, photographs = BUILT_IN
    with zipfile.ZipFile(drawings) as archive:
        names = set(archive.namelist())
        for concept in ConceptLibrary.open(drawings).concepts.values():
            rendered = [key for drawing, key in concept.exemplars if drawing in RENDERED]
            lines = archive.read(f"{concept.id}/vectors.svgs").split(b"\n")
            assert len(lines) == len(concept.exemplars) - len(rendered)
            assert all(line.startswith(b"<svg ") and line.endswith(b"</svg>") for line in lines)
            assert {f"{concept.id}/{n}.webp" for n in range(len(rendered))} <= names
    with zipfile.ZipFile(photographs) as archive:
        listed = [
            (id_, sum(drawing == "photo" for drawing, _ in concept.exemplars))
            for id_, concept in library.concepts.items()
        ]
        wanted = {f"{id_}/{n}.webp" for id_, count in listed for n in range(count)}
        assert set(archive.namelist()) == wanted | {"index.json"}


def test_colour_is_straight_under_soft_alpha(library: ConceptLibrary) -> None:
    pixels = library.exemplar("heart/twemoji", size=128).pixels
    edge = pixels[(pixels[..., 3] > 100) & (pixels[..., 3] < 160)]
    inside = pixels[pixels[..., 3] == 255].mean(axis=0)
    assert len(edge)
    assert np.abs(edge.mean(axis=0) - inside)[:3].max() < 12


def test_an_exemplar_is_kept_and_cannot_be_changed(library: ConceptLibrary) -> None:
    first = library.exemplar("cat/noto", size=96)
    assert library.exemplar("cat/noto", size=96) is first
    assert (first.concept_id, first.drawing, first.key) == ("cat", "shaded", "cat/noto")
    with pytest.raises(ValueError, match="read-only"):
        first.pixels[0, 0] = 0


def test_the_cache_stays_within_its_bound() -> None:
    library = ConceptLibrary.open()
    keys = [key for c in library.concepts.values() for d, key in c.exemplars if d == "3d"][:24]
    for key in keys:
        library.exemplar(key, size=1000)
        assert library.cached_bytes <= CACHE_BYTES
    assert library.cached_bytes > CACHE_BYTES // 2


def test_threads_get_the_same_pictures() -> None:
    library, alone = ConceptLibrary.open(), ConceptLibrary.open()
    keys = [key for c in list(library.concepts.values())[::60] for _, key in c.exemplars[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda key: library.exemplar(key, size=48), keys * 2))
    for key, exemplar in zip(keys * 2, together, strict=True):
        np.testing.assert_array_equal(exemplar.pixels, alone.exemplar(key, size=48).pixels)


def test_unknown_keys_are_key_errors(library: ConceptLibrary) -> None:
    for key in ("glasses/crayon", "no-such-thing/noto", "glasses", ""):
        with pytest.raises(KeyError):
            library.exemplar(key, size=32)


def test_every_source_is_free_and_in_the_notice(library: ConceptLibrary) -> None:
    notice = NOTICE.read_text(encoding="utf-8")
    used = {key.split("/")[1] for c in library.concepts.values() for _, key in c.exemplars}
    assert {re.sub(r"-[2-9]\d*$|-1\d+$", "", name) for name in used} == set(library.sources)
    for source in library.sources.values():
        assert source.licence in ALLOWED_LICENCES
        package, _, version = source.package.rpartition("@")
        assert f"{package} {version}".strip() in notice
        assert source.url in notice


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=r"the concept library is missing: .*none\.zip"):
        ConceptLibrary.open(tmp_path / "none.zip")


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut short"])
def test_a_damaged_file_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(data)
    with pytest.raises(OperationFailed, match="the concept library is damaged"):
        ConceptLibrary.open(path)


def _archive(path: Path, index: object, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("index.json", json.dumps(index))
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "index",
    [
        {},
        [],
        {"format": 2, "sources": [], "concepts": [["x"]]},
        {"format": 2, "sources": [], "concepts": [], "more": []},
        {"format": 2, "sources": [], "concepts": [], "more": {"cat": [0]}},
    ],
)
def test_a_damaged_index_is_said(tmp_path: Path, index: object) -> None:
    with pytest.raises(OperationFailed, match="the concept library is damaged"):
        ConceptLibrary.open(_archive(tmp_path / "odd.zip", index))


def test_another_format_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="the concept library has format 99, not 2"):
        ConceptLibrary.open(_archive(tmp_path / "new.zip", {"format": 99}))


@pytest.mark.parametrize("drawing", [b"<svg", b"", b"<svg viewBox='0'>", b"\xff\xfe"])
def test_a_damaged_picture_is_said(tmp_path: Path, drawing: bytes) -> None:
    source = dict.fromkeys(("title", "author", "licence", "url", "package"), "-")
    rows = [["cup", "cup", "杯子", ["cup"], ["杯子"], [], [], "dishware", "stands", [0, 1]]]
    sources = [{"id": "a", "drawing": "flat", **source}, {"id": "b", "drawing": "3d", **source}]
    index = {"format": 2, "sources": sources, "concepts": rows}
    path = _archive(
        tmp_path / "picture.zip", index, **{"cup/vectors.svgs": drawing, "cup/0.webp": drawing}
    )
    library = ConceptLibrary.open(path)
    for key in ("cup/a", "cup/b"):
        with pytest.raises(OperationFailed, match=r"the concept library is damaged: .*cup/"):
            library.exemplar(key, size=32)


def test_a_missing_picture_is_said(tmp_path: Path) -> None:
    source = dict.fromkeys(("title", "author", "licence", "url", "package"), "-")
    rows = [["cup", "cup", "杯子", ["cup"], ["杯子"], [], [], "dishware", "stands", [0]]]
    index = {"format": 2, "sources": [{"id": "a", "drawing": "flat", **source}], "concepts": rows}
    library = ConceptLibrary.open(_archive(tmp_path / "gone.zip", index))
    with pytest.raises(OperationFailed, match=r"damaged: .*gone\.zip, cup/vectors\.svgs"):
        library.exemplar("cup/a", size=32)


WHERE = dict.fromkeys(("title", "author", "licence", "url", "package"), "-")


def _added(path: Path, source: str, index: dict[str, object], *members: str) -> Path:
    """An artefact of red WebP pictures."""
    buffer = io.BytesIO()
    Image.new("RGBA", (20, 10), (200, 30, 30, 255)).save(buffer, "WEBP", lossless=True)
    sources = [{"id": source, "drawing": "photo", **WHERE}]
    with zipfile.ZipFile(path, "w") as archive:
        index = {"format": 2, "sources": sources, "concepts": [], **index}
        archive.writestr("index.json", json.dumps(index))
        for member in members:
            archive.writestr(member, buffer.getvalue())
    return path


def test_an_artefact_adds_pictures_and_concepts_to_those_before(tmp_path: Path) -> None:
    kit = ["kit", "Kit", "套件", ["kit"], ["套件"], [], [], "clothing", "worn-body", [0]]
    mine = _added(
        tmp_path / "mine.zip",
        "mine",
        {"concepts": [kit], "more": {"t-shirt": [0, 0]}},
        "kit/0.webp",
        "t-shirt/0.webp",
        "t-shirt/1.webp",
    )
    before, library = ConceptLibrary.open(*BUILT_IN), ConceptLibrary.open(*BUILT_IN, mine)
    shirt = before.concepts["t-shirt"]
    added: Exemplars = (("photo", "t-shirt/mine"), ("photo", "t-shirt/mine-2"))
    assert library.concepts["t-shirt"] == replace(shirt, exemplars=shirt.exemplars + added)
    assert library.concepts["kit"].exemplars == (("photo", "kit/mine"),)
    assert {**library.concepts} == {
        **before.concepts,
        "t-shirt": library.concepts["t-shirt"],
        "kit": library.concepts["kit"],
    }
    assert library.search("套件")[0].concept.id == "kit"
    for key in ("t-shirt/mine-2", "kit/mine"):
        exemplar = library.exemplar(key, size=40)
        assert exemplar.drawing == "photo"
        assert exemplar.pixels.shape == (20, 40, 4)
        assert exemplar.pixels[10, 20].tolist() == [200, 30, 30, 255]
    for key in ("t-shirt/photo", "t-shirt/fluent-3d", "t-shirt/noto"):  # found where they were
        ours, theirs = (shelf.exemplar(key, size=32).pixels for shelf in (before, library))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("source", "index", "message"),
    [
        ("photo", {}, r"it has what is there already: \['photo'\]"),
        (
            "mine",
            {"concepts": [["cat", "cat", "猫", ["cat"], ["猫"], [], [], "pets", "stands", [0]]]},
            r"it has what is there already: \['cat'\]",
        ),
        ("mine", {"more": {"no-such-thing": [0]}}, r"it adds to none: \['no-such-thing'\]"),
    ],
)
def test_artefacts_that_do_not_fit_together_are_refused(
    tmp_path: Path, source: str, index: dict[str, object], message: str
) -> None:
    path = _added(tmp_path / "odd.zip", source, index)
    with pytest.raises(
        OperationFailed, match=r"odd\.zip does not fit the concept library: .*" + message
    ):
        ConceptLibrary.open(*BUILT_IN, path)
