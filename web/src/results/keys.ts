/** The keys of results, for the page's one table of them. */
import { t } from "../i18n";
import type { Shortcut } from "../shell/shortcuts";
import { dialog } from "../state/ui";
import { shown, shownResult } from "../state/work";
import { peek, toggleSplit } from "./compare";
import { runsHere } from "./removal";
import { pictures } from "./strip";

/** Look at the next result (1) or the one before (-1); past the ends it stays. */
export function step(by: number): void {
  const all = pictures(runsHere.value);
  const at = all.findIndex(
    ({ run, result }) => run.id === shown.value?.run && result.index === shown.value.index,
  );
  const next = all[at < 0 ? 0 : at + by];
  if (next) shown.value = { run: next.run.id, index: next.result.index };
}

const looking = () => shownResult.value !== null;

function holdPeek(): void {
  peek(true);
  const end = (event: Event) => {
    if (event instanceof KeyboardEvent && event.key !== HOLD) return;
    peek(false);
    for (const name of ENDS) window.removeEventListener(name, end);
  };
  for (const name of ENDS) window.addEventListener(name, end);
}

const HOLD = "\\";
const ENDS = ["keyup", "blur"] as const;

export const resultKeys: Shortcut[] = [
  {
    id: "edit",
    group: "run",
    keys: ["Escape"],
    words: () => t().results.editTip,
    // An open menu takes the key for itself.
    when: () => looking() && !document.querySelector(".menu:popover-open"),
    action: () => {
      shown.value = null;
    },
  },
  {
    id: "before",
    group: "run",
    keys: [HOLD],
    words: () => t().results.hold,
    when: looking,
    action: holdPeek,
  },
  {
    id: "split",
    group: "run",
    keys: ["C"],
    words: () => t().results.split,
    when: looking,
    action: toggleSplit,
  },
  {
    id: "previousResult",
    group: "run",
    keys: [","],
    words: () => t().results.previous,
    when: () => runsHere.value.length > 0,
    action: () => step(-1),
  },
  {
    id: "nextResult",
    group: "run",
    keys: ["."],
    words: () => t().results.next,
    when: () => runsHere.value.length > 0,
    action: () => step(1),
  },
  {
    id: "download",
    group: "run",
    keys: ["D"],
    words: () => t().results.download,
    when: looking,
    action: () => {
      dialog.value = "download";
    },
  },
];
