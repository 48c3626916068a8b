/** Pressing Run, from the button or the keys. */
import { computed } from "@preact/signals";
import { notReady } from "../runs/ready";
import { startRun } from "../runs/runs";
import { part } from "../state/ui";
import { complaints } from "./options";

/** Why Run cannot be pressed, in words; null: it can. */
export const cannotRun = computed<string | null>(() => {
  const { prompt, negative, size, seed } = complaints.value;
  return notReady.value ?? prompt ?? size ?? seed ?? negative ?? null;
});

const AGAIN = 500; // ms in which a second press is a double click
let last = 0;

/** Send what is asked for; says nothing where it cannot be sent, as the button says why. */
export function run(): void {
  const now = performance.now();
  if (cannotRun.value !== null || now - last < AGAIN) return;
  last = now;
  if (part.value === "wish") part.value = "results";
  void startRun();
}
