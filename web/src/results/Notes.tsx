/** What the engine said of the result that is looked at. */
import { signal } from "@preact/signals";
import { Lightbulb, X } from "lucide-preact";
import { t } from "../i18n";
import { noteText } from "../problems/notes";
import { shownResult } from "../state/work";
import { IconButton } from "../ui/Button";

/** The runs whose notes were read and put away. */
const read = signal<ReadonlySet<string>>(new Set());

/** Floats over the stage, and on a phone stands in the list, where there is room: `place`. */
export function Notes({ place }: { place: "stage" | "list" }) {
  const words = t().results;
  const run = shownResult.value?.run;
  if (!run || run.notes.length === 0 || read.value.has(run.id)) return null;
  return (
    <div class="results-over" data-place={place}>
      <aside class="results-notes" aria-label={words.notes}>
        <Lightbulb size={18} aria-hidden="true" />
        <ul>
          {run.notes.map((note) => (
            <li key={note}>{noteText(note)}</li>
          ))}
        </ul>
        <IconButton
          icon={X}
          label={words.hideNotes}
          onClick={() => {
            read.value = new Set([...read.value, run.id]);
          }}
        />
      </aside>
    </div>
  );
}
