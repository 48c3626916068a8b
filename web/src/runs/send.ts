/** An order on its way: files, then the task. Nothing is sent twice without being asked for. */
import { reachable } from "../state/session";
import { OPEN_STATES, type Problem, type Run } from "../state/types";
import { runs, update } from "../state/work";
import { claimSending, getBlob, putBlob, saveRun } from "../store/store";
import { cancelTask, createTask, listTasks } from "./api";
import { Failed, isUnsure, pause, serverAhead, until } from "./http";
import { orderBody } from "./order";
import { forgetUploads, type Parcel, upload } from "./uploads";

/** The server's clock is known to a second. */
const SKEW_MS = 2000;
/** An order is a task that long after it was sent, or never. */
const LATEST_MS = 150_000;
/** An order whose answer was lost may still be read by the server. */
const SETTLES_MS = 2000;
const MOST_SENDS = 3;

const underWay = new Map<string, AbortController>();

/** Ids of the runs that this tab is sending. */
export function sending(): string[] {
  return [...underWay.keys()];
}

/** Stop sending; false: it is not being sent here. */
export function stopSending(id: string): boolean {
  const control = underWay.get(id);
  control?.abort(new DOMException("Canceled", "AbortError"));
  return control !== undefined;
}

/** Send a run that stands as UPLOADING in the list; what goes wrong is said in it. */
export async function sendRun(id: string): Promise<void> {
  if (underWay.has(id)) return;
  const control = new AbortController();
  underWay.set(id, control);
  try {
    await whole(id, control.signal);
  } catch (error) {
    if (control.signal.aborted) {
      end(id, { state: "CANCELED" });
      void endIfSent(id);
    } else {
      end(id, { state: "FAILED", problem: problemOf(error) });
    }
  } finally {
    underWay.delete(id);
  }
}

async function whole(id: string, signal: AbortSignal): Promise<void> {
  const files = await filesOf(current(id));
  await saveRun(current(id));
  for (let attempt = 1; ; attempt++) {
    const model = current(id).wish.model;
    const tell = (share: number) => update(id, { uploaded: Math.min(1, share) });
    let urls: Map<string, string>;
    try {
      urls = await upload([...files.values()], model, tell, signal);
    } catch (error) {
      await passes(error, signal);
      continue;
    }
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
      if (!(error instanceof Failed) || attempt >= MOST_SENDS) throw error;
      if (isLost(error.problem)) {
        await forgetUploads(urls.keys());
        continue;
      }
      if (!isUnsure(error.problem)) throw error;
      await until(() => reachable.value, signal);
      await pause(SETTLES_MS, signal);
      if (await adopt(id, signal)) return;
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

/** Wait while the server cannot be reached; throw what does not pass. */
async function passes(error: unknown, signal: AbortSignal): Promise<void> {
  if (!(error instanceof Failed) || !isUnsure(error.problem)) throw error;
  reachable.value = false;
  await until(() => reachable.value, signal);
  await pause(300, signal);
}

/** Whether the server does not have a file any more that was uploaded before. */
function isLost({ code, message }: Problem): boolean {
  return code.startsWith("InvalidURL") && !message.includes("X-DashScope");
}

/**
 * Find out whether an order whose answer never came has become a task, and take that.
 *
 * The server does not repeat what an order said; a task of the right model and time that no run
 * knows is the one, if there is one alone.
 */
export async function adopt(id: string, signal?: AbortSignal): Promise<boolean> {
  const run = current(id);
  if (run.submitted === null) return false;
  const known = new Set(runs.value.map((one) => one.taskId));
  const rows = await listTasks({ signal, waitsForSignIn: true });
  const sent = run.submitted + serverAhead();
  const found = rows.filter(
    (row) =>
      row.model_name === run.wish.model &&
      row.gmt_create >= sent - SKEW_MS &&
      row.gmt_create <= sent + LATEST_MS &&
      !known.has(row.task_id),
  );
  if (found.length > 1) throw new Failed(ours("Unsure"));
  const [task] = found;
  if (!task) return false;
  began(id, task.task_id);
  return true;
}

/** It was stopped while the order was under way: end the task that it may have become. */
async function endIfSent(id: string): Promise<void> {
  const run = runs.value.find((one) => one.id === id);
  if (!run || run.submitted === null) return;
  try {
    await pause(SETTLES_MS);
    if (!(await adopt(id))) return;
    const { taskId } = current(id);
    if (taskId) await cancelTask(taskId);
  } catch {
    // It could not be found out; it is painted for nothing at worst.
  } finally {
    const now = runs.value.find((one) => one.id === id);
    if (now && OPEN_STATES.has(now.state)) end(id, { state: "CANCELED" });
  }
}

/** Take up a run that another time of the page was sending. */
export async function resumeRun(id: string): Promise<void> {
  try {
    if (await adopt(id)) return;
    end(id, { state: "FAILED", problem: ours("Interrupted") });
  } catch (error) {
    end(id, { state: "FAILED", problem: problemOf(error) });
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
