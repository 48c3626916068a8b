/** Pressing Run, from a button or the keys. */
import { effect, untracked } from "@preact/signals";
import { notReady } from "../runs/ready";
import { startRun } from "../runs/runs";
import { dismiss, part, say } from "../state/ui";
import { editor } from "../state/work";

const AGAIN = 500; // ms in which a second press is a double click
let last = 0;

/** The notice that says why not, for as long as that is so. */
let refusal: { id: number; why: string } | null = null;

effect(() => {
  const why = notReady.value;
  if (!refusal || refusal.why === why) return;
  const { id } = refusal;
  refusal = null;
  untracked(() => dismiss(id));
});

/** Send what is asked for, or say why that cannot be and go to where it can be mended. */
export function run(): void {
  const now = performance.now();
  const why = notReady.value;
  if (why !== null) {
    refusal = { id: say("info", why), why };
    part.value = editor.coverage.value.marked > 0 ? "wish" : "picture";
    return;
  }
  if (now - last < AGAIN) return;
  last = now;
  part.value = "results";
  void startRun();
}
