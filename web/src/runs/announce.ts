/** Says in the page's title that something has ended, while nobody looks; asks for no permission. */
import { effect } from "@preact/signals";
import { t } from "../i18n";
import { OPEN_STATES, type RunState } from "../state/types";
import { runs } from "../state/work";

export function announce(): void {
  let before = new Map<string, RunState>();
  let ended = 0;
  const plain = document.title;
  effect(() => {
    const now = new Map(runs.value.map((run) => [run.id, run.state]));
    for (const [id, state] of now) {
      const was = before.get(id);
      if (was && OPEN_STATES.has(was) && (state === "SUCCEEDED" || state === "FAILED")) ended++;
    }
    before = now;
    if (ended > 0 && document.hidden) document.title = `(${t().runs.ended(ended)}) ${plain}`;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      ended = 0;
      return;
    }
    if (ended > 0) document.title = plain;
    ended = 0;
  });
}
