import { describe, expect, it } from "vitest";
import { limits } from "../state/session";
import { cropTo, inRange, readSize, SHAPES, scaledSize, writeSize } from "./sizes";

const wide = { width: 1600, height: 1000 };

describe("shapes", () => {
  it("have the shape that they are named after, within the limits", () => {
    for (const { shape, ...size } of SHAPES) {
      const [across = 0, down = 1] = shape.split(":").map(Number);
      expect(size.width / size.height).toBeCloseTo(across / down, 2);
      expect(inRange(size, limits.value)).toBe(true);
    }
  });
});

describe("readSize", () => {
  it("reads what writeSize writes, and nothing else", () => {
    expect(readSize(writeSize(wide))).toEqual(wide);
    for (const text of ["original", "", "1024", "1024x768", "*", "10000000*1"]) {
      expect(readSize(text)).toBeNull();
    }
  });
});

describe("scaledSize", () => {
  it("offers what is within the limits only", () => {
    expect(scaledSize(wide, 0.5, limits.value)).toEqual({ width: 800, height: 500 });
    expect(scaledSize(wide, 3, limits.value)).toBeNull();
    expect(scaledSize({ width: 500, height: 500 }, 0.5, limits.value)).toBeNull();
  });
});

describe("inRange", () => {
  it("refuses sides that are short, long or broken", () => {
    expect(inRange({ width: 257, height: 4095 }, limits.value)).toBe(true);
    expect(inRange({ width: 256, height: 1024 }, limits.value)).toBe(false);
    expect(inRange({ width: 1024, height: 4096 }, limits.value)).toBe(false);
    expect(inRange({ width: Number.NaN, height: 1024 }, limits.value)).toBe(false);
  });
});

describe("cropTo", () => {
  it("cuts the sides of a wide picture for a square, around the marked part", () => {
    const right = cropTo(wide, { x: 1500, y: 0, width: 100, height: 100 }, square);
    expect(right.kept).toEqual({ x: 600, y: 0, width: 1000, height: 1000 });
    expect(right.cutX).toBeCloseTo(0.375);
    expect(right.cutY).toBe(0);
    expect(right.scale).toBeCloseTo(1.024);
    const middle = cropTo(wide, null, square);
    expect(middle.kept).toEqual({ x: 300, y: 0, width: 1000, height: 1000 });
  });

  it("cuts nothing of the same shape, rounding aside", () => {
    expect(cropTo(wide, null, { width: 801, height: 500 })).toMatchObject({ cutX: 0, cutY: 0 });
  });
});

const square = { width: 1024, height: 1024 };
