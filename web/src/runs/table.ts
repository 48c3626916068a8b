/** The picture on the table, its mask, sketch and wish: kept as they change, back after a reload. */
import { effect } from "@preact/signals";
import { openPicture } from "../shell/picture";
import { wish } from "../state/wish";
import { base, editor, shown } from "../state/work";
import { type WorkRecord, wishOf, wishRecord } from "../store/records";
import { getBlob, loadWorks, putBlob, removeWork, saveWork } from "../store/store";
import { tab } from "./tabs";

/** Quiet for so long, and it is written. Drawing goes on meanwhile. */
const QUIET_MS = 800;
const LONGEST_MS = 4000;

/**
 * Bring back what this tab had, or else the last tab that was closed; false: there is nothing.
 */
export async function restoreTable(openTabs: ReadonlySet<string>): Promise<boolean> {
  const works = await loadWorks();
  const mine =
    works.find((work) => work.tab === tab) ?? works.find((work) => !openTabs.has(work.tab));
  if (!mine) return false;
  wish.value = await wishOf(mine.wish, getBlob);
  if (!mine.base) return false;
  const bytes = await getBlob(mine.base.id);
  if (!bytes) return false;
  const { name, type, origin } = mine.base;
  await openPicture(new File([bytes], name, { type }), origin);
  if (base.value?.id !== mine.base.id) return false;
  const [mask, sketch] = await Promise.all([file(mine.mask), file(mine.sketch)]);
  if (mask || sketch) await editor.restore({ mask, sketch });
  shown.value = mine.shown;
  if (mine.view) look(mine.view);
  if (mine.tab !== tab) await removeWork(mine.tab);
  return true;
}

async function file(id: string | null): Promise<Blob | null> {
  return id ? getBlob(id) : null;
}

/** How many frames the stage is waited for. */
const FRAMES = 180;

/** The stage fits the picture when it is first laid out; the view comes after that. */
function look(view: NonNullable<WorkRecord["view"]>, frames = FRAMES): void {
  requestAnimationFrame(() => {
    const { room } = editor;
    if (room.width === 0) {
      if (frames > 0) look(view, frames - 1);
      return;
    }
    // In another window another part would be seen.
    if (room.width !== view.width || room.height !== view.height) return;
    const { scale, x, y } = editor.camera.value;
    if (scale === view.scale && x === view.x && y === view.y) return;
    editor.zoomTo(view.scale);
    const now = editor.camera.value;
    editor.panBy(view.x - now.x, view.y - now.y);
  });
}

/** From now on: write it a moment after it changes. */
export function keepTable(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let since = 0;
  let writing: Promise<void> = Promise.resolve();
  let drawn = -1;
  let drawnOn = "";
  let files: Pick<WorkRecord, "mask" | "sketch"> = { mask: null, sketch: null };

  const write = async () => {
    const at = base.value;
    const revision = editor.revision.value;
    if (at && (revision !== drawn || at.id !== drawnOn)) {
      const { mask, sketch } = await editor.save();
      files = { mask: mask && (await putBlob(mask)), sketch: sketch && (await putBlob(sketch)) };
      if (base.value !== at) return; // another picture meanwhile: its own turn comes
      drawn = revision;
      drawnOn = at.id;
    }
    if (at) await putBlob(at.bytes);
    const asked = wish.value;
    if (asked.reference) await putBlob(asked.reference.bytes);
    await saveWork({
      tab,
      at: Date.now(),
      base: at && { id: at.id, name: at.name, type: at.type, origin: at.origin },
      ...(at ? files : { mask: null, sketch: null }),
      wish: wishRecord(asked),
      view: at && {
        ...editor.camera.value,
        width: editor.room.width,
        height: editor.room.height,
      },
      shown: shown.value,
    });
  };
  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    since = 0;
    writing = writing.then(write).catch(() => undefined);
  };

  let first = true;
  effect(() => {
    void [base.value, editor.revision.value, wish.value, shown.value, editor.camera.value];
    if (first) {
      first = false;
      return;
    }
    clearTimeout(timer);
    since ||= Date.now();
    // A picture that was just opened, at once: who leaves soon finds it again.
    const quiet = base.value && base.value.id !== drawnOn ? 0 : QUIET_MS;
    timer = setTimeout(now, Math.max(0, Math.min(quiet, since + LONGEST_MS - Date.now())));
  });
  const leave = () => {
    if (timer !== undefined) now();
  };
  document.addEventListener("visibilitychange", leave);
  window.addEventListener("pagehide", leave);
}
