/** What changes in runs is written down, told to the other tabs, and followed. */
import { effect, untracked } from "@preact/signals";
import { t } from "../i18n";
import { reachable, signedOut } from "../state/session";
import { OPEN_STATES, type Run } from "../state/types";
import { say } from "../state/ui";
import { openRuns, runs, update } from "../state/work";
import { keeping, loadRuns, persist, saveRun, whenRemoved } from "../store/store";
import { getTask } from "./api";
import { Follower } from "./events";
import { takeTask } from "./runs";
import { resumeRun, sending } from "./send";
import { leads, type Neighbours, tellGone, tellRun } from "./tabs";

/** A run that the server does not know is asked for again that long: keys change. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/** Runs as they came from other tabs or the database: not ours to tell. */
const theirs = new WeakSet<Run>();
const writing = new Map<string, Promise<void>>();

/** What is worth writing down; the rest is gone with the next event anyway. */
const KEPT = [
  "taskId",
  "state",
  "ended",
  "results",
  "notes",
  "problem",
  "starred",
  "submitted",
  "wish",
] as const;

/** Bring the runs back. */
export async function restoreRuns(): Promise<void> {
  const kept = (await loadRuns()).map(hopeful);
  for (const run of kept) theirs.add(run);
  const here = new Set(runs.value.map((run) => run.id));
  runs.value = [...runs.value, ...kept.filter((run) => !here.has(run.id))];
}

/** What could not be fetched in passing is missing, and asked for again. */
function hopeful(run: Run): Run {
  const results = run.results.map((one) => {
    const { status = 200, code } = one.problem ?? {};
    return status === 200 || code === "ResultLost" ? one : { ...one, problem: null };
  });
  return { ...run, results };
}

/** From now on: write, tell, follow. */
export function keepRuns(): void {
  let before = new Map<string, Run>();
  effect(() => {
    const now = new Map(runs.value.map((run) => [run.id, run]));
    for (const [id, run] of now) {
      const was = before.get(id);
      if (run === was || theirs.has(run)) continue;
      tellRun(run);
      if (!was || KEPT.some((name) => run[name] !== was[name])) write(run);
    }
    before = now;
  });

  const follower = new Follower({
    onTask: takeTask,
    onPreview: (taskId, preview) => {
      const run = runs.value.find((one) => one.taskId === taskId);
      if (run?.state === "RUNNING") update(run.id, { preview });
    },
  });
  effect(() => {
    const ids = openRuns.value.map((run) => run.taskId).filter((id) => id !== null);
    follower.follow(leads.value ? ids : []);
  });
  effect(() => {
    if (leads.value && !signedOut.value && reachable.value) void untracked(fetchMissing);
  });
  window.addEventListener("online", () => follower.wake());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") follower.wake();
  });

  whenRemoved((ids) => {
    forgetHere(ids);
    tellGone(ids);
    say("info", t().runs.madeRoom(ids.length));
  });
  effect(() => {
    if (keeping.value === "disk") return;
    // The list of notices is read and written.
    untracked(() => say("problem", t().runs.memoryOnly, { hint: t().runs.memoryOnlyHint }));
  });
}

function write(run: Run): void {
  const after = (writing.get(run.id) ?? Promise.resolve()).then(() => {
    const now = runs.value.find((one) => one.id === run.id);
    return now && saveRun(now);
  });
  const done = after.catch(() => undefined);
  writing.set(run.id, done);
  void done.then(() => writing.get(run.id) === done && writing.delete(run.id));
  // Chromium decides by itself; others would ask, and that is for whoever presses a button.
  if (run.state === "SUCCEEDED" && "userAgentData" in navigator) void persist();
}

/** Another tab's run. */
export function takeRun(run: Run): void {
  if (sending().includes(run.id)) return;
  theirs.add(run);
  const at = runs.value.findIndex((one) => one.id === run.id);
  if (at >= 0) runs.value = runs.value.with(at, run);
  else runs.value = [run, ...runs.value].sort((a, b) => b.created - a.created);
}

export function forgetHere(ids: readonly string[]): void {
  runs.value = runs.value.filter((run) => !ids.includes(run.id));
}

/** Take up what was being sent when the page was left. */
export async function resumeSending(neighbours: Neighbours): Promise<void> {
  for (const { id, state, taskId } of runs.value) {
    const elsewhere = neighbours.sending.has(id) || sending().includes(id);
    if (state === "UPLOADING" && !taskId && !elsewhere) await resumeRun(id);
  }
}

let fetching = false;

/** Fetch results that are not here, and ask again for what another key's server did not know. */
async function fetchMissing(): Promise<void> {
  if (fetching) return;
  fetching = true;
  try {
    for (const run of runs.value) {
      const missing = run.results.some((one) => !one.bytes && !one.problem);
      const lost = run.state === "LOST" && run.created > Date.now() - REMEMBERED_MS;
      if (!run.taskId || OPEN_STATES.has(run.state) || !(missing || lost)) continue;
      const output = await getTask(run.taskId, { waitsForSignIn: true });
      if (output.task_status === "UNKNOWN" && missing) lose(run);
      else takeTask(output);
    }
  } catch {
    // It does not answer; another time.
  } finally {
    fetching = false;
  }
}

function lose(run: Run): void {
  const problem = { code: "ResultLost", message: "", status: 0 };
  const results = run.results.map((one) => (one.bytes || one.problem ? one : { ...one, problem }));
  update(run.id, { results });
}
