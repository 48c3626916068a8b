import { runWith } from "../testing";
import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import type { Problem, Run } from "../state/types";
import { runs } from "../state/work";
import { saveRun } from "../store/store";
import { restoreRuns } from "./keep";

function failed(id: string, problem: Problem): Run {
  const results = [{ index: 0, seed: "1", bytes: null, problem }];
  return runWith({ id, taskId: id, ended: 2, state: "SUCCEEDED", submitted: 1, results });
}

test("after a reload results that could not be fetched in passing are missing, not failed", async () => {
  await saveRun(failed("passing", { code: "InternalError", message: "", status: 500 }));
  await saveRun(failed("lost", { code: "ResultLost", message: "", status: 404 }));
  await saveRun(failed("refused", { code: "DataInspectionFailed", message: "", status: 200 }));
  await restoreRuns();
  const problems = Object.fromEntries(
    runs.value.map((run) => [run.id, run.results[0]?.problem?.code ?? null]),
  );
  expect(problems).toEqual({ passing: null, lost: "ResultLost", refused: "DataInspectionFailed" });
});
