/** Pressing Run, from the button or the keys. */
import { notReady } from "../runs/ready";
import { startRun } from "../runs/runs";
import { part, say } from "../state/ui";

const AGAIN = 500; // ms in which a second press is a double click
let last = 0;

/** Send what is asked for, or say why that cannot be. */
export function run(): void {
  const now = performance.now();
  if (notReady.value !== null) {
    say("info", notReady.value);
    return;
  }
  if (now - last < AGAIN) return;
  last = now;
  if (part.value === "wish") part.value = "results";
  void startRun();
}
