/** Where a run stands, in words. */
import type { Run } from "../state/types";

/** "3rd in the queue", "Painting, 12 of 30". */
export function runText(run: Run): string {
  return run.state;
}
