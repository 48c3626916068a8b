import { describe, expect, it } from "vitest";
import { Path } from "./path";
import { Plane } from "./plane";
import { type Disc, drawCapsule } from "./stroke";

/** Numbers that look like chance, the same every time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** How far outside of the hull of two discs a point is, by a search along them; under 0: inside. */
function outside(x: number, y: number, a: Disc, b: Disc): number {
  const at = (t: number) =>
    Math.hypot(x - a.x - (b.x - a.x) * t, y - a.y - (b.y - a.y) * t) -
    (a.radius + (b.radius - a.radius) * t);
  let [low, high] = [0, 1]; // the distance has one valley
  for (let i = 0; i < 40; i++) {
    const [p, q] = [low + (high - low) / 3, high - (high - low) / 3];
    if (at(p) < at(q)) high = q;
    else low = p;
  }
  return Math.min(at(low), at(0), at(1));
}

describe("a hard stroke", () => {
  it("writes 255 exactly where the hull of its discs is, and 0 elsewhere", () => {
    const next = chance(7);
    for (let round = 0; round < 30; round++) {
      const plane = new Plane(60, 50);
      const disc = () => ({ x: next() * 70 - 5, y: next() * 60 - 5, radius: 0.5 + next() * 14 });
      const [a, b] = [disc(), disc()];
      drawCapsule(plane, a, b, { softness: 0, erase: false });
      const wrong = [...plane.data.entries()].filter(([i, level]) => {
        const d = outside((i % 60) + 0.5, Math.floor(i / 60) + 0.5, a, b);
        if (Math.abs(d) < 1e-6) return level !== 0 && level !== 255;
        return level !== (d < 0 ? 255 : 0);
      });
      expect(wrong).toEqual([]);
    }
  });

  it("marks a pixel where it is as small as one", () => {
    const plane = new Plane(5, 5);
    drawCapsule(
      plane,
      { x: 2.5, y: 2.5, radius: 0.5 },
      { x: 2.5, y: 2.5, radius: 0.5 },
      { softness: 0, erase: false },
    );
    expect(plane.data.reduce((sum, level) => sum + level, 0)).toBe(255);
    expect(plane.data[12]).toBe(255);
  });

  it("erases to exactly nothing what it drew", () => {
    const plane = new Plane(80, 80);
    const [a, b] = [
      { x: 20, y: 20, radius: 12 },
      { x: 60, y: 50, radius: 5 },
    ];
    drawCapsule(plane, a, b, { softness: 0, erase: false });
    expect(plane.data.some((level) => level > 0)).toBe(true);
    drawCapsule(plane, a, b, { softness: 0, erase: true });
    expect(plane.data.every((level) => level === 0)).toBe(true);
  });
});

describe("a soft stroke", () => {
  const soft = { softness: 0.8, erase: false };
  const at = (x: number): Disc => ({ x, y: 32, radius: 20 });

  it("is full within and falls towards its edge", () => {
    const plane = new Plane(64, 64);
    drawCapsule(plane, at(32), at(32), soft);
    const row = [...plane.data.subarray(32 * 64 + 32, 32 * 64 + 64)];
    expect(row[0]).toBe(255);
    expect(row[3]).toBe(255);
    expect(row[21]).toBe(0);
    for (let i = 1; i < row.length; i++) expect(row[i]).toBeLessThanOrEqual(row[i - 1] as number);
    expect(new Set(row).size).toBeGreaterThan(10);
  });

  it("does not add up where it crosses itself", () => {
    const once = new Plane(64, 64);
    drawCapsule(once, at(20), at(44), soft);
    const often = new Plane(64, 64);
    for (let i = 0; i < 5; i++) drawCapsule(often, at(20), at(44), soft);
    expect(often.data).toEqual(once.data);
  });

  it("has its whole rim where one disc holds the other", () => {
    const [small, large] = [{ ...at(31), radius: 4 }, at(32)];
    const plane = new Plane(64, 64);
    const alone = new Plane(64, 64);
    drawCapsule(plane, small, large, soft);
    drawCapsule(alone, large, large, soft);
    expect(plane.data).toEqual(alone.data);
  });

  it("takes away as much as it gives", () => {
    const plane = new Plane(64, 64);
    plane.data.fill(255);
    const drawn = new Plane(64, 64);
    drawCapsule(plane, at(20), at(40), { ...soft, erase: true });
    drawCapsule(drawn, at(20), at(40), soft);
    expect(plane.data).toEqual(drawn.data.map((level) => 255 - level));
  });
});

describe("a path", () => {
  it("joins its pieces end to end, from the first report to the last", () => {
    const next = chance(3);
    const disc = () => ({ x: next() * 100, y: next() * 100, radius: 1 + next() * 9 });
    const reports = Array.from({ length: 12 }, disc);
    const path = new Path(reports[0] as Disc);
    const pieces = reports.slice(1).flatMap((report) => path.add(report));
    pieces.push(...path.finish());
    expect(pieces[0]?.[0]).toEqual(reports[0]);
    expect(pieces.at(-1)?.[1]).toEqual(reports.at(-1));
    for (let i = 1; i < pieces.length; i++) expect(pieces[i]?.[0]).toEqual(pieces[i - 1]?.[1]);
  });

  it("stays straight where the hand does", () => {
    const path = new Path({ x: 0, y: 0, radius: 2 });
    const pieces = [10, 20, 30].flatMap((x) => path.add({ x, y: x, radius: 2 }));
    for (const [, { x, y }] of pieces) expect(y).toBeCloseTo(x);
    expect(pieces.length).toBeLessThan(8);
  });
});
