/** Asks before the page goes while a picture is being sent: what is sent already is kept. */
import { runs } from "../state/work";

export function guardLeaving(): void {
  addEventListener("beforeunload", (event) => {
    if (runs.peek().some((run) => run.state === "UPLOADING")) event.preventDefault();
  });
}
