import { describe, expect, it } from "vitest";
import { applyDelta } from "./delta";
import { grow } from "./distance";
import { enclosed, wand } from "./flood";
import { outcome, perform } from "./operations";
import { Plane } from "./plane";
import { cornersOf, polygon } from "./polygon";

/** A plane from rows of digits; 9 is 255, each other a tenth of it. */
function plane(...rows: string[]): Plane {
  const made = new Plane((rows[0] as string).length, rows.length);
  made.data.set([...rows.join("")].map((c) => (c === "9" ? 255 : Number(c) * 25)));
  made.recount();
  return made;
}

function rows(data: Uint8Array, width: number): string[] {
  const text = [...data].map((level) => (level === 255 ? "9" : String(level / 25))).join("");
  return text.match(new RegExp(`.{${width}}`, "g")) ?? [];
}

function spots(width: number, height: number, seed: number, levels: readonly number[]): Plane {
  const made = new Plane(width, height);
  let state = seed;
  for (let i = 0; i < made.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state % 97 < 3) made.data[i] = levels[(state >>> 20) % levels.length] as number;
  }
  made.recount();
  return made;
}

/** Grow or shrink by looking at every pixel of the disc. */
function slowGrow(from: Plane, px: number): Uint8Array {
  const { width, height, data } = from;
  const r = Math.abs(px);
  return data.map((_, i) => {
    let best = data[i] as number;
    for (let dy = -r; dy <= r; dy++) {
      for (let dx = -r; dx <= r; dx++) {
        const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
        if (dx * dx + dy * dy > r * r || x < 0 || y < 0 || x >= width || y >= height) continue;
        const level = data[y * width + x] as number;
        best = px > 0 ? Math.max(best, level) : Math.min(best, level);
      }
    }
    return best;
  });
}

describe("grow and shrink", () => {
  it.each([1, 2, 3, 5, 9, -1, -2, -4])("by %i px is what looking everywhere gives", (px) => {
    for (const levels of [[255], [40, 128, 255]]) {
      for (let seed = 1; seed < 5; seed++) {
        const sparse = spots(47, 33, seed, levels);
        const from = px > 0 ? sparse : new Plane(47, 33);
        if (px < 0) from.data = sparse.data.map((level) => 255 - level);
        from.recount();
        const { box } = from.coverage();
        if (box) expect(grow(from, px, box)).toEqual(slowGrow(from, px));
      }
    }
  });

  it("of many levels keeps within a sixteenth of them, and never falls below what was", () => {
    const from = new Plane(64, 20);
    for (let i = 0; i < from.data.length; i++) from.data[i] = (i % 64) * 4;
    from.recount();
    const grown = perform(from, { kind: "grow", px: 3 });
    const exact = slowGrow(from, 3);
    for (let i = 0; i < grown.length; i++) {
      expect(grown[i]).toBeGreaterThanOrEqual(from.data[i] as number);
      expect(Math.abs((grown[i] as number) - (exact[i] as number))).toBeLessThanOrEqual(18);
    }
  });

  it("leaves what reaches the picture's edge there when it shrinks", () => {
    const from = plane("99900", "99900", "99900");
    expect(rows(perform(from, { kind: "grow", px: -1 }), 5)).toEqual(["99000", "99000", "99000"]);
  });

  it("of nothing is nothing", () => {
    expect(perform(new Plane(9, 9), { kind: "grow", px: 4 })).toEqual(new Uint8Array(81));
  });
});

describe("the wand", () => {
  const gray = (text: string[]) => ({
    width: (text[0] as string).length,
    height: text.length,
    data: Uint8Array.from(
      [...text.join("")].flatMap((c) => [Number(c) * 20, Number(c) * 20, 50, 255]),
    ),
  });
  const picture = gray(["11011", "12011", "00011", "55511"]);

  it("takes what touches and is like enough", () => {
    expect(rows(wand(picture, { x: 0.5, y: 0.2 }, 19, true), 5)).toEqual([
      "99000",
      "90000",
      "00000",
      "00000",
    ]);
    expect(rows(wand(picture, { x: 0, y: 0 }, 20, true), 5)).toEqual([
      "99999",
      "99999",
      "99999",
      "00099",
    ]);
  });

  it("takes the whole picture's like where it need not touch", () => {
    expect(rows(wand(picture, { x: 0, y: 0 }, 0, false), 5)).toEqual([
      "99099",
      "90099",
      "00099",
      "00099",
    ]);
  });
});

