/** What is kept on this device: pictures by their SHA-256, runs, and the work on the table. */
import { OPEN_STATES, type Run } from "../state/types";
import { digest } from "./digest";
import {
  filesOfRun,
  filesOfWork,
  idOf,
  know,
  type RunRecord,
  runOf,
  runRecord,
  type UploadRecord,
  type WorkRecord,
} from "./records";
import { all, change, get, hold, isFull, keeping, put, remove, wipe } from "./shelf";

export { keeping, wipe };

/** A file without a row is kept that long: what is to name it may be under way. */
const UNNAMED_MS = 60 * 60 * 1000;
/** As above, where room is short. */
const NAMING_MS = 60 * 1000;
/** Tables of tabs that were closed. */
const TABLES_KEPT = 3;

/** Called with the runs that were removed to make room. */
let onRemoved: (ids: string[]) => void = () => undefined;
export function whenRemoved(listener: (ids: string[]) => void): void {
  onRemoved = listener;
}

/** Keep a file; returns its SHA-256. The same file is kept once. */
export async function putBlob(blob: Blob): Promise<string> {
  const id = idOf(blob) ?? (await digest(blob));
  know(blob, id);
  if (await get("blobs", id)) return id;
  const row = { id, blob, at: Date.now() };
  await withRoom(
    () => put("blobs", row),
    () => hold("blobs", row),
  );
  return id;
}

export async function getBlob(id: string): Promise<Blob | null> {
  const row = await get("blobs", id);
  if (!row) return null;
  know(row.blob, id);
  return row.blob;
}

/** The small view of a picture, if one was made. */
export async function getThumb(id: string): Promise<Blob | null> {
  return (await get("thumbs", id))?.blob ?? null;
}

/** Keep a small view. No run is removed for its sake: where there is no room, memory has it. */
export async function putThumb(id: string, blob: Blob): Promise<void> {
  const row = { id, blob };
  try {
    await put("thumbs", row);
  } catch {
    hold("thumbs", row);
  }
}

/** Write a run as it stands. Its files are put here first: `putBlob`. */
export async function saveRun(run: Run): Promise<void> {
  // What another tab told of is the same bytes in another blob.
  for (const { bytes } of run.results) if (bytes && !idOf(bytes)) await putBlob(bytes);
  const row = runRecord(run);
  await withRoom(
    () => put("runs", row),
    () => hold("runs", row),
  );
}

/** All runs, newest first. */
export async function loadRuns(): Promise<Run[]> {
  const rows = (await all("runs")).sort((a, b) => b.created - a.created);
  return Promise.all(rows.map((row) => runOf(row, getBlob)));
}

/**
 * Take the right to send a run's order: written down before it is sent, so that no tab and no
 * reload sends it twice. False: it was sent, or given up, elsewhere.
 */
export async function claimSending(id: string): Promise<number | null> {
  const now = Date.now();
  const row = await change("runs", id, (one) =>
    one && one.state === "UPLOADING" && one.submitted === null ? { ...one, submitted: now } : null,
  );
  return row && now;
}

export async function removeRun(id: string): Promise<void> {
  const row = await get("runs", id);
  if (!row) return;
  await remove("runs", id);
  await release(filesOfRun(row));
}

export async function saveWork(work: WorkRecord): Promise<void> {
  await withRoom(
    () => put("work", work),
    () => hold("work", work),
  );
}

export async function loadWorks(): Promise<WorkRecord[]> {
  return (await all("work")).sort((a, b) => b.at - a.at);
}

export async function removeWork(tab: string): Promise<void> {
  await remove("work", tab);
}

export async function savedUpload(id: string): Promise<UploadRecord | null> {
  return (await get("uploads", id)) ?? null;
}

export async function saveUpload(upload: UploadRecord): Promise<void> {
  await withRoom(
    () => put("uploads", upload),
    () => hold("uploads", upload),
  );
}

export async function forgetUpload(id: string): Promise<void> {
  await remove("uploads", id);
}

/** Bytes that this page keeps, and that it may; null: not known. */
export async function size(): Promise<{ used: number; quota: number | null }> {
  const files = await all("blobs");
  const used = files.reduce((sum, file) => sum + file.blob.size, 0);
  try {
    const { quota } = await navigator.storage.estimate();
    return { used, quota: quota ?? null };
  } catch {
    return { used, quota: null };
  }
}

/** Ask the browser not to clear it by itself; some ask the user. */
export async function persist(): Promise<boolean> {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return false; // no such thing over plain http
  }
}

/** Remove what nothing names any more: files, tables of closed tabs, uploads whose time is over. */
export async function tidy(aliveTabs: ReadonlySet<string>): Promise<void> {
  const closed = (await loadWorks()).filter((work) => !aliveTabs.has(work.tab));
  for (const work of closed.slice(TABLES_KEPT)) await remove("work", work.tab);
  for (const upload of await all("uploads")) {
    if (upload.expires < Date.now()) await remove("uploads", upload.id);
  }
  await sweep();
}

/** Remove files that nothing has named for so long; whether there were any. */
export async function sweep(unnamed_ms = UNNAMED_MS): Promise<boolean> {
  const named = await namedFiles();
  const old = (await all("blobs")).filter(
    ({ id, at }) => !named.has(id) && at < Date.now() - unnamed_ms,
  );
  for (const { id } of old) await drop(id);
  return old.length > 0;
}

async function namedFiles(): Promise<Set<string>> {
  const [runs, works] = [await all("runs"), await all("work")];
  return new Set([...runs.flatMap(filesOfRun), ...works.flatMap(filesOfWork)]);
}

async function release(files: string[]): Promise<void> {
  const named = await namedFiles();
  for (const id of new Set(files)) if (!named.has(id)) await drop(id);
}

/** Remove a file and its small view. */
async function drop(id: string): Promise<void> {
  await remove("blobs", id);
  await remove("thumbs", id);
}

function mayGo(run: RunRecord): boolean {
  return !run.starred && !OPEN_STATES.has(run.state);
}

/** Write; where there is no room, remove what nothing names, then the oldest runs one by one. */
async function withRoom(write: () => Promise<void>, otherwise: () => void): Promise<void> {
  const gone: string[] = [];
  for (let swept = false; ; ) {
    try {
      await write();
      break;
    } catch (error) {
      if (!isFull(error)) throw error;
      if (!swept) {
        swept = true;
        if (await sweep(NAMING_MS)) continue;
      }
      const oldest = (await all("runs")).filter(mayGo).sort((a, b) => a.created - b.created)[0];
      if (!oldest) {
        keeping.value = "memory";
        otherwise();
        break;
      }
      await remove("runs", oldest.id);
      await release(filesOfRun(oldest));
      gone.push(oldest.id);
    }
  }
  if (gone.length > 0) onRemoved(gone);
}
