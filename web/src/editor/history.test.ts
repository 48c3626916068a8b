import { describe, expect, it } from "vitest";
import { applyDelta, copyTile, makeDelta } from "./delta";
import { History } from "./history";
import { Plane, TILE } from "./plane";

/** As `toEqual`, which is slow for so many. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer).equals(b);
}

/** Change pixels of a tile and return the delta. */
function change(plane: Plane, tile: number, how: (data: Uint8Array) => void) {
  const before = new Map([[tile, copyTile(plane, tile)]]);
  how(plane.data);
  return makeDelta(plane, before);
}

describe("a delta", () => {
  it("leads there and back, whatever changed, also in tiles that are cut", () => {
    const plane = new Plane(TILE + 37, TILE * 2 + 11);
    const before = new Map<number, Uint8Array>();
    for (let tile = 0; tile < plane.tileCount; tile++) before.set(tile, copyTile(plane, tile));
    let state = 1;
    for (let i = 0; i < plane.data.length; i += 1 + (state % 5 === 0 ? state % 300 : 0)) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      // Runs, noise and unchanged stretches, of all lengths.
      if (state % 7 === 0) plane.data.fill(state >>> 24, i, i + (state % 300));
      else if (state % 3 === 0) plane.data[i] = state >>> 16;
    }
    const after = plane.data.slice();
    const delta = makeDelta(plane, before);
    expect(applyDelta(plane, delta)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(plane.data.every((level) => level === 0)).toBe(true);
    applyDelta(plane, delta);
    expect(same(plane.data, after)).toBe(true);
  });

  it("leaves out tiles that did not change", () => {
    const plane = new Plane(TILE * 3, TILE);
    const before = new Map([0, 1, 2].map((tile) => [tile, copyTile(plane, tile)] as const));
    plane.data[TILE + 5] = 9;
    expect(applyDelta(plane, makeDelta(plane, before))).toEqual([1]);
    expect(makeDelta(plane, new Map())).toHaveLength(0);
  });

  it("of a hard mark is far smaller than its pixels", () => {
    const plane = new Plane(TILE, TILE);
    const delta = change(plane, 0, (data) => {
      for (let y = 20; y < 200; y++) data.fill(255, y * TILE + 30, y * TILE + 220);
    });
    expect(delta.length).toBeLessThan(2000);
  });
});

describe("the history", () => {
  const step = (byte: number, length = 100_000) => {
    const delta = new Uint8Array(length).fill(byte);
    return { layer: "mask" as const, delta };
  };

  it("gives steps back in turn, and forgets what was undone when another comes", async () => {
    const history = new History();
    for (let i = 1; i <= 3; i++) history.push(step(i, 4));
    expect((await history.undo())?.delta[0]).toBe(3);
    expect((await history.undo())?.delta[0]).toBe(2);
    expect((await history.redo())?.delta[0]).toBe(2);
    history.push(step(9, 4));
    expect(history.canRedo).toBe(false);
    expect((await history.undo())?.delta[0]).toBe(9);
    expect((await history.undo())?.delta[0]).toBe(2);
    expect((await history.undo())?.delta[0]).toBe(1);
    expect(history.undo()).toBeNull();
    expect(history.canUndo).toBe(false);
  });

  it("keeps no more than its budget at hand, and every step all the same", async () => {
    const history = new History(250_000);
    for (let i = 0; i < 60; i++) {
      history.push(step(i));
      await history.pack();
    }
    await until(() => history.size.atHand <= 250_000);
    expect(history.size.steps).toBe(60);
    expect(history.size.away).toBeGreaterThan(0);
    for (let i = 59; i >= 0; i--) {
      const { delta } = (await history.undo()) ?? {};
      expect(delta).toHaveLength(100_000);
      expect(delta?.every((byte) => byte === i)).toBe(true);
    }
    for (let i = 0; i < 60; i++) expect((await history.redo())?.delta[7]).toBe(i);
  });
});

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !done(); i++) await new Promise((go) => setTimeout(go, 1));
  expect(done()).toBe(true);
}