describe("fill", () => {
  it("takes what a line encloses, and stays within", () => {
    const ring = plane("000000", "099900", "090900", "099900", "000000");
    expect(rows(perform(ring, { kind: "fill", at: { x: 2, y: 2 }, into: "add" }), 6)).toEqual([
      "000000",
      "099900",
      "099900",
      "099900",
      "000000",
    ]);
  });

  it("takes a soft line's rim with it, up to the ridge, and not beyond", () => {
    const line = plane("0026962000", "0026962000");
    expect(rows(enclosed(line, { x: 0, y: 0 }), 10)).toEqual(["9999000000", "9999000000"]);
    expect(rows(perform(line, { kind: "fill", at: { x: 0, y: 0 }, into: "add" }), 10)[0]).toBe(
      "9999962000",
    );
  });

  it("takes away a marked region with its rims", () => {
    const two = plane("2992000299");
    expect(rows(perform(two, { kind: "fill", at: { x: 1, y: 0 }, into: "subtract" }), 10)).toEqual([
      "0000000299",
    ]);
  });
});

describe("polygons", () => {
  it("take the pixels whose centres they hold", () => {
    const square = polygon(6, 4, cornersOf({ x: 4.6, y: 3.4 }, { x: 1.4, y: 0.6 }));
    expect(rows(square, 6)).toEqual(["000000", "099990", "099990", "000000"]);
  });

  it("may reach out of the picture and cross themselves", () => {
    const far = polygon(3, 3, cornersOf({ x: -50, y: -50 }, { x: 50, y: 50 }));
    expect(far.every((level) => level === 255)).toBe(true);
    const twice = [...cornersOf({ x: 0, y: 0 }, { x: 3, y: 3 })];
    expect(polygon(3, 3, [...twice, ...twice])).toEqual(new Uint8Array(9).fill(255));
  });
});

describe("an outcome", () => {
  it.each([
    { kind: "invert" } as const,
    { kind: "clear" } as const,
    { kind: "all" } as const,
    { kind: "grow", px: 3 } as const,
    { kind: "lay", levels: new Uint8Array(300 * 270).fill(70), into: "subtract" } as const,
  ])("of $kind can be taken back", (operation) => {
    const from = spots(300, 270, 5, [30, 200, 255]);
    const before = Buffer.from(from.data);
    const { data, delta, tiles } = outcome(from, operation);
    expect(before.equals(from.data)).toBe(true);
    expect(before.equals(data)).toBe(false);
    from.data = data;
    for (const [tile, count] of tiles) from.tell(tile, count);
    const told = from.coverage();
    from.recount();
    expect(from.coverage()).toEqual(told);
    applyDelta(from, delta);
    expect(before.equals(from.data)).toBe(true);
  });

  it("inverts twice to what was", () => {
    const from = spots(40, 40, 3, [1, 90, 255]);
    const once = { width: 40, height: 40, data: perform(from, { kind: "invert" }) };
    expect(perform(once, { kind: "invert" })).toEqual(from.data);
  });
});

describe("coverage", () => {
  it("counts, bounds, and tells soft from hard", () => {
    const made = new Plane(600, 300);
    made.data.fill(255, 10 * 600 + 250, 10 * 600 + 520);
    made.recount();
    expect(made.coverage()).toEqual({
      marked: 270,
      box: { x: 250, y: 10, width: 270, height: 1 },
      soft: false,
    });
    made.data[299 * 600] = 3;
    made.recount();
    expect(made.coverage()).toEqual({
      marked: 271,
      box: { x: 0, y: 10, width: 520, height: 290 },
      soft: true,
    });
  });
});
