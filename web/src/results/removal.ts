/** Removing runs with time to think again: they are hidden at once, and gone after a while. */
import { computed, signal } from "@preact/signals";
import { t } from "../i18n";
import { forgetRun } from "../runs/runs";
import type { Run } from "../state/types";
import { dialog, dismiss, say } from "../state/ui";
import { base, runs, shown } from "../state/work";

/** As long as a toast stays. */
const TIME_TO_UNDO_MS = 6000;

const hidden = signal<ReadonlySet<string>>(new Set());

/** The last removal while it can be undone. */
export const removal = signal<{ count: number; undo: () => void } | null>(null);

/** The runs that are there and not on their way out, newest first. */
export const keptRuns = computed(() =>
  hidden.value.size === 0 ? runs.value : runs.value.filter((run) => !hidden.value.has(run.id)),
);

/** Those of the picture on the table. */
export const runsHere = computed(() =>
  keptRuns.value.filter((run) => run.baseId === base.value?.id),
);

export function removeRuns(gone: readonly Run[]): void {
  if (gone.length === 0) return;
  const ids = new Set(gone.map((run) => run.id));
  hidden.value = new Set([...hidden.value, ...ids]);
  const wasShown = shown.value;
  if (wasShown && ids.has(wasShown.run)) shown.value = null;
  let toast = 0;
  const end = () => {
    hidden.value = new Set([...hidden.value].filter((id) => !ids.has(id)));
    if (removal.value === mine) removal.value = null;
  };
  const timer = setTimeout(async () => {
    for (const id of ids) await forgetRun(id);
    end();
  }, TIME_TO_UNDO_MS);
  const undo = () => {
    clearTimeout(timer);
    end();
    dismiss(toast);
    if (wasShown && ids.has(wasShown.run)) shown.value = wasShown;
  };
  const mine = { count: ids.size, undo };
  removal.value = mine;
  // A modal dialog leaves nothing beneath it that could be pressed; it says so itself.
  if (dialog.value) return;
  const words = t().results;
  toast = say("info", words.removed(ids.size), { action: { label: words.undo, run: undo } });
}
