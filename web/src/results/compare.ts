/** Puts the result that is looked at before the stage, and takes it away again. */
import { computed, effect, signal } from "@preact/signals";
import type { Base } from "../state/types";
import { base, editor, shown, shownResult } from "../state/work";
import { getBlob } from "../store/store";

/** Why the result cannot lie over the picture: its shape is another. */
export const otherShape = signal(false);
/** Where the split was moved to last; null: nobody has, it goes through what was painted. */
let lastSplit: number | null = null;
/** The middle of what was painted, as a share of the width. */
let middle = 0.5;
/** Whether results are split when they are shown. */
let splits = false;

/** Whether picture and result are seen beside each other. */
export const isSplit = computed(() => (editor.comparison.value?.split ?? 0) > 0);

export function toggleSplit(): void {
  const comparison = editor.comparison.value;
  if (!comparison || otherShape.value) return;
  remember(comparison.split);
  splits = comparison.split === 0;
  editor.comparison.value = { ...comparison, split: splits ? best() : 0 };
}

/** Keep where the split stands, unless it stands where we put it. */
function remember(split: number): void {
  if (split > 0 && split !== best()) lastSplit = split;
}

/** Where a split shows something of both. */
function best(): number {
  return lastSplit === null || lastSplit < 0.05 || lastSplit > 0.95 ? middle : lastSplit;
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

  const put = (next: ImageBitmap | null, at = 0.5) => {
    const before = bitmap;
    const split = editor.comparison.peek()?.split;
    if (split !== undefined) {
      splits = split > 0;
      remember(split);
    }
    middle = at;
    bitmap = next;
    editor.comparison.value = next && {
      after: next,
      split: splits && !otherShape.peek() ? best() : 0,
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
    Promise.all([view(bytes, picture), middleOf(at?.run.maskId ?? "")]).then(
      ([made, found]) => {
        if (mine !== turn) made.after.close();
        else {
          otherShape.value = made.otherShape;
          put(made.after, found);
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

/** The middle of what a mask marks, as a share of the width; read from a small copy. */
async function middleOf(maskId: string): Promise<number> {
  const mask = await getBlob(maskId);
  if (!mask) return 0.5;
  const side = 128;
  const small = await createImageBitmap(mask, { resizeWidth: side, resizeHeight: side });
  const context = new OffscreenCanvas(side, side).getContext("2d");
  context?.drawImage(small, 0, 0);
  small.close();
  const { data } = context?.getImageData(0, 0, side, side) ?? { data: [] };
  let first = side;
  let last = -1;
  for (let at = 0; at < data.length; at += 4) {
    if ((data[at] ?? 0) < 64) continue;
    const x = (at / 4) % side;
    first = Math.min(first, x);
    last = Math.max(last, x);
  }
  return last < 0 ? 0.5 : Math.min(0.9, Math.max(0.1, (first + last + 1) / 2 / side));
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
