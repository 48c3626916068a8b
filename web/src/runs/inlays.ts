/** Paintings under way are seen in the picture that they are for. */
import { effect } from "@preact/signals";
import type { Inlay } from "../editor/editor";
import type { Preview } from "../state/types";
import { base, editor, openRuns, shown } from "../state/work";

export function showInlays(): void {
  const images = new Map<Preview, ImageBitmap | null>();
  const place = () => {
    // While a result is looked at, the picture is as it was.
    const at = shown.value ? null : base.value;
    const wanted: Preview[] = [];
    for (const run of openRuns.value) {
      const here = run.baseId === at?.id && run.wish.size === "original";
      if (here && run.preview) wanted.push(run.preview);
    }
    const before = editor.inlays.peek();
    const inlays: Inlay[] = [];
    for (const preview of wanted) {
      const image = images.get(preview);
      if (image === undefined) void decode(preview);
      // The one before stays until the next is read.
      const last = before.find((one) => one.box.x === preview.box.x && one.box.y === preview.box.y);
      if (image) inlays.push({ image, box: preview.box });
      else if (last) inlays.push(last);
    }
    const same =
      inlays.length === before.length && inlays.every((one, i) => one.image === before[i]?.image);
    if (!same) editor.inlays.value = inlays;
    for (const [preview, image] of images) {
      if (wanted.includes(preview)) continue;
      if (inlays.some((one) => one.image === image)) continue;
      images.delete(preview);
      image?.close();
    }
  };
  const decode = async (preview: Preview) => {
    images.set(preview, null);
    try {
      images.set(preview, await createImageBitmap(blobOf(preview.url)));
      place();
    } catch {
      // A preview that cannot be read is none.
    }
  };
  effect(place);
}

/** A data: URL as a file; the policy of the page lets fetch not read them. */
function blobOf(url: string): Blob {
  const [head = "", data = ""] = url.split(",", 2);
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? "image/jpeg";
  return new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], { type });
}
