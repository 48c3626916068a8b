from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.unit.picture_files import file_of, noise, smooth

from overpaint._version import __version__
from overpaint.imaging.encode import encode
from overpaint.imaging.provenance import (
    LONGEST_PROMPT,
    PART,
    WHOLE,
    Provenance,
    from_xmp,
    read_provenance,
    to_xmp,
)
from overpaint.values import Picture

MADE = Provenance(
    engine="collage",
    prompt="一只猫 & a <\"red\"> 'hat'\nsecond line 🐱",
    seed=2**63,
    created="2025-09-01T08:00:00+08:00",
    producer="某公司",
    content_id="abc123",
)
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("provenance", [MADE, replace(MADE, whole=True), Provenance(engine="x")])
def test_round_trip_in_every_format(kind: str, dtype: type, provenance: Provenance) -> None:
    data = encode(Picture(pixels=noise(4, dtype)), format=kind, provenance=provenance)
    read = read_provenance(data)
    assert read is not None
    if not provenance.content_id:
        assert len(read.content_id) == 32
        read = replace(read, content_id="")
    assert read == provenance


def test_content_id_tells_pictures_and_prompts_apart() -> None:
    ids = set()
    for pixels in (noise(3), noise(3, seed=1)):
        for prompt in ("a", "b"):
            for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
                made = Provenance(engine="collage", prompt=prompt)
                read = read_provenance(encode(Picture(pixels=pixels), format=kind, provenance=made))
                assert read is not None
                ids.add((kind, read.content_id))
    assert len(ids) == 16


@pytest.mark.parametrize(("whole", "term"), [(False, PART), (True, WHOLE)])
def test_the_packet_says_what_the_vocabularies_ask(whole: bool, term: str) -> None:
    packet = to_xmp(replace(MADE, whole=whole))
    description = ET.fromstring(packet).find(f".//{RDF}Description")
    assert description is not None
    said = description.attrib | {child.tag: child.text or "" for child in description}
    assert said["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"] == term
    assert term.startswith("http://cv.iptc.org/newscodes/digitalsourcetype/")
    assert said["{http://ns.adobe.com/xap/1.0/}CreatorTool"] == f"Overpaint {__version__}"
    assert b'<TC260:AIGC>{"Label":"1",' in packet
    assert json.loads(said["{http://www.tc260.org.cn/ns/AIGC/1.0/}AIGC"]) == {
        "Label": "1",
        "ContentProducer": "某公司",
        "ProduceID": "abc123",
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


def test_the_packet_is_where_readers_look() -> None:
    picture = Picture(pixels=smooth())
    jpeg = encode(picture, format="JPEG", provenance=MADE)
    assert jpeg[2:4] == b"\xff\xe0"  # JFIF stays first
    assert b"\xff\xe1" in jpeg
    assert b"http://ns.adobe.com/xap/1.0/\0<?xpacket" in jpeg
    assert b"iTXtXML:com.adobe.xmp\0" in encode(picture, format="PNG", provenance=MADE)
    assert b"XMP " in encode(picture, format="WEBP", provenance=MADE)
    with Image.open(io.BytesIO(encode(picture, format="TIFF", provenance=MADE))) as image:
        assert image.tag_v2[700].startswith(b"<?xpacket")  # type: ignore[attr-defined]


def test_created_is_left_out_unless_given() -> None:
    assert b"CreateDate" not in to_xmp(Provenance(engine="x"))
    assert b'xmp:CreateDate="2025-09-01T08:00:00+08:00"' in to_xmp(MADE)


def test_a_very_long_prompt_is_cut_so_that_a_jpeg_can_hold_it() -> None:
    made = Provenance(engine="x", prompt="猫&" * 100_000)
    read = read_provenance(encode(Picture(pixels=smooth()), format="JPEG", provenance=made))
    assert read is not None
    assert len(read.prompt) == LONGEST_PROMPT
    assert read.prompt.endswith("…")


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    read = from_xmp(to_xmp(Provenance(engine="x", prompt="a\0b\x1bc\ud800d")))
    assert read is not None
    assert read.prompt == "a\ufffdb\ufffdc\ufffdd"


def test_property_elements_are_read_like_attributes() -> None:
    packet = to_xmp(Provenance(engine="x")).replace(b'overpaint:Engine="x"', b"")
    packet = packet.replace(
        b"</rdf:Description>", b"<overpaint:Engine>other</overpaint:Engine></rdf:Description>"
    )
    read = from_xmp(packet)
    assert read is not None
    assert read.engine == "other"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"GIF89a" + bytes(50),
        file_of(smooth(), "PNG"),
        file_of(smooth(), "JPEG", xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"),
        file_of(smooth(), "JPEG", xmp=b"not xml"),
        file_of(smooth(), "BMP"),
    ],
)
def test_files_without_provenance(data: bytes) -> None:
    assert read_provenance(data) is None


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + to_xmp(MADE)
    assert from_xmp(bomb) is None


def test_damaged_label_and_seed_do_not_hide_the_rest() -> None:
    packet = to_xmp(Provenance(engine="x", seed=5))
    packet = packet.replace(b'Seed="5"', b'Seed="five"').replace(b'{"Label', b"[")
    read = from_xmp(packet)
    assert read is not None
    assert (read.engine, read.seed, read.producer) == ("x", None, "")
