/** Results are fetched as soon as they are there: their addresses expire, the files stay here. */

import { reachable } from "../state/session";
import type { Result } from "../state/types";
import { runs, update } from "../state/work";
import { putBlob } from "../store/store";
import { keepAddress } from "./addresses";
import { fetchResult, type TaskOutput } from "./api";
import { backoff, Failed, pause, signedIn, until } from "./http";

const TRIES = 6;
const fetching = new Set<string>();

/** What a task's answer says of its pictures, with what is here already. */
export function resultsOf(output: TaskOutput, before: readonly Result[]): Result[] {
  return (output.results ?? []).map((said, index) => {
    const known = before.find((one) => one.index === index);
    const problem = said.url
      ? null
      : { code: said.code ?? "InternalError", message: said.message ?? "", status: 200 };
    return { index, seed: said.seed ?? known?.seed ?? "", bytes: known?.bytes ?? null, problem };
  });
}

/** Fetch the pictures of a run that are not here yet. */
export async function collect(id: string, output: TaskOutput): Promise<void> {
  await Promise.all((output.results ?? []).map((said, index) => one(id, index, said.url)));
}

async function one(id: string, index: number, url: string | undefined): Promise<void> {
  const name = `${id}/${index}`;
  const now = runs.value.find((run) => run.id === id)?.results[index];
  if (!url || !now || now.bytes || fetching.has(name)) return;
  fetching.add(name);
  try {
    const bytes = await patiently(url);
    await keepAddress(await putBlob(bytes), url);
    change(id, index, { bytes, problem: null });
  } catch (error) {
    const problem = error instanceof Failed ? error.problem : null;
    const code = !problem || problem.status === 404 ? "ResultLost" : problem.code;
    change(id, index, { problem: { message: "", status: 0, ...problem, code } });
  } finally {
    fetching.delete(name);
  }
}

async function patiently(url: string): Promise<Blob> {
  for (let attempt = 1; ; attempt++) {
    try {
      const blob = await fetchResult(url, { tries: 1 });
      if (!blob.type.startsWith("image/")) {
        throw new Failed({ code: "BadAnswer", message: blob.type, status: 200 });
      }
      return blob;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      const { status } = error.problem;
      if (status === 401) await signedIn();
      else if (attempt >= TRIES || (status !== 0 && status !== 429 && status < 500)) throw error;
      await pause(error.retryAfter ?? backoff(attempt));
      await until(() => reachable.value);
    }
  }
}

function change(id: string, index: number, changes: Partial<Result>): void {
  const run = runs.value.find((one) => one.id === id);
  if (!run) return;
  const results = run.results.map((one) => (one.index === index ? { ...one, ...changes } : one));
  update(id, { results });
}
