/** Small views of pictures: made once, kept beside the picture, and shown from memory. */
import { useEffect, useState } from "preact/hooks";
import { getBlob, getThumb, putBlob, putThumb } from "../store/store";

/** px of the long side; enough for half a phone's width. */
const LONGEST = 400;
/** Object URLs that stay alive at a time; those that were asked for longest ago go first. */
const MOST = 600;

const views = new Map<string, Promise<string | null>>();
/** One at a time: decoding a large picture takes a tenth of a second and much memory. */
let queue: Promise<unknown> = Promise.resolve();

/** The address of a small view of the picture with this SHA-256; null: there is none to be had. */
function thumbUrl(id: string): Promise<string | null> {
  const known = views.get(id);
  if (known) {
    views.delete(id);
    views.set(id, known);
    return known;
  }
  const made = load(id).catch(() => null);
  views.set(id, made);
  // One that is not there yet may come.
  made.then((url) => url === null && views.get(id) === made && views.delete(id));
  if (views.size > MOST) {
    const [oldest, view] = views.entries().next().value as [string, Promise<string | null>];
    views.delete(oldest);
    view.then((url) => url && URL.revokeObjectURL(url));
  }
  return made;
}

async function load(id: string): Promise<string | null> {
  let small = await getThumb(id);
  if (!small) {
    const picture = await getBlob(id);
    if (!picture) return null;
    const turn = queue.then(() => shrink(picture));
    queue = turn.catch(() => undefined);
    small = await turn;
    await putThumb(id, small);
  }
  return URL.createObjectURL(small);
}

async function shrink(picture: Blob): Promise<Blob> {
  const full = await createImageBitmap(picture);
  const scale = Math.min(1, LONGEST / Math.max(full.width, full.height));
  const width = Math.max(1, Math.round(full.width * scale));
  const height = Math.max(1, Math.round(full.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(full, 0, 0, width, height);
  full.close();
  // WebP keeps alpha; where a browser cannot write it, it writes PNG.
  return canvas.convertToBlob({ type: "image/webp", quality: 0.82 });
}

/** The small view of a kept picture, by its SHA-256. */
export function useThumb(id: string | null): string | null {
  const [view, setView] = useState<{ id: string; url: string | null } | null>(null);
  useEffect(() => {
    let here = true;
    if (id) thumbUrl(id).then((url) => here && setView({ id, url }));
    return () => {
      here = false;
    };
  }, [id]);
  return view && view.id === id ? view.url : null;
}

/** The small view of a picture at hand. */
export function useThumbOf(bytes: Blob | null): string | null {
  const [id, setId] = useState<string | null>(null);
  useEffect(() => {
    let here = true;
    setId(null);
    if (bytes) putBlob(bytes).then((known) => here && setId(known));
    return () => {
      here = false;
    };
  }, [bytes]);
  return useThumb(id);
}
