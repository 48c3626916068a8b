/** Paintings under way are seen in the picture that they are for, inside their masks alone. */
import { effect } from "@preact/signals";
import type { Inlay } from "../editor/editor";
import type { Preview, Rect, Run } from "../state/types";
import { base, editor, openRuns, shown } from "../state/work";
import { getBlob } from "../store/store";

/** Longest side of what is shown, px; previews are smaller. */
const LONGEST = 512;

/** A preview as it is shown: null while it is made, and where it cannot be. */
const made = new Map<Preview, { run: string; image: ImageBitmap | null }>();
const masks = new Map<string, Promise<OffscreenCanvas | null>>();

export function showInlays(): void {
  effect(place);
}

function place(): void {
  // While a result is looked at, the picture is as it was.
  const at = shown.value ? null : base.value;
  const here = openRuns.value.filter(
    (run) => run.baseId === at?.id && run.wish.size === "original" && run.preview,
  );
  const inlays: Inlay[] = [];
  const kept = new Set<Preview>();
  for (const run of here) {
    const preview = run.preview as Preview;
    kept.add(preview);
    if (!made.has(preview)) void make(run, preview);
    // The one before stays until the next is made.
    const newest = [...made].filter(([, one]) => one.run === run.id && one.image).pop();
    if (!newest?.[1].image) continue;
    kept.add(newest[0]);
    inlays.push({ image: newest[1].image, box: newest[0].box });
  }
  const before = editor.inlays.peek();
  const same =
    inlays.length === before.length && inlays.every((one, i) => one.image === before[i]?.image);
  if (!same) editor.inlays.value = inlays;
  for (const [preview, { image }] of made) {
    if (kept.has(preview)) continue;
    made.delete(preview);
    image?.close();
  }
  const open = new Set(openRuns.value.map((run) => run.id));
  for (const id of masks.keys()) if (!open.has(id)) masks.delete(id);
}

async function make(run: Run, preview: Preview): Promise<void> {
  made.set(preview, { run: run.id, image: null });
  try {
    const mask = masks.get(run.id) ?? cut(run.maskId, preview.box);
    masks.set(run.id, mask);
    const shape = await mask;
    const picture = await createImageBitmap(blobOf(preview.url));
    if (!shape || !made.has(preview)) return picture.close();
    const canvas = new OffscreenCanvas(shape.width, shape.height);
    const context = canvas.getContext("2d");
    if (!context) return;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    context.globalCompositeOperation = "destination-in";
    context.drawImage(shape, 0, 0);
    made.set(preview, { run: run.id, image: canvas.transferToImageBitmap() });
    place();
  } catch {
    // A preview that cannot be read is none.
  }
}

/** The mask inside the box, its levels as opacity. */
async function cut(maskId: string, box: Rect): Promise<OffscreenCanvas | null> {
  const file = await getBlob(maskId);
  if (!file) return null;
  const scale = Math.min(1, LONGEST / Math.max(box.width, box.height));
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const mask = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(mask, box.x, box.y, box.width, box.height, 0, 0, width, height);
  mask.close();
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 4) data[i + 3] = data[i] ?? 0;
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** A data: URL as a file; the policy of the page lets fetch not read them. */
function blobOf(url: string): Blob {
  const [head = "", data = ""] = url.split(",", 2);
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? "image/jpeg";
  return new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], { type });
}
