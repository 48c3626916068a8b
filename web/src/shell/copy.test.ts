import { describe, expect, it } from "vitest";
import { type CopyType, copyOf, isOpaque } from "./copy";
import type { Size } from "./fit";

const BOUNDS = { minSide: 257, maxSide: 4095, maxBytes: 10_000_000 };
const SIZE = { width: 4000, height: 3000 };

/** A picture whose files have so many bytes a pixel. */
function picture(weights: Record<CopyType, number>, opaque = true) {
  const made: Array<Size & { type: CopyType }> = [];
  const draw = ({ width, height }: Size) => ({
    opaque: () => opaque,
    encode: async (type: CopyType) => {
      made.push({ width, height, type });
      return { size: width * height * weights[type] } as Blob;
    },
  });
  return { draw, made };
}

const PHOTO = { "image/png": 2, "image/jpeg": 0.5 };
const FLAT = { "image/png": 0.1, "image/jpeg": 0.2 };

describe("copyOf", () => {
  it("makes a JPEG of a JPEG, at the size", async () => {
    const { draw, made } = picture(PHOTO);
    expect(await copyOf("image/jpeg", SIZE, BOUNDS, draw)).toMatchObject({
      ...SIZE,
      type: "image/jpeg",
      instead: false,
    });
    expect(made).toHaveLength(1);
  });

  it.each(["image/png", "image/webp", "image/bmp", "image/tiff"] as const)(
    "makes a PNG of a %s where it is light enough",
    async (from) => {
      const { draw } = picture(FLAT);
      const copy = await copyOf(from, SIZE, BOUNDS, draw);
      expect(copy).toMatchObject({ ...SIZE, type: "image/png", instead: false });
    },
  );

  it("makes a JPEG of the same size where a PNG is too heavy and nothing is seen through", async () => {
    const { draw } = picture(PHOTO);
    const copy = await copyOf("image/png", SIZE, BOUNDS, draw);
    expect(copy).toMatchObject({ ...SIZE, type: "image/jpeg", instead: true });
  });

  it("makes a smaller PNG where something is seen through", async () => {
    const { draw, made } = picture(PHOTO, false);
    const copy = await copyOf("image/png", SIZE, BOUNDS, draw);
    expect(copy).toMatchObject({ type: "image/png", instead: false });
    expect(copy?.bytes.size).toBeLessThanOrEqual(BOUNDS.maxBytes);
    expect(copy?.width).toBeGreaterThan(2100);
    expect(new Set(made.map((one) => one.type))).toEqual(new Set(["image/png"]));
  });

  it("makes a smaller JPEG where that is too heavy, too", async () => {
    const { draw } = picture({ "image/png": 4, "image/jpeg": 1 });
    for (const from of ["image/jpeg", "image/png"] as const) {
      const copy = await copyOf(from, SIZE, BOUNDS, draw);
      expect(copy?.type).toBe("image/jpeg");
      expect(copy?.width).toBeGreaterThan(3400);
      expect(copy?.bytes.size).toBeLessThanOrEqual(BOUNDS.maxBytes);
    }
  });

  it("gives up where no size is light enough", async () => {
    const { draw } = picture({ "image/png": 1000, "image/jpeg": 1000 });
    expect(await copyOf("image/png", SIZE, BOUNDS, draw)).toBeNull();
  });
});

describe("isOpaque", () => {
  it("sees one pixel among many", () => {
    const rgba = new Uint8ClampedArray(4 * 1000).fill(255);
    expect(isOpaque(rgba)).toBe(true);
    rgba[4 * 999 + 3] = 254;
    expect(isOpaque(rgba)).toBe(false);
  });
});
