import { signal } from "@preact/signals";
import { expect, test, vi } from "vitest";
import type { Layer } from "../editor/editor";
import { onFirstLine } from "./sketching";

function table() {
  const sketch = { layer: signal<Layer>("mask"), hasSketch: signal(false) };
  const used = vi.fn();
  onFirstLine(sketch, used);
  return { ...sketch, used };
}

test("a sketch is used from its first line on", () => {
  const { layer, hasSketch, used } = table();
  layer.value = "sketch";
  expect(used).not.toHaveBeenCalled();
  hasSketch.value = true;
  expect(used).toHaveBeenCalledOnce();
});

test("who says no to a sketch is asked again only by a new one", () => {
  const { layer, hasSketch, used } = table();
  layer.value = "sketch";
  hasSketch.value = true;
  layer.value = "mask";
  layer.value = "sketch";
  expect(used).toHaveBeenCalledOnce();
  hasSketch.value = false;
  hasSketch.value = true;
  expect(used).toHaveBeenCalledTimes(2);
});

test("a sketch that comes back with its picture leaves the wish as it was", () => {
  const { hasSketch, used } = table();
  hasSketch.value = true;
  expect(used).not.toHaveBeenCalled();
});
