/** What is kept on this device: pictures by their SHA-256, runs, and the work on the table. */
import { signal } from "@preact/signals";

/** "memory": the browser keeps nothing (private mode, no room); all is gone when the page closes. */
export const keeping = signal<"disk" | "memory">("disk");

/** Keep a file; returns its SHA-256. The same file is kept once. */
export async function putBlob(_blob: Blob): Promise<string> {
  return "";
}

export async function getBlob(_id: string): Promise<Blob | null> {
  return null;
}

/** Bytes that this page keeps, and that it may; null: not known. */
export async function size(): Promise<{ used: number; quota: number | null }> {
  return { used: 0, quota: null };
}

/** Ask the browser not to clear it by itself; some ask the user. */
export async function persist(): Promise<boolean> {
  return false;
}

/** Remove all runs that are not starred and not open; returns how many. */
export async function clearHistory(): Promise<number> {
  return 0;
}
