/** Orders: sent, followed, fetched, cancelled, repeated, forgotten. */
import { drawSeed } from "../panel/seeds";
import { OPEN_STATES, type Run, type RunState, type Wish } from "../state/types";
import { ask, model, wish } from "../state/wish";
import { base, editor, runs, update } from "../state/work";
import { putBlob, removeRun } from "../store/store";
import { cancelTask, getTask, problemIn, type TaskOutput } from "./api";
import { collect, resultsOf } from "./collect";
import { Failed } from "./http";
import { settled } from "./order";
import { ours, sendRun, stopSending } from "./send";
import { tellGone, uuid } from "./tabs";

let preparing = false;

/**
 * Send the picture on the table with its mask and wish.
 *
 * Resolves as soon as the run is in the list; what goes wrong afterwards is said in the run.
 */
export async function startRun(changes: Partial<Wish> = {}): Promise<void> {
  const at = base.value;
  if (!at || preparing) return;
  preparing = true;
  try {
    const asked = settled({ ...wish.value, ...changes }, model.value, drawSeed());
    const mask = await editor.maskBlob();
    if (!mask) return;
    const sketch = asked.useSketch ? await editor.sketchBlob() : null;
    await putBlob(at.bytes);
    if (asked.reference) await putBlob(asked.reference.bytes);
    // A seed that is kept is seen; one that is not was for this run alone.
    const kept = wish.value.seedLocked ? asked.seed : "";
    if (wish.value.seed !== kept) ask({ seed: kept });
    begin({
      ...blank(),
      baseId: at.id,
      baseName: at.name,
      origin: at.origin,
      maskId: await putBlob(mask.blob),
      soft: mask.soft,
      sketchId: sketch && (await putBlob(sketch)),
      width: at.width,
      height: at.height,
      wish: asked,
    });
  } finally {
    preparing = false;
  }
}

/** The same picture, mask and wish with another seed. */
export async function varyRun(run: Run): Promise<void> {
  begin({ ...run, ...blank(), wish: { ...run.wish, seed: drawSeed() } });
}

/** The same again, seed and all; a run without a picture takes its own place again. */
export async function retryRun(run: Run): Promise<void> {
  if (OPEN_STATES.has(run.state)) return;
  if (run.state === "SUCCEEDED") {
    begin({ ...run, ...blank() });
    return;
  }
  const { id, created } = run;
  update(id, { ...blank(), id, created, starred: run.starred });
  void sendRun(id);
}

/** End it, whether it is being sent, waits or is painted. */
export async function cancelRun(id: string): Promise<void> {
  const run = runs.value.find((one) => one.id === id);
  if (!run || !OPEN_STATES.has(run.state)) return;
  if (!run.taskId) {
    if (!(await stopSending(id))) update(id, { state: "CANCELED", ended: Date.now() });
    return;
  }
  try {
    await cancelTask(run.taskId, { waitsForSignIn: true });
    close(id, "CANCELED");
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    // It has ended meanwhile, most likely: what is the case is what is shown.
    const now = await getTask(run.taskId, { waitsForSignIn: true }).catch(() => null);
    if (now) takeTask(now);
  }
}

/** Remove a run and its pictures from this device; one under way is cancelled. */
export async function forgetRun(id: string): Promise<void> {
  const run = runs.value.find((one) => one.id === id);
  if (!run) return;
  if (OPEN_STATES.has(run.state)) await cancelRun(id).catch(() => undefined);
  runs.value = runs.value.filter((one) => one.id !== id);
  tellGone([id]);
  await removeRun(id);
}

/** Keep it when room is made for others, or no longer. */
export async function starRun(id: string, starred: boolean): Promise<void> {
  update(id, { starred });
}

/** Take what the server says of a task. */
export function takeTask(output: TaskOutput): void {
  const run = runs.value.find((one) => one.taskId === output.task_id);
  if (!run) return;
  const state: RunState = output.task_status === "UNKNOWN" ? "LOST" : output.task_status;
  const notes = output.notes ?? run.notes;
  if (state === "SUCCEEDED") {
    const done = run.state === "SUCCEEDED" && run.results.every((one) => one.bytes || one.problem);
    if (done) return;
    if (isOurs(run, output)) {
      close(run.id, state, { notes, results: resultsOf(output, run.results), problem: null });
      void collect(run.id, output);
    } else {
      close(run.id, "FAILED", { problem: ours("Unsure") });
    }
  } else if (OPEN_STATES.has(state)) {
    // News of the past, from a question that was asked before the end.
    if (!OPEN_STATES.has(run.state) && run.state !== "LOST") return;
    const progress = output.progress ?? null;
    const position = state === "PENDING" ? (output.position ?? run.position) : null;
    const preview = state === "RUNNING" ? run.preview : null;
    update(run.id, { state, position, progress, preview, notes, ended: null });
  } else if (OPEN_STATES.has(run.state)) {
    const problem = state === "LOST" ? ours("Lost") : problemIn(output);
    close(run.id, state, { notes, problem: state === "CANCELED" ? null : problem });
  }
}

/** A task that was taken for a run's without an answer shows by its seed whether it is. */
function isOurs(run: Run, output: TaskOutput): boolean {
  const at = output.results?.findIndex((one) => one.seed) ?? -1;
  const seed = output.results?.[at]?.seed;
  return !seed || (BigInt(run.wish.seed) + BigInt(at)) % 2n ** 63n === BigInt(seed);
}

function close(id: string, state: RunState, changes: Partial<Run> = {}): void {
  const ended = runs.value.find((one) => one.id === id)?.ended ?? Date.now();
  update(id, { state, ended, progress: null, preview: null, position: null, ...changes });
}

/** What a run has before anything has happened. */
function blank() {
  return {
    id: uuid(),
    taskId: null,
    created: Date.now(),
    ended: null,
    state: "UPLOADING" as const,
    uploaded: 0,
    position: null,
    progress: null,
    preview: null,
    results: [],
    notes: [],
    problem: null,
    starred: false,
    submitted: null,
  };
}

function begin(run: Run): void {
  runs.value = [run, ...runs.value];
  void sendRun(run.id);
}
