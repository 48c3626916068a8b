import { Image, Images, PencilLine } from "lucide-preact";
import { t } from "../i18n";
import { run } from "../panel/run";
import { notReady } from "../runs/ready";
import { type Part, part } from "../state/ui";
import { openRuns } from "../state/work";
import { Button } from "../ui/Button";

const PARTS = [
  { name: "picture", word: "partPicture", icon: Image },
  { name: "wish", word: "partWish", icon: PencilLine },
  { name: "results", word: "partResults", icon: Images },
] as const satisfies ReadonlyArray<{ name: Part; word: string; icon: typeof Image }>;

/** The bar at the foot of a small screen: which part is seen, and the button that repaints. */
export function Parts() {
  const words = t().shell;
  const open = openRuns.value.length;
  const why = notReady.value;
  return (
    <nav class="shell-parts" aria-label={words.parts}>
      {PARTS.map(({ name, word, icon: Icon }) => (
        <button
          key={name}
          type="button"
          class={`shell-part ${name}`}
          aria-current={part.value === name ? "true" : undefined}
          onClick={() => {
            part.value = name;
          }}
        >
          <Icon size={20} strokeWidth={1.75} aria-hidden="true" />
          <span>{words[word]}</span>
          {name === "results" && open > 0 && (
            <span class="badge">
              <span aria-hidden="true">{open}</span>
              <span class="sr-only">{words.openResults(open)}</span>
            </span>
          )}
        </button>
      ))}
      <Button kind="primary" class="shell-run" aria-disabled={why !== null} onClick={run}>
        {words.run}
      </Button>
    </nav>
  );
}
