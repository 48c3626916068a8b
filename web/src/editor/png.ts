/** Gray PNG files of 8 bits, exact: levels in, levels out, no colour management between. */
import type { Levels } from "./plane";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** Filter "up": equal rows become zeros, which is most of a mask. */
const UP = 2;

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    c = (CRC[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  }
  return ~c >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc(out.subarray(4, 8 + data.length)));
  return out;
}

/** A gray PNG; with `negative`, of 255 less each level. */
export async function encodeGray(levels: Levels, negative = false): Promise<Blob> {
  const { width, height, data } = levels;
  const flip = negative ? 255 : 0;
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) {
    const at = y * (width + 1);
    const row = y * width;
    rows[at] = UP;
    if (y === 0) {
      for (let x = 0; x < width; x++) rows[at + 1 + x] = (data[x] as number) ^ flip;
      continue;
    }
    // 255 - a - (255 - b) is b - a: the first row alone tells the negative.
    const sign = negative ? -1 : 1;
    for (let x = 0; x < width; x++) {
      rows[at + 1 + x] = sign * ((data[row + x] as number) - (data[row + x - width] as number));
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits; colour type 0 (gray), deflate, filters, no interlace
  const body = await through(rows, new CompressionStream("deflate"));
  return new Blob(
    [
      new Uint8Array(SIGNATURE),
      chunk("IHDR", header),
      chunk("IDAT", body),
      chunk("IEND", new Uint8Array(0)),
    ],
    { type: "image/png" },
  );
}

/** Levels of a gray 8-bit PNG without interlace; null for any other file, for the browser to read. */
export async function decodeGray(file: Blob): Promise<Levels | null> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte) || bytes.length < 33) return null;
  const view = new DataView(bytes.buffer);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const plain = bytes[24] === 8 && bytes[25] === 0 && bytes[28] === 0;
  if (!plain || width === 0 || height === 0 || width * height > 1 << 26) return null;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) return null;
    if (type === "tRNS") return null;
    if (type === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  try {
    const body = new Uint8Array(await new Blob(parts).arrayBuffer());
    const rows = await through(body, new DecompressionStream("deflate"));
    return rows.length === height * (width + 1) ? unfilter(rows, width, height) : null;
  } catch {
    return null; // broken: the browser may read the part that is whole, or say so
  }
}

function unfilter(rows: Uint8Array, width: number, height: number): Levels | null {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = y * (width + 1);
    const to = y * width;
    const filter = rows[from] as number;
    if (filter > 4) return null;
    if (filter === UP && y > 0) {
      // What we write ourselves: read without a call a pixel.
      for (let x = 0; x < width; x++) {
        data[to + x] = (rows[from + 1 + x] as number) + (data[to + x - width] as number);
      }
      continue;
    }
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? (data[to + x - 1] as number) : 0;
      const up = y > 0 ? (data[to + x - width] as number) : 0;
      const corner = x > 0 && y > 0 ? (data[to + x - width - 1] as number) : 0;
      data[to + x] = (rows[from + 1 + x] as number) + predict(filter, left, up, corner);
    }
  }
  return { width, height, data };
}

/** PNG, 9.2: none, sub, up, average, Paeth. */
function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const p = left + up - corner;
  const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(out).arrayBuffer());
}
