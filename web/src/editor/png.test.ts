import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeGray, encodeGray } from "./png";
import { readLevels, sameAspect, scaleLevels } from "./reading";

function levels(width: number, height: number) {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = (i * i * 31 + (i >> 3)) % 256;
  return { width, height, data };
}

describe("a gray PNG", () => {
  it.each([
    [1, 1],
    [300, 7],
    [33, 260],
  ] as const)("of %i x %i comes back exactly", async (w, h) => {
    const from = levels(w, h);
    const file = await encodeGray(from);
    expect(file.type).toBe("image/png");
    expect(await decodeGray(file)).toEqual(from);
    const turned = await decodeGray(await encodeGray(from, true));
    expect(turned?.data).toEqual(from.data.map((level) => 255 - level));
  });

  it("has the chunks and sums that others expect", async () => {
    const bytes = Buffer.from(await (await encodeGray(levels(5, 2))).arrayBuffer());
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from("89504e470d0a1a0a", "hex"));
    expect(bytes.toString("latin1", 12, 16)).toBe("IHDR");
    expect([...bytes.subarray(24, 29)]).toEqual([8, 0, 0, 0, 0]);
    // The end chunk is the same in every PNG file, sum and all.
    expect(bytes.subarray(-12)).toEqual(Buffer.from("0000000049454e44ae426082", "hex"));
    const length = bytes.readUInt32BE(33);
    expect(inflateSync(bytes.subarray(41, 41 + length))).toHaveLength(2 * 6);
  });

  it("of another kind is left to the browser", async () => {
    const file = Buffer.from(await (await encodeGray(levels(5, 2))).arrayBuffer());
    const with2 = (at: number, byte: number) => {
      const changed = Buffer.from(file);
      changed[at] = byte;
      return new Blob([changed]);
    };
    expect(await decodeGray(with2(25, 6))).toBeNull(); // colour and alpha
    expect(await decodeGray(with2(24, 16))).toBeNull();
    expect(await decodeGray(with2(0, 0))).toBeNull();
    expect(await decodeGray(with2(45, 0xff))).toBeNull(); // broken data
    expect(await decodeGray(new Blob([file.subarray(0, 40)]))).toBeNull();
    expect(await decodeGray(new Blob(["GIF89a"]))).toBeNull();
  });
});

describe("a picture read as a mask", () => {
  const read = (pixels: number[][], how: "auto" | "light" | "alpha" = "auto", lossy = false) => [
    ...readLevels(
      { width: pixels.length, height: 1, data: Uint8Array.from(pixels.flat()) },
      how,
      lossy,
    ).data,
  ];
  const WHITE = [255, 255, 255, 255];
  const BLACK = [0, 0, 0, 255];
  const CLEAR = [0, 0, 0, 0];
  const RED = [255, 0, 0, 255];
  const PHOTO = [200, 120, 90, 255];

  it("by light is its smallest channel, over black", () => {
    expect(read([WHITE, BLACK, [200, 120, 90, 255], [255, 255, 255, 128]], "light")).toEqual([
      255, 0, 90, 128,
    ]);
    expect(read([WHITE, BLACK, RED])).toEqual([255, 0, 0]);
  });

  it("by alpha is what is clear", () => {
    expect(read([WHITE, CLEAR, [9, 9, 9, 100]], "alpha")).toEqual([0, 255, 155]);
  });

  it("takes strokes of one colour on a clear canvas by their opacity", () => {
    expect(read([RED, CLEAR, [255, 0, 0, 90]])).toEqual([255, 0, 90]);
    expect(read([WHITE, CLEAR])).toEqual([255, 0]);
  });

  it("takes the clear part of a photograph, and of black strokes", () => {
    expect(read([PHOTO, RED, CLEAR])).toEqual([0, 0, 255]);
    expect(read([BLACK, CLEAR])).toEqual([0, 255]);
  });

  it("takes a gray mask with clear parts by light", () => {
    expect(read([WHITE, BLACK, CLEAR])).toEqual([255, 0, 0]);
  });

  it("of levels 0 and 1 is a mask too, and JPEG's noise is none", () => {
    expect(read([[1, 1, 1, 255], BLACK])).toEqual([255, 0]);
    const noisy = [
      [250, 251, 249, 255],
      [7, 6, 5, 255],
      [100, 100, 100, 255],
    ];
    expect(read(noisy, "auto", true)).toEqual([255, 0, 100]);
  });
});

describe("another size", () => {
  it("is taken where the aspect is the same but for rounding", () => {
    expect(sameAspect({ width: 400, height: 300 }, { width: 1001, height: 750 })).toBe(true);
    expect(sameAspect({ width: 400, height: 300 }, { width: 300, height: 400 })).toBe(false);
    expect(sameAspect({ width: 400, height: 300 }, { width: 410, height: 300 })).toBe(false);
  });

  it("keeps a hard mask hard and a soft one soft", () => {
    const hard = { width: 3, height: 2, data: Uint8Array.of(0, 255, 255, 0, 0, 255) };
    const large = scaleLevels(hard, 30, 20);
    expect(new Set(large.data)).toEqual(new Set([0, 255]));
    expect(large.data.filter((level) => level > 0)).toHaveLength(300);
    const soft = { width: 2, height: 1, data: Uint8Array.of(0, 200) };
    expect([...scaleLevels(soft, 4, 1).data]).toEqual([0, 50, 150, 200]);
  });
});
