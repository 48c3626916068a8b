/** What the page shows: which dialog, which part on a small screen, what it says in passing. */
import { signal } from "@preact/signals";

export type DialogName =
  | "shortcuts"
  | "history"
  | "code"
  | "about"
  | "maskImport"
  | "download"
  | "signOut";
export const dialog = signal<DialogName | null>(null);

/** On a phone one part is seen at a time. */
export type Part = "picture" | "wish" | "results";
export const part = signal<Part>("picture");

export type Tone = "info" | "success" | "problem";
export interface Toast {
  id: number;
  tone: Tone;
  text: string;
  /** A second, quieter line: what to do. */
  hint?: string;
  action?: { label: string; run: () => void };
}
export const toasts = signal<Toast[]>([]);

let next = 1;

/** Say something in passing; problems stay until they are dismissed. Returns the toast's id. */
export function say(tone: Tone, text: string, more: Pick<Toast, "hint" | "action"> = {}): number {
  const id = next++;
  const same = toasts.value.filter((one) => one.text !== text);
  toasts.value = [...same.slice(-3), { id, tone, text, ...more }];
  if (tone !== "problem") setTimeout(() => dismiss(id), 6000);
  return id;
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}
