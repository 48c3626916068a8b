import { describe, expect, it } from "vitest";
import { fitted, misfit, scaled } from "./fit";

const LIMITS = { minSide: 257, maxSide: 4095, maxBytes: 1000 };

describe("misfit", () => {
  it("takes what lies within the limits, edges and all", () => {
    expect(misfit({ width: 257, height: 4095 }, 1000, LIMITS)).toBeNull();
  });

  it("says what is wrong, the sides before the bytes", () => {
    expect(misfit({ width: 4096, height: 3000 }, 2000, LIMITS)).toBe("large");
    expect(misfit({ width: 256, height: 300 }, 10, LIMITS)).toBe("small");
    expect(misfit({ width: 800, height: 600 }, 1001, LIMITS)).toBe("heavy");
    expect(misfit({ width: 4095, height: 256 }, 10, LIMITS)).toBe("long");
    expect(misfit({ width: 100, height: 9000 }, 10, LIMITS)).toBe("long");
  });
});

describe("fitted", () => {
  it("brings the side that is out of bounds to the bound and keeps the shape", () => {
    expect(fitted({ width: 8190, height: 6000 }, LIMITS)).toEqual({ width: 4095, height: 3000 });
    expect(fitted({ width: 128, height: 256 }, LIMITS)).toEqual({ width: 257, height: 514 });
    expect(fitted({ width: 800, height: 600 }, LIMITS)).toEqual({ width: 800, height: 600 });
  });

  it("stays within the bounds at the longest shapes", () => {
    for (const [width, height] of [
      [4200, 264],
      [160, 2500],
      [65000, 4100],
    ] as const) {
      const size = fitted({ width, height }, LIMITS);
      expect(misfit(size, 0, LIMITS)).toBeNull();
    }
  });

  it("never scales below the smallest side", () => {
    expect(scaled({ width: 514, height: 1028 }, 0.1, LIMITS)).toEqual({ width: 257, height: 257 });
  });
});
