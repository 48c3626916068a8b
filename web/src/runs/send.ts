/** An order on its way: files, then the task. Nothing is sent twice without being asked for. */
import { reachable } from "../state/session";
import type { Problem, Run } from "../state/types";
import { runs, update } from "../state/work";
import { claimSending, getBlob, putBlob, saveRun } from "../store/store";
import { cancelTask, createTask, listTasks } from "./api";
import { backoff, Failed, isUnsure, pause, serverAhead, until } from "./http";
import { orderBody } from "./order";
import { forgetUploads, type Parcel, upload } from "./uploads";

/** The server's clock is known to a second. */
const SKEW_MS = 2000;
/** An order is a task that long after it was sent, or never. */
const LATEST_MS = 150_000;
/** An order whose answer was lost may still be read by the server. */
const SETTLES_MS = 2000;
const MOST_SENDS = 3;
/** How often the server may go away in the middle of what changes nothing: files, questions. */
const MOST_ROUNDS = 5;
/** How often the list is read while it cannot be told whose a task is. */
const MOST_LOOKS = 5;

const underWay = new Map<string, { control: AbortController; over: Promise<void> }>();

/** Ids of the runs that this tab is sending. */
export function sending(): string[] {
  return [...underWay.keys()];
}

/** Stop sending, and resolve when that is done; false: it is not being sent here. */
export async function stopSending(id: string): Promise<boolean> {
  const one = underWay.get(id);
  one?.control.abort(new DOMException("Canceled", "AbortError"));
  await one?.over;
  return one !== undefined;
}

/** Send a run that stands as UPLOADING in the list; what goes wrong is said in it. */
export function sendRun(id: string): Promise<void> {
  return track(id, (signal) => whole(id, signal));
}

/** Take up a run that another time of the page was sending. */
export function resumeRun(id: string): Promise<void> {
  return track(id, async (signal) => {
    if (!(await adopt(id, signal))) throw new Failed(ours("Interrupted"));
  });
}

function track(id: string, steps: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const known = underWay.get(id);
  if (known) return known.over;
  const control = new AbortController();
  const over = told(id, steps, control.signal).finally(() => underWay.delete(id));
  underWay.set(id, { control, over });
  return over;
}

async function told(
  id: string,
  steps: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await steps(signal);
  } catch (error) {
    if (signal.aborted) {
      end(id, { state: "CANCELED" });
      void endIfSent(id);
    } else {
      end(id, { state: "FAILED", problem: problemOf(error) });
    }
  }
}

async function whole(id: string, signal: AbortSignal): Promise<void> {
  const files = await filesOf(current(id));
  await saveRun(current(id));
  for (let sends = 1; ; sends++) {
    const model = current(id).wish.model;
    const tell = (share: number) => update(id, { uploaded: Math.min(1, share) });
    const urls = await patiently(() => upload([...files.values()], model, tell, signal), signal);
    signal.throwIfAborted();
    // The first time, the database has the word: another tab may have given it up meanwhile.
    if (current(id).submitted === null) {
      const submitted = await claimSending(id);
      if (submitted === null) throw new Failed(ours("Interrupted"));
      update(id, { submitted });
    }
    try {
      began(id, await createTask(body(current(id), urls), { signal, waitsForSignIn: true }));
      return;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      if (isLost(error.problem)) {
        await forgetUploads(urls.keys());
      } else {
        if (!isUnsure(error.problem)) throw error;
        await until(() => reachable.value, signal);
        if (await adopt(id, signal)) return;
      }
      if (sends >= MOST_SENDS) throw error;
    }
  }
}

/** The files of a run, from this device. */
async function filesOf(run: Run): Promise<Map<string, Parcel>> {
  const files = new Map<string, Parcel>();
  const add = async (name: string, fileId: string | null | undefined) => {
    if (!fileId) return;
    const blob = await getBlob(fileId);
    if (!blob) throw new Failed(ours("FilesGone"));
    files.set(name, { id: fileId, blob });
  };
  await add("base", run.baseId);
  await add("mask", run.maskId);
  await add("sketch", run.sketchId);
  if (run.wish.reference) await add("reference", await putBlob(run.wish.reference.bytes));
  return files;
}

