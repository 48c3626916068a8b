/** Who draws a sketch wants it used, however they came to the layer: by the key, the tools, the panel. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { Layer } from "../editor/editor";

/** Calls `used` when the first line is drawn; not when a sketch of before is laid on the table. */
export function onFirstLine(
  sketch: { layer: ReadonlySignal<Layer>; hasSketch: ReadonlySignal<boolean> },
  used: () => void,
): () => void {
  let before = sketch.hasSketch.peek();
  return effect(() => {
    const now = sketch.hasSketch.value;
    const first = now && !before && sketch.layer.peek() === "sketch";
    before = now;
    if (first) used();
  });
}
