/**
 * The page's database, and memory where there is none: private windows, full disks, old browsers.
 *
 * What could not be written lies in memory and is found there first, so that callers see no
 * difference before the page closes.
 */
import { signal } from "@preact/signals";
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { RunRecord, UploadRecord, WorkRecord } from "./records";

export interface BlobRecord {
  id: string;
  blob: Blob;
  /** When it was put here, ms since 1970. */
  at: number;
}

/** A small view of a picture, under the picture's SHA-256. */
export interface ThumbRecord {
  id: string;
  blob: Blob;
}

interface Schema extends DBSchema {
  blobs: { key: string; value: BlobRecord };
  runs: { key: string; value: RunRecord };
  work: { key: string; value: WorkRecord };
  uploads: { key: string; value: UploadRecord };
  thumbs: { key: string; value: ThumbRecord };
}

export type Name = "blobs" | "runs" | "work" | "uploads" | "thumbs";
const KEYS = { blobs: "id", runs: "id", work: "tab", uploads: "id", thumbs: "id" } as const;
const OPEN_MS = 3000;

/** "memory": the browser keeps nothing, and all is gone when the page closes. */
export const keeping = signal<"disk" | "memory">("disk");

const memory: { [N in Name]: Map<string, Schema[N]["value"] | null> } = {
  blobs: new Map(),
  runs: new Map(),
  work: new Map(),
  uploads: new Map(),
  thumbs: new Map(),
};

let opened: Promise<IDBPDatabase<Schema> | null> | null = null;

function database(): Promise<IDBPDatabase<Schema> | null> {
  opened ??= open().catch(() => {
    keeping.value = "memory";
    return null;
  });
  return opened;
}

async function open(): Promise<IDBPDatabase<Schema>> {
  const again = () => {
    opened = null;
  };
  const opening = openDB<Schema>("overpaint", 1, {
    upgrade(db) {
      for (const name of Object.keys(KEYS) as Name[]) {
        db.createObjectStore(name, { keyPath: KEYS[name] });
      }
    },
    // A newer page wants to change it.
    blocking(_version, _blocked, event) {
      (event.target as IDBDatabase).close();
      again();
    },
    terminated: again,
  });
  // Some browsers neither open it nor say no.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The database does not open.")), OPEN_MS);
  });
  opening.then((db) => timer === undefined && db.close()).catch(() => undefined);
  try {
    return await Promise.race([opening, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Close it, and forget what is in memory: as if the page were loaded again. For tests. */
export async function reopen(): Promise<void> {
  (await opened)?.close();
  opened = null;
  keeping.value = "disk";
  for (const map of Object.values(memory)) map.clear();
}

export async function get<N extends Name>(
  name: N,
  key: string,
): Promise<Schema[N]["value"] | undefined> {
  if (memory[name].has(key)) return memory[name].get(key) ?? undefined;
  const db = await database();
  try {
    return (await db?.get(name, key)) as Schema[N]["value"] | undefined;
  } catch {
    return undefined;
  }
}

export async function all<N extends Name>(name: N): Promise<Schema[N]["value"][]> {
  const db = await database();
  let rows: Schema[N]["value"][] = [];
  try {
    rows = ((await db?.getAll(name)) ?? []) as Schema[N]["value"][];
  } catch {
    // What is in memory is all there is.
  }
  const kept = rows.filter((row) => !memory[name].has(keyOf(row)));
  const here = [...memory[name].values()].filter((row) => row !== null);
  return [...kept, ...(here as Schema[N]["value"][])];
}

/**
 * Write a row. Throws QuotaExceededError where there is no room; whatever else goes wrong, the row
 * is kept in memory, and `keeping` says so.
 */
export async function put<N extends Name>(name: N, row: Schema[N]["value"]): Promise<void> {
  const key = keyOf(row);
  const db = await database();
  if (db) {
    try {
      await db.put(name, row);
      memory[name].delete(key);
      return;
    } catch (error) {
      if (isFull(error)) throw error;
      keeping.value = "memory";
    }
  }
  hold(name, row);
}

/** Keep a row in memory alone. */
export function hold<N extends Name>(name: N, row: Schema[N]["value"]): void {
  memory[name].set(keyOf(row), row);
}

/** Remove a row; one that is not there is no error. */
export async function remove(name: Name, key: string): Promise<void> {
  const db = await database();
  try {
    await db?.delete(name, key);
    memory[name].delete(key);
  } catch {
    memory[name].set(key, null);
  }
}

/** Remove everything that this page keeps on this device. */
export async function wipe(): Promise<void> {
  const names = Object.keys(KEYS) as Name[];
  for (const name of names) memory[name].clear();
  const db = await database();
  if (!db) return;
  const transaction = db.transaction(names, "readwrite");
  await Promise.all([
    ...names.map((name) => transaction.objectStore(name).clear()),
    transaction.done,
  ]);
}

/**
 * Change a row in one step, whatever other tabs do meanwhile. `change` gives the row to write, or
 * null to leave it; what it gave is returned.
 */
export async function change<N extends Name>(
  name: N,
  key: string,
  change: (row: Schema[N]["value"] | undefined) => Schema[N]["value"] | null,
): Promise<Schema[N]["value"] | null> {
  const db = memory[name].has(key) ? null : await database();
  if (db) {
    try {
      const transaction = db.transaction(name, "readwrite");
      const next = change((await transaction.store.get(key)) as Schema[N]["value"] | undefined);
      await Promise.all([next && transaction.store.put(next), transaction.done]);
      return next;
    } catch (error) {
      if (isFull(error)) throw error;
      keeping.value = "memory";
    }
  }
  const next = change((await get(name, key)) as Schema[N]["value"] | undefined);
  if (next) hold(name, next);
  return next;
}

function keyOf(row: Schema[Name]["value"]): string {
  return "tab" in row ? row.tab : row.id;
}

/** Whether it failed for want of room. */
export function isFull(error: unknown): boolean {
  const name = (error as { name?: string } | null)?.name ?? "";
  const inner = (error as { inner?: { name?: string } } | null)?.inner?.name;
  return [name, inner].some((one) => one === "QuotaExceededError");
}
