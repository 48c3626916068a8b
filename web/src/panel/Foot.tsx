import { Brush, Eraser, Info } from "lucide-preact";
import { useId } from "preact/hooks";
import { t } from "../i18n";
import { noteText } from "../problems/notes";
import { notReady } from "../runs/ready";
import { account } from "../state/session";
import { wish } from "../state/wish";
import { base, runs, shown } from "../state/work";
import { keysOf } from "../ui/keys";
import { removes } from "./options";
import { run } from "./run";
import { sizeWords } from "./SizeField";

/** Run, what it will do, and what was said of the last one. */
export function Foot() {
  const said = useId();
  return (
    <footer class="panel-foot">
      <RunButton describedBy={said} />
      <RunSays id={said} />
      <Notes />
    </footer>
  );
}

function RunButton({ describedBy }: { describedBy?: string }) {
  const words = t().prompt;
  const Icon = removes.value ? Eraser : Brush;
  const blocked = notReady.value !== null;
  return (
    // Not `disabled`: it stays where the keys are, and says why.
    <button
      type="button"
      class="button primary panel-run"
      aria-disabled={blocked || undefined}
      aria-describedby={describedBy}
      aria-keyshortcuts="Control+Enter Meta+Enter"
      onClick={run}
    >
      <Icon size={18} aria-hidden="true" />
      <span>{removes.value ? words.runRemove : words.run}</span>
      <span class="panel-run-keys" aria-hidden="true">
        {keysOf("Mod+Enter").map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </span>
    </button>
  );
}

/** What will happen, or why it cannot. */
function RunSays({ id }: { id: string }) {
  const words = t().prompt;
  const why = notReady.value;
  const known = account.value;
  const left = known?.images == null ? null : Math.max(0, known.images - known.used);
  return (
    <div class="panel-says">
      <p id={id} class={why ? "why" : undefined}>
        {why ?? words.runSays(wish.value.n, sizeWords())}
      </p>
      {!why && left !== null && known?.images != null && (
        <p class={left < wish.value.n ? "short" : undefined}>
          {words.quotaLeft(left, known.images)}
        </p>
      )}
    </div>
  );
}

/** What the engine said of the latest run of this picture; beside its result it stands there. */
function Notes() {
  const latest = runs.value.find((one) => one.baseId === base.value?.id);
  const notes = latest && shown.value?.run !== latest.id ? latest.notes : [];
  return (
    <div role="status" class="panel-notes">
      {notes.length > 0 && (
        <>
          <Info size={16} aria-hidden="true" />
          <ul aria-label={t().prompt.notesTitle}>
            {notes.map((note) => (
              <li key={note}>{noteText(note)}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
