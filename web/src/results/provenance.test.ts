import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { jpegWith, provenanceOf, webpWith } from "./provenance";

type Bytes = Uint8Array<ArrayBuffer>;
const bytes = (text: string): Bytes => Uint8Array.from(text, (one) => one.charCodeAt(0));
const text = (of: Bytes): string => String.fromCharCode(...of);

function chunk(name: string, data: string): string {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return `${text(length)}${name}${data}crc!`;
}

const SIGNATURE = "\x89PNG\r\n\x1a\n";
const PACKET = "<?xpacket?><x:xmpmeta/>";

describe("the packet of a PNG file", () => {
  it("is found among other chunks, plain and compressed", async () => {
    const plain = chunk("iTXt", `XML:com.adobe.xmp\0\0\0en\0xmp\0${PACKET}`);
    const other = chunk("iTXt", "Comment\0\0\0\0\0hello") + chunk("IHDR", "x".repeat(13));
    const file = bytes(SIGNATURE + other + plain + chunk("IEND", ""));
    expect(text((await provenanceOf(file)) as Bytes)).toBe(PACKET);
    const squeezed = text(new Uint8Array(deflateSync(PACKET)));
    const packed = chunk("iTXt", `XML:com.adobe.xmp\0\x01\0\0\0${squeezed}`);
    const compressed = await provenanceOf(bytes(SIGNATURE + packed));
    expect(text(compressed as Bytes)).toBe(PACKET);
  });

  it("is null where there is none, and where the file is cut off", async () => {
    expect(await provenanceOf(bytes(SIGNATURE + chunk("IEND", "")))).toBeNull();
    expect(await provenanceOf(bytes(`${SIGNATURE}\0\0\xff\xffiTXtXML`))).toBeNull();
    expect(await provenanceOf(bytes(""))).toBeNull();
  });
});

describe("a JPEG file with a packet", () => {
  const segment = `\xff\xe1\0${String.fromCharCode(2 + 29 + PACKET.length)}http://ns.adobe.com/xap/1.0/\0${PACKET}`;

  it("has it after JFIF's segment, or first", () => {
    const jfif = "\xff\xd8\xff\xe0\0\x06JFIF";
    expect(text(jpegWith(bytes(`${jfif}rest`), bytes(PACKET)) as Bytes)).toBe(
      `${jfif}${segment}rest`,
    );
    expect(text(jpegWith(bytes("\xff\xd8\xff\xdbrest"), bytes(PACKET)) as Bytes)).toBe(
      `\xff\xd8${segment}\xff\xdbrest`,
    );
  });

  it("is not made where the packet is longer than a segment", () => {
    const limit = 65_533 - 29;
    const jpeg = bytes("\xff\xd8\xff\xdb");
    expect(jpegWith(jpeg, new Uint8Array(limit))?.subarray(4, 6)).toEqual(bytes("\xff\xff"));
    expect(jpegWith(jpeg, new Uint8Array(limit + 1))).toBeNull();
  });
});

function riff(body: string): Bytes {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, body.length + 4, true);
  return bytes(`RIFF${text(size)}WEBP${body}`);
}

describe("a WebP file with a packet", () => {
  it("becomes an extended one, which says its size, its alpha and its packet", () => {
    const packet = `${PACKET}.`.slice(0, 23);
    const made = webpWith(riff("VP8 \x04\0\0\0data"), bytes(packet), 4095, 257);
    expect(text(made)).toBe(
      text(
        riff(
          `VP8X\x0a\0\0\0\x04\0\0\0\xfe\x0f\0\0\x01\0VP8 \x04\0\0\0dataXMP \x17\0\0\0${packet}\0`,
        ),
      ),
    );
    const lossless = webpWith(riff("VP8L\x06\0\0\0\x2f\0\0\0\x10x"), bytes("xx"), 1, 1);
    expect(lossless[20]).toBe(0x14);
  });

  it("keeps the flags that an extended one has", () => {
    const made = webpWith(riff("VP8X\x0a\0\0\0\x10\0\0\0\0\0\0\0\0\0ALPH"), bytes("xx"), 1, 1);
    expect(made[20]).toBe(0x14);
    expect(text(made.slice(-10))).toBe("XMP \x02\0\0\0xx");
  });
});
