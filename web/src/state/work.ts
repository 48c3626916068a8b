/** The picture on the table, its editor, and the runs. */
import { computed, signal } from "@preact/signals";
import { Editor } from "../editor/editor";
import { type Base, OPEN_STATES, type Result, type Run } from "./types";

export const base = signal<Base | null>(null);
/** Holds mask, sketch, undo and camera of the picture on the table. */
export const editor = new Editor();

/** Newest first. */
export const runs = signal<Run[]>([]);
export const openRuns = computed(() => runs.value.filter((run) => OPEN_STATES.has(run.state)));

/** The result that is looked at; null: the picture is edited. */
export interface Shown {
  run: string;
  index: number;
}
export const shown = signal<Shown | null>(null);

export const shownResult = computed<{ run: Run; result: Result } | null>(() => {
  const at = shown.value;
  const run = at && runs.value.find((one) => one.id === at.run);
  const result = run?.results.find((one) => one.index === at?.index);
  return run && result ? { run, result } : null;
});

/** Change one run. */
export function update(id: string, changes: Partial<Run>): void {
  runs.value = runs.value.map((run) => (run.id === id ? { ...run, ...changes } : run));
}
