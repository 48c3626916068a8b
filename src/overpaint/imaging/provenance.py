"""Provenance: what made a picture, written into it as XMP and read back.

Three vocabularies, in one XMP packet (ISO 16684-1):

- IPTC Photo Metadata 2025.1, Digital Source Type: made or only partly made by a trained model.
- The implicit label of GB 45438-2025, annex E: a JSON object with seven keys, in the element
  `TC260:AIGC`, as the practice guide TC260-PG-20258A places it in PNG (iTXt) and JPEG (APP1).
  `Label` "1" means that the content is generated.
- Engine, prompt and seed, in a namespace of our own.
"""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

from PIL import Image

from overpaint._version import __version__
from overpaint.imaging.source import caught_warnings

WHOLE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PART = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
LONGEST_PROMPT = 8000  # characters; a JPEG has room for one packet of 65,502 bytes

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_OWN = "urn:overpaint:provenance:1.0/"  # no domain is claimed
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made a picture."""

    engine: str
    prompt: str = ""
    seed: int | None = None
    whole: bool = False  # the whole picture was repainted, not a part of it
    version: str = __version__  # of Overpaint
    created: str | None = None  # ISO 8601; left out unless given, so that bytes stay the same
    producer: str = "Overpaint"  # who runs it: name or code, for the label's ContentProducer
    content_id: str = ""  # number of this content, for the label's ProduceID


def aigc_label(provenance: Provenance) -> dict[str, str]:
    """Return the seven fields of GB 45438-2025, annex E."""
    return {
        "Label": "1",
        "ContentProducer": provenance.producer,
        "ProduceID": provenance.content_id,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


def to_xmp(provenance: Provenance) -> bytes:
    """Return the XMP packet, UTF-8. Equal provenance gives equal bytes."""
    prompt = provenance.prompt
    if len(prompt) > LONGEST_PROMPT:
        prompt = prompt[: LONGEST_PROMPT - 1] + "…"
    from xml.sax.saxutils import escape, quoteattr  # here, since it imports half of urllib

    label = json.dumps(aigc_label(provenance), ensure_ascii=False, separators=(",", ":"))
    properties = {
        "xmp:CreatorTool": f"Overpaint {provenance.version}",
        "xmp:CreateDate": provenance.created,
        "Iptc4xmpExt:DigitalSourceType": WHOLE if provenance.whole else PART,
        "overpaint:Engine": provenance.engine,
        "overpaint:Prompt": prompt,
        "overpaint:Seed": None if provenance.seed is None else str(provenance.seed),
    }
    lines = "".join(
        f"\n   {name}={quoteattr(_NOT_IN_XML.sub('�', value))}"
        for name, value in properties.items()
        if value is not None
    )
    packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""
   xmlns:xmp="{_XMP}"
   xmlns:Iptc4xmpExt="{_IPTC}"
   xmlns:TC260="{_TC260}"
   xmlns:overpaint="{_OWN}"{lines}>
   <TC260:AIGC>{escape(_NOT_IN_XML.sub("�", label))}</TC260:AIGC>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
    return packet.encode()


def read_provenance(data: bytes) -> Provenance | None:
    """Read back what `encode` wrote; None when the file carries no provenance of Overpaint."""
    with caught_warnings():
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "TIFF")) as image:
                packet = image.info.get("xmp")
        except (
            OSError,
            SyntaxError,
            ValueError,
            TypeError,
            KeyError,
            Image.DecompressionBombError,
        ):
            return None
    return from_xmp(packet) if packet else None


def from_xmp(packet: bytes | str) -> Provenance | None:
    """Parse an XMP packet; None when it is not one of Overpaint's."""
    raw = packet.encode() if isinstance(packet, str) else packet
    if b"<!" in raw:  # XMP has neither DOCTYPE nor ENTITY; expat would expand them
        return None
    try:
        root = ET.fromstring(raw.strip(b"\0 \n"))
    except ET.ParseError:
        return None
    found: dict[str, str] = {}
    for description in root.iter(f"{{{_RDF}}}Description"):
        found |= dict(description.attrib)
        found |= {child.tag: child.text or "" for child in description}
    engine = found.get(f"{{{_OWN}}}Engine")
    if engine is None:
        return None
    label = _label_of(found.get(f"{{{_TC260}}}AIGC", ""))
    seed = found.get(f"{{{_OWN}}}Seed")
    return Provenance(
        engine=engine,
        prompt=found.get(f"{{{_OWN}}}Prompt", ""),
        seed=int(seed) if seed and re.fullmatch(r"-?\d{1,20}", seed) else None,
        whole=found.get(f"{{{_IPTC}}}DigitalSourceType") == WHOLE,
        version=found.get(f"{{{_XMP}}}CreatorTool", "").removeprefix("Overpaint "),
        created=found.get(f"{{{_XMP}}}CreateDate"),
        producer=str(label.get("ContentProducer", "")),
        content_id=str(label.get("ProduceID", "")),
    )


def _label_of(text: str) -> dict[str, Any]:
    try:
        label = json.loads(text)
    except ValueError:
        return {}
    return label if isinstance(label, dict) else {}