function body(run: Run, urls: Map<string, string>): string {
  const at = (id: string | null | undefined) => (id ? (urls.get(id) ?? null) : null);
  return orderBody(
    run.wish,
    {
      base: at(run.baseId) ?? "",
      mask: at(run.maskId) ?? "",
      sketch: at(run.sketchId),
      reference: at(run.wish.reference?.id),
    },
    run.soft,
  );
}

function began(id: string, taskId: string): void {
  update(id, { taskId, state: "PENDING", uploaded: 1, position: null, problem: null });
}

/** Ask, and once more when the server is back; throws what does not pass. */
async function patiently<T>(asks: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await asks();
    } catch (error) {
      if (!(error instanceof Failed) || !isUnsure(error.problem) || round >= MOST_ROUNDS) {
        throw error;
      }
      reachable.value = false;
      await until(() => reachable.value, signal);
      await pause(backoff(round), signal);
    }
  }
}

/** Whether the server does not have a file any more that was uploaded before. */
function isLost({ code, message }: Problem): boolean {
  if (code === "InvalidParameter.FileDownload") return true; // a result's address
  return code.startsWith("InvalidURL") && !message.includes("X-DashScope");
}

/** Find out whether an order whose answer never came has become a task, and take that. */
async function adopt(id: string, signal: AbortSignal): Promise<boolean> {
  const task = await taskOf(current(id), signal);
  if (task) began(id, task);
  return task !== null;
}

/**
 * The task that an order without an answer has become; null: none.
 *
 * The server does not repeat what an order said; a task of the right model and time that no run
 * knows is the one, if there is one alone.
 */
async function taskOf(run: Run, signal?: AbortSignal): Promise<string | null> {
  const { submitted } = run;
  if (submitted === null) return null;
  for (let look = 1; ; look++) {
    await pause(SETTLES_MS, signal);
    const rows = await patiently(() => listTasks({ signal, waitsForSignIn: true }), signal);
    const known = new Set(runs.value.map((one) => one.taskId));
    const sent = submitted + serverAhead();
    const found = rows.filter(
      (row) =>
        row.model_name === run.wish.model &&
        row.gmt_create >= sent - SKEW_MS &&
        row.gmt_create <= sent + LATEST_MS &&
        !known.has(row.task_id),
    );
    const [task] = found;
    if (!task) return null;
    // Another order that waits for its answer: it may be that one's.
    const rivals = runs.value.some(
      (one) =>
        one.id !== run.id &&
        one.state === "UPLOADING" &&
        one.submitted !== null &&
        Math.abs(one.submitted - submitted) < LATEST_MS &&
        one.wish.model === run.wish.model,
    );
    if (found.length === 1 && !rivals) return task.task_id;
    if (!rivals || look >= MOST_LOOKS) throw new Failed(ours("Unsure"));
  }
}

/** It was stopped while the order was under way: end the task that it may have become. */
async function endIfSent(id: string): Promise<void> {
  const run = runs.value.find((one) => one.id === id);
  if (!run || run.submitted === null) return;
  try {
    const task = await taskOf(run);
    const now = runs.value.find((one) => one.id === id);
    if (!task) return;
    if (now?.submitted === run.submitted) update(id, { taskId: task });
    // It was sent again meanwhile: this may be that order's.
    else if (now && now.submitted !== null) return;
    await cancelTask(task);
  } catch {
    // It could not be found out; it is painted for nothing at worst.
  }
}

export function ours(code: string): Problem {
  return { code, message: "", status: 0 };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Failed) return error.problem;
  return { ...ours("PageFailed"), message: error instanceof Error ? error.message : String(error) };
}

function end(id: string, changes: Partial<Run>): void {
  update(id, { ended: Date.now(), progress: null, preview: null, position: null, ...changes });
}

function current(id: string): Run {
  const run = runs.value.find((one) => one.id === id);
  if (!run) throw new DOMException("The run was forgotten.", "AbortError");
  return run;
}
