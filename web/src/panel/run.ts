/** Pressing Run, from the button or the keys. */
import { notReady } from "../runs/ready";
import { startRun } from "../runs/runs";
import { part } from "../state/ui";

const AGAIN = 500; // ms in which a second press is a double click
let last = 0;

/** Send what is asked for; says nothing where it cannot be sent, as the button says why. */
export function run(): void {
  const now = performance.now();
  if (notReady.value !== null || now - last < AGAIN) return;
  last = now;
  if (part.value === "wish") part.value = "results";
  void startRun();
}
