/**
 * Several tabs of the page, side by side: one of them follows the tasks of all.
 *
 * The tab that is looked at takes the lead; the one that leads gives a sign of life now and then,
 * and another one takes over when it has left or gone silent. What changes in one tab's runs is
 * told to the others.
 */
import { signal } from "@preact/signals";
import type { Run } from "../state/types";

type Message = { from: string } & (
  | { kind: "who" }
  | { kind: "here"; sending: string[] }
  | { kind: "lead" | "beat" | "left" }
  | { kind: "run"; run: Run }
  | { kind: "gone"; ids: string[] }
  | { kind: "out"; forget: boolean }
);
/** `Omit` would merge the kinds. */
type Said = Message extends infer M ? (M extends Message ? Omit<M, "from"> : never) : never;

const BEAT_MS = 3000;
const SILENCE_MS = 10_000;
const ANSWERS_MS = 150;
const KEY = "overpaint.tab";

/** Whether this tab follows the tasks. */
export const leads = signal(true);

/** This tab; the same after a reload. */
export let tab = named();

function named(): string {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept) return kept;
  } catch {
    // No storage: another name after a reload.
  }
  return rename();
}

function rename(): string {
  const name = uuid();
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // As above.
  }
  return name;
}

/** A UUID; crypto.randomUUID is there on https alone. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20, 32].map((to, i, ends) => hex.slice(ends[i - 1] ?? 0, to)).join("-");
}

export interface Neighbours {
  /** Tabs that are open beside this one. */
  tabs: Set<string>;
  /** Runs that they are sending. */
  sending: Set<string>;
}

export interface Listener {
  /** Runs that this tab is sending. */
  sending: () => string[];
  /** Another tab's run is new or changed. */
  onRun: (run: Run) => void;
  /** Other tabs removed these. */
  onGone: (ids: string[]) => void;
  /** Somebody signed out in another tab, and has removed what is kept here if `forget`. */
  onOut: (forget: boolean) => void;
}

let channel: BroadcastChannel | null = null;
let listener: Listener | null = null;
let answers: Neighbours | null = null;
let heard = 0;
let claimed = 0;

/** Listen to the other tabs, and ask who is there. */
export async function join(listens: Listener): Promise<Neighbours> {
  listener = listens;
  const nobody = { tabs: new Set<string>(), sending: new Set<string>() };
  if (typeof BroadcastChannel === "undefined") return nobody;
  channel = new BroadcastChannel("overpaint");
  channel.onmessage = (event: MessageEvent<Message>) => hear(event.data);
  answers = nobody;
  tell({ kind: "who" });
  await new Promise((resolve) => setTimeout(resolve, ANSWERS_MS));
  answers = null;
  // A tab that was duplicated has its sibling's name.
  if (nobody.tabs.has(tab)) tab = rename();
  leads.value = false;
  if (nobody.tabs.size === 0 || document.visibilityState === "visible") lead();
  else heard = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") lead();
  });
  window.addEventListener("focus", lead);
  window.addEventListener("pagehide", () => leads.value && tell({ kind: "left" }));
  // Back from the browser's cache of pages: somebody else may lead by now.
  window.addEventListener("pageshow", (event) => event.persisted && lead());
  setInterval(watch, BEAT_MS);
  return nobody;
}

function lead(): void {
  claimed = Date.now();
  tell({ kind: "lead" });
  leads.value = true;
}

function watch(): void {
  if (leads.value) tell({ kind: "beat" });
  else if (Date.now() - heard > SILENCE_MS) lead();
}

function tell(said: Said): void {
  channel?.postMessage({ ...said, from: tab });
}

function hear(message: Message): void {
  switch (message.kind) {
    case "who":
      tell({ kind: "here", sending: listener?.sending() ?? [] });
      return;
    case "here":
      answers?.tabs.add(message.from);
      for (const id of message.sending) answers?.sending.add(id);
      return;
    case "lead":
      heard = Date.now();
      // Two at the same moment: one of them, and both know which.
      if (leads.value && Date.now() - claimed < 300 && tab > message.from) lead();
      else leads.value = false;
      return;
    case "beat":
      heard = Date.now();
      if (leads.value && tab < message.from) leads.value = false;
      return;
    case "left":
      // Those that are left do not all speak at once.
      heard = Date.now() - SILENCE_MS + Math.random() * BEAT_MS;
      return;
    case "run":
      listener?.onRun(message.run);
      return;
    case "gone":
      listener?.onGone(message.ids);
      return;
    case "out":
      listener?.onOut(message.forget);
      return;
  }
}

/** Tell the other tabs of a run as it stands. */
export function tellRun(run: Run): void {
  tell({ kind: "run", run });
}

export function tellGone(ids: string[]): void {
  tell({ kind: "gone", ids });
}

export function tellOut(forget: boolean): void {
  tell({ kind: "out", forget });
}
