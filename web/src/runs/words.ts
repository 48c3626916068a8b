/** Where a run stands, in words. */
import { t } from "../i18n";
import { problemText } from "../problems/problems";
import { reachable, signedOut } from "../state/session";
import { OPEN_STATES, type Run } from "../state/types";

function stageText(stage: string): string {
  const words = t().runs;
  if (stage === "erase") return words.erasing;
  if (stage === "decode" || stage === "plan") return words.looking;
  return stage === "blend" || stage === "encode" ? words.blending : words.painting;
}

/** "3rd in the queue", "Painting, 12 of 30". */
export function runText(run: Run): string {
  const words = t().runs;
  if (OPEN_STATES.has(run.state)) {
    if (signedOut.value) return words.waitsForSignIn;
    if (!reachable.value) return words.waitsForServer;
  }
  switch (run.state) {
    case "UPLOADING":
      return run.uploaded < 1 ? words.sending(Math.floor(run.uploaded * 100)) : words.ordering;
    case "PENDING":
      if (run.position === null) return words.waiting;
      return run.position === 0 ? words.next : words.queued(run.position + 1);
    case "RUNNING": {
      if (!run.progress) return words.painting;
      const { stage, done, total } = run.progress;
      const what = stageText(stage);
      const counts = stage === "paint" || stage === "erase";
      return counts && total > 1 && done > 0
        ? words.step(what, Math.min(done, total), total)
        : what;
    }
    case "SUCCEEDED": {
      if (run.results.some((one) => !one.bytes && !one.problem)) return words.fetching;
      const good = run.results.filter((one) => one.bytes).length;
      return good < run.results.length ? words.partly(good, run.results.length) : words.done;
    }
    case "FAILED":
      return run.problem ? problemText(run.problem).text : words.failed;
    case "CANCELED":
      return words.canceled;
    case "LOST":
      return words.lost;
  }
}
