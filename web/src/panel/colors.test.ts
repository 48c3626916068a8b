import { describe, expect, it } from "vitest";
import { mainColors, nameOf, readCode, writeCode } from "./colors";

describe("codes", () => {
  it("are read and written alike", () => {
    for (const code of ["#000000", "#0a0b0c", "#ffcc00"]) {
      expect(writeCode(readCode(code))).toBe(code);
    }
  });
});

describe("nameOf", () => {
  it("calls a colour what people call it", () => {
    expect(nameOf("#ff0000", "en")).toBe("red");
    expect(nameOf("#ffffff", "zh")).toBe("白色");
    expect(nameOf("#000000", "zh")).toBe("黑色");
    expect(nameOf("#1565d0", "en")).toBe("blue");
  });
});

/** `counts` pixels of each colour. */
function picture(...areas: Array<[code: string, pixels: number, alpha?: number]>) {
  const bytes = areas.flatMap(([code, pixels, alpha = 255]) =>
    Array.from({ length: pixels }, () => [...readCode(code), alpha]).flat(),
  );
  return new Uint8ClampedArray(bytes);
}

describe("mainColors", () => {
  it("finds what there is, most first", () => {
    const found = mainColors(picture(["#2050d0", 60], ["#d02020", 40]), 5);
    expect(found).toEqual(["#2050d0", "#d02020"]);
  });

  it("takes like colours once", () => {
    expect(mainColors(picture(["#d02020", 50], ["#d22424", 50], ["#cc1c1c", 50]), 5)).toHaveLength(
      1,
    );
  });

  it("takes a little of a strong colour before more of a gray", () => {
    expect(mainColors(picture(["#808080", 60], ["#e01010", 40]), 1)).toEqual(["#e01010"]);
  });

  it("passes over what is see-through, and an empty picture", () => {
    expect(mainColors(picture(["#00ff00", 50, 0], ["#2050d0", 5]), 5)).toEqual(["#2050d0"]);
    expect(mainColors(new Uint8ClampedArray(), 5)).toEqual([]);
  });

  it("gives no more than it is asked for", () => {
    const many = picture(["#d02020", 9], ["#20d020", 8], ["#2020d0", 7], ["#d0d020", 6]);
    expect(mainColors(many, 3)).toHaveLength(3);
  });
});
