import { describe, expect, it } from "vitest";
import { editor } from "../state/work";
import { changeBrush, LARGEST, SMALLEST, shareOf, sizeAt, stepSize } from "./brush";

describe("the size's slider", () => {
  it("reaches both ends, and every size it shows is the one it is at", () => {
    expect(sizeAt(0)).toBe(SMALLEST);
    expect(sizeAt(1)).toBe(LARGEST);
    for (const size of [1, 2, 7, 64, 333, 1000]) expect(sizeAt(shareOf(size))).toBe(size);
  });
});

describe("changeBrush", () => {
  it("keeps within the bounds, in whole pixels", () => {
    changeBrush({ size: 5000, softness: 1.4 });
    expect(editor.brush.value).toMatchObject({ size: LARGEST, softness: 1 });
    changeBrush({ size: 0.2, softness: -1 });
    expect(editor.brush.value).toMatchObject({ size: SMALLEST, softness: 0 });
  });

  it("steps by an eighth, and always by a pixel at least", () => {
    changeBrush({ size: 64 });
    stepSize(1);
    expect(editor.brush.value.size).toBe(72);
    changeBrush({ size: 2 });
    stepSize(-1);
    expect(editor.brush.value.size).toBe(1);
    stepSize(-1);
    expect(editor.brush.value.size).toBe(1);
    stepSize(1);
    expect(editor.brush.value.size).toBe(2);
  });
});
