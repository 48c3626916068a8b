/** The brush's settings, changed within their bounds. */
import type { BrushSettings } from "../editor/editor";
import { editor } from "../state/work";

export const SMALLEST = 1;
export const LARGEST = 1000;

export function changeBrush(changes: Partial<BrushSettings>): void {
  const next = { ...editor.brush.value, ...changes };
  editor.brush.value = {
    ...next,
    size: Math.min(LARGEST, Math.max(SMALLEST, Math.round(next.size))),
    softness: Math.min(1, Math.max(0, Math.round(next.softness * 100) / 100)),
  };
}

/** The slider runs by feeling: its share of the way, 0 to 1, grows with the size's logarithm. */
export function shareOf(size: number): number {
  return Math.log(size / SMALLEST) / Math.log(LARGEST / SMALLEST);
}

export function sizeAt(share: number): number {
  return Math.round(SMALLEST * (LARGEST / SMALLEST) ** share);
}

/** One step larger or smaller: about an eighth, at least a pixel. */
export function stepSize(direction: 1 | -1): void {
  const { size } = editor.brush.value;
  const by = Math.max(1, Math.round(size / 8));
  changeBrush({ size: size + direction * by });
}
