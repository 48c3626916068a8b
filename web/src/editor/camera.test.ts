import { describe, expect, it } from "vitest";
import {
  fitCamera,
  held,
  leastScale,
  MOST_SCALE,
  nextScale,
  toPicture,
  toView,
  zoomed,
} from "./camera";

const room = { x: 90, y: 20, width: 800, height: 600 };
const large = { width: 4095, height: 3000 };

describe("fit", () => {
  it("shows the whole picture in the middle of the room", () => {
    const camera = fitCamera(large, room);
    const from = toView(camera, { x: 0, y: 0 });
    const to = toView(camera, { x: large.width, y: large.height });
    expect(from.x).toBeCloseTo(90, 0);
    expect(to.x).toBeCloseTo(890, 0);
    expect(from.y - 20).toBeCloseTo(620 - to.y, -1);
  });

  it("does not blow a small picture up beyond 200 %", () => {
    expect(fitCamera({ width: 100, height: 100 }, room).scale).toBe(2);
  });
});

describe("zooming", () => {
  it("keeps what is under the pointer there", () => {
    const at = { x: 300, y: 200 };
    const before = fitCamera(large, room);
    const after = zoomed(before, 1.3, at, large, room);
    const [was, is] = [toPicture(before, at), toPicture(after, at)];
    expect(is.x).toBeCloseTo(was.x);
    expect(is.y).toBeCloseTo(was.y);
  });

  it("has limits", () => {
    const camera = fitCamera(large, room);
    expect(zoomed(camera, 999, room, large, room).scale).toBe(MOST_SCALE);
    expect(zoomed(camera, 0, room, large, room).scale).toBe(leastScale(large, room));
  });

  it("goes from round scale to round scale", () => {
    expect(nextScale(1, 1)).toBe(1.5);
    expect(nextScale(1, -1)).toBeCloseTo(2 / 3, 3);
    expect(nextScale(0.19, 1)).toBe(0.25);
    expect(nextScale(0.19, -1)).toBeCloseTo(1 / 6, 3);
  });
});

it("never loses the picture out of the view", () => {
  for (const x of [-1e6, 1e6]) {
    for (const y of [-1e6, 1e6]) {
      const camera = held({ scale: 0.5, x, y }, large, room);
      const from = toView(camera, { x: 0, y: 0 });
      const to = toView(camera, { x: large.width, y: large.height });
      expect(from.x).toBeLessThan(890);
      expect(to.x).toBeGreaterThan(90);
      expect(from.y).toBeLessThan(620);
      expect(to.y).toBeGreaterThan(20);
    }
  }
});
