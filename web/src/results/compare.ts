/** Puts the result that is looked at before the stage, and takes it away again. */
import { computed, effect, signal } from "@preact/signals";
import type { Base } from "../state/types";
import { base, editor, shown, shownResult } from "../state/work";

/** Why the result cannot lie over the picture: its shape is another. */
export const otherShape = signal(false);
/** The share of the width that last showed the picture; where the split comes back to. */
let lastSplit = 0.5;
/** Whether results are split when they are shown. */
let splits = false;

/** Whether picture and result are seen beside each other. */
export const isSplit = computed(() => (editor.comparison.value?.split ?? 0) > 0);

export function toggleSplit(): void {
  const comparison = editor.comparison.value;
  if (!comparison || otherShape.value) return;
  if (comparison.split > 0) lastSplit = comparison.split;
  splits = comparison.split === 0;
  editor.comparison.value = { ...comparison, split: splits ? inView(lastSplit) : 0 };
}

/** A split at an edge would show nothing of one side. */
function inView(split: number): number {
  return split < 0.05 || split > 0.95 ? 0.5 : split;
}

/** While it is held, the picture as it was is seen. */
export function peek(on: boolean): void {
  editor.peeking.value = on && editor.comparison.value !== null && !otherShape.value;
}

/** Follow `shown` until the returned function is called. */
export function followShown(): () => void {
  let turn = 0;
  let key = "";
  let bitmap: ImageBitmap | null = null;

  const put = (next: ImageBitmap | null) => {
    const before = bitmap;
    const split = editor.comparison.peek()?.split;
    if (split !== undefined) {
      splits = split > 0;
      if (splits) lastSplit = split;
    }
    bitmap = next;
    editor.comparison.value = next && {
      after: next,
      split: splits && !otherShape.peek() ? inView(lastSplit) : 0,
    };
    if (!next) editor.peeking.value = false;
    // The stage may still draw it in this frame.
    if (before) setTimeout(() => before.close(), 250);
  };

  const dispose = effect(() => {
    const at = shownResult.value;
    const picture = base.value;
    const there = at && picture && at.run.baseId === picture.id;
    if (at && picture && !there) {
      shown.value = null;
      return;
    }
    const bytes = there ? at.result.bytes : null;
    const next = there && bytes ? `${picture.id}:${at.run.id}:${at.result.index}` : "";
    if (next === key) return;
    key = next;
    const mine = ++turn;
    if (!bytes || !picture) {
      put(null);
      return;
    }
    view(bytes, picture).then(
      (made) => {
        if (mine !== turn) made.after.close();
        else {
          otherShape.value = made.otherShape;
          put(made.after);
        }
      },
      () => mine === turn && put(null),
    );
  });
  return () => {
    dispose();
    turn++;
    put(null);
  };
}

/** The result for the screen, as large as the picture. */
async function view(
  bytes: Blob,
  { width, height }: Base,
): Promise<{ after: ImageBitmap; otherShape: boolean }> {
  const own = await createImageBitmap(bytes);
  if (own.width === width && own.height === height) return { after: own, otherShape: false };
  const scale = Math.min(width / own.width, height / own.height);
  const drawn = { width: own.width * scale, height: own.height * scale };
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  const left = (width - drawn.width) / 2;
  const top = (height - drawn.height) / 2;
  context.drawImage(own, left, top, drawn.width, drawn.height);
  own.close();
  return { after: canvas.transferToImageBitmap(), otherShape: left > 1 || top > 1 };
}
