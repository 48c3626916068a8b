/** The one table of keys: the handler acts on it, the cheat sheet shows it. Parts add their rows. */
import { signal } from "@preact/signals";
import { SKETCH_TOOLS, type Tool } from "../editor/editor";
import { t } from "../i18n";
import { run } from "../panel/run";
import { dialog } from "../state/ui";
import { base, editor } from "../state/work";
import { changeBrush, stepSize } from "../tools/brush";
import { matches } from "../ui/keys";
import { pickPicture } from "./picture";

export type Group = "picture" | "tools" | "mask" | "view" | "run";

export interface Shortcut {
  id: string;
  group: Group;
  /** Any of them does it; as in ui/keys.ts. */
  keys: string[];
  words: () => string;
  action: () => void;
  /** Whether it makes sense now; else the key is left to the browser. */
  when?: () => boolean;
  /** Also while one writes in a field. */
  inFields?: boolean;
}

const open = () => base.value !== null;

function tool(name: Tool, key: string): Shortcut {
  return {
    id: name,
    group: "tools",
    keys: [key],
    words: () => t().tools[name],
    when: () => open() && (editor.layer.value === "mask" || SKETCH_TOOLS.has(name)),
    action: () => {
      editor.tool.value = name;
    },
  };
}

export const shortcuts: Shortcut[] = [
  {
    id: "open",
    group: "picture",
    keys: ["Mod+O"],
    words: () => t().shell.openFile,
    action: pickPicture,
  },
  {
    id: "undo",
    group: "picture",
    keys: ["Mod+Z"],
    words: () => t().shell.undo,
    when: open,
    action: () => editor.undo(),
  },
  {
    id: "redo",
    group: "picture",
    keys: ["Mod+Shift+Z", "Mod+Y"],
    words: () => t().shell.redo,
    when: open,
    action: () => editor.redo(),
  },
  {
    id: "history",
    group: "picture",
    keys: ["Shift+H"],
    words: () => t().shell.history,
    action: () => {
      dialog.value = "history";
    },
  },
  {
    id: "shortcuts",
    group: "picture",
    keys: ["?"],
    words: () => t().shell.shortcuts,
    action: () => {
      dialog.value = "shortcuts";
    },
  },

  tool("brush", "B"),
  tool("eraser", "E"),
  tool("lasso", "L"),
  tool("rectangle", "R"),
  tool("wand", "W"),
  tool("fill", "G"),
  tool("hand", "H"),
  {
    id: "smaller",
    group: "tools",
    keys: ["["],
    words: () => t().help.smallerBrush,
    when: open,
    action: () => stepSize(-1),
  },
  {
    id: "larger",
    group: "tools",
    keys: ["]"],
    words: () => t().help.largerBrush,
    when: open,
    action: () => stepSize(1),
  },
  {
    id: "harder",
    group: "tools",
    keys: ["{"],
    words: () => t().help.harder,
    when: open,
    action: () => changeBrush({ softness: editor.brush.value.softness - 0.1 }),
  },
  {
    id: "softer",
    group: "tools",
    keys: ["}"],
    words: () => t().help.softer,
    when: open,
    action: () => changeBrush({ softness: editor.brush.value.softness + 0.1 }),
  },
  {
    id: "sketch",
    group: "tools",
    keys: ["S"],
    words: () => `${t().tools.layerMask} / ${t().tools.layerSketch}`,
    when: open,
    action: () => {
      editor.layer.value = editor.layer.value === "mask" ? "sketch" : "mask";
    },
  },

  {
    id: "all",
    group: "mask",
    keys: ["Mod+A"],
    words: () => t().tools.selectAll,
    when: open,
    action: () => editor.selectAll(),
  },
  {
    id: "invert",
    group: "mask",
    keys: ["I"],
    words: () => t().tools.invert,
    when: open,
    action: () => editor.invert(),
  },
  {
    id: "clear",
    group: "mask",
    keys: ["Delete", "Backspace"],
    words: () => t().tools.clear,
    when: open,
    action: () => (editor.layer.value === "mask" ? editor.clear() : editor.clearSketch()),
  },
  {
    id: "subtract",
    group: "mask",
    keys: ["X"],
    words: () => `${t().tools.add} / ${t().tools.subtract}`,
    when: open,
    action: () => {
      editor.subtract.value = !editor.subtract.value;
    },
  },
  {
    id: "show",
    group: "mask",
    keys: ["Q"],
    words: () => `${t().tools.show} / ${t().tools.hide}`,
    when: open,
    action: () => {
      editor.showMask.value = !editor.showMask.value;
    },
  },

  {
    id: "in",
    group: "view",
    keys: ["+", "="],
    words: () => t().shell.zoomIn,
    when: open,
    action: () => editor.zoomIn(),
  },
  {
    id: "out",
    group: "view",
    keys: ["-"],
    words: () => t().shell.zoomOut,
    when: open,
    action: () => editor.zoomOut(),
  },
  {
    id: "fit",
    group: "view",
    keys: ["0"],
    words: () => t().shell.fit,
    when: open,
    action: () => editor.fit(),
  },
  {
    id: "actual",
    group: "view",
    keys: ["1"],
    words: () => t().shell.actualSize,
    when: open,
    action: () => editor.actualSize(),
  },

  {
    id: "run",
    group: "run",
    keys: ["Mod+Enter"],
    words: () => t().shell.run,
    when: open,
    inFields: true,
    action: run,
  },
];

/** The first keys of a shortcut, for buttons that do the same. */
export function keysFor(id: string): string | undefined {
  return shortcuts.find((one) => one.id === id)?.keys[0];
}

const KEY = "overpaint.singleKeys";
/** Whether keys without Ctrl act; WCAG 2.1.4. */
export const singleKeys = signal(localStorage.getItem(KEY) !== "off");

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  if (on) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, "off");
}

const FIELDS = "input:not([type='range'], [type='checkbox'], [type='radio']), textarea, select";

function act(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const at = event.target instanceof Element ? event.target : null;
  const writing = at?.closest(FIELDS) || (at as HTMLElement | null)?.isContentEditable;
  for (const one of shortcuts) {
    const combo = one.keys.find((keys) => matches(event, keys));
    if (!combo || (writing && !one.inFields) || (one.when && !one.when())) continue;
    if (!combo.startsWith("Mod+") && !singleKeys.value) continue;
    event.preventDefault();
    if (!event.repeat || ["[", "]", "{", "}", "+", "=", "-", "Mod+Z"].includes(combo)) one.action();
    return;
  }
}

/** Listen, from now on. */
export function listenToKeys(): void {
  document.addEventListener("keydown", act);
}
