/**
 * Provenance of a result: the XMP packet of its PNG file, and the same packet in JPEG and WebP files
 * that the browser makes. So a converted picture says what made it even when no server answers.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const KEYWORD = "XML:com.adobe.xmp\0";
const IN_JPEG = new TextEncoder().encode("http://ns.adobe.com/xap/1.0/\0");
/** Of one APP1 segment's payload. */
const JPEG_ROOM = 65_533 - IN_JPEG.length;

/** The XMP packet in a PNG file's iTXt chunk; null where there is none. */
export async function provenanceOf(png: Bytes): Promise<Bytes | null> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let at = 8;
  while (at + 12 <= png.length) {
    const length = view.getUint32(at);
    const data = at + 8;
    if (data + length + 4 > png.length) return null;
    if (ascii(png, at + 4, 4) === "iTXt" && ascii(png, data, KEYWORD.length) === KEYWORD) {
      return textOf(png.subarray(data + KEYWORD.length, data + length));
    }
    at = data + length + 4;
  }
  return null;
}

/** What follows the keyword: compression flag and method, language, translated keyword, text. */
async function textOf(rest: Bytes): Promise<Bytes> {
  const language = rest.indexOf(0, 2);
  const text = rest.slice(rest.indexOf(0, language + 1) + 1);
  if (rest[0] !== 1) return text;
  const stream = new Blob([text]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A JPEG file with the packet; null where the packet is too long for its segment. */
export function jpegWith(jpeg: Bytes, packet: Bytes): Bytes | null {
  if (packet.length > JPEG_ROOM) return null;
  // After SOI and, where there is one, JFIF's APP0, which has to be first.
  const at = jpeg[2] === 0xff && jpeg[3] === 0xe0 ? 4 + (byte(jpeg, 4) << 8) + byte(jpeg, 5) : 2;
  const length = IN_JPEG.length + packet.length + 2;
  const head = new Uint8Array([0xff, 0xe1, length >> 8, length & 255]);
  return joined([jpeg.subarray(0, at), head, IN_JPEG, packet, jpeg.subarray(at)]);
}

const XMP_FLAG = 0x04;
const ALPHA_FLAG = 0x10;

/** A WebP file with the packet; `width` and `height` are the picture's, px. */
export function webpWith(webp: Bytes, packet: Bytes, width: number, height: number): Bytes {
  const first = ascii(webp, 12, 4);
  let body: Bytes;
  if (first === "VP8X") {
    body = webp.slice(12);
    body[8] = byte(body, 8) | XMP_FLAG;
  } else {
    // VP8L: 14 bits of width, 14 of height, then whether alpha is used; after the signature 0x2f.
    const alpha = first === "VP8L" && (byte(webp, 24) & 0x10) !== 0;
    const extended = new Uint8Array(18);
    const view = new DataView(extended.buffer);
    extended.set(new TextEncoder().encode("VP8X"));
    view.setUint32(4, 10, true);
    extended[8] = XMP_FLAG | (alpha ? ALPHA_FLAG : 0);
    view.setUint32(12, width - 1, true); // 24 bits each
    view.setUint16(15, (height - 1) & 0xffff, true);
    extended[17] = (height - 1) >> 16;
    body = joined([extended, webp.subarray(12)]);
  }
  const padding = new Uint8Array(packet.length % 2);
  const head = new Uint8Array(8);
  head.set(new TextEncoder().encode("XMP "));
  new DataView(head.buffer).setUint32(4, packet.length, true);
  const file = joined([webp.subarray(0, 12), body, head, packet, padding]);
  new DataView(file.buffer).setUint32(4, file.length - 8, true);
  return file;
}

function byte(bytes: Bytes, at: number): number {
  return bytes[at] ?? 0;
}

function ascii(bytes: Bytes, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function joined(parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
