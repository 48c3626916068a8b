/** What modules of the page want of a browser at their import, for tests in Node; runs for them. Import it first. */
import { EMPTY_WISH, type Run } from "./state/types";

const page = new EventTarget();
const sheet = Object.assign(new EventTarget(), {
  documentElement: { dataset: {}, lang: "" },
  visibilityState: "visible",
  hidden: false,
  title: "Overpaint",
});
const kept = new Map<string, string>();
const storage = {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
};

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

define("location", { search: "", origin: "http://127.0.0.1:8000", assign: () => undefined });
define("navigator", { languages: ["en"], onLine: true });
define("document", sheet);
// As in a browser the window is the global object: what asks for either finds the same.
define("window", globalThis);
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"] as const) {
  define(name, page[name].bind(page));
}
define("localStorage", storage);
define("sessionStorage", storage);

/** A run as it is at first, with `changes`. */
export function runWith(changes: Partial<Run> = {}): Run {
  return {
    id: "run",
    taskId: null,
    created: Date.now(),
    ended: null,
    baseId: "base",
    baseName: "base.png",
    origin: { kind: "file" },
    maskId: "mask",
    soft: false,
    sketchId: null,
    width: 300,
    height: 300,
    wish: EMPTY_WISH,
    state: "UPLOADING",
    uploaded: 0,
    position: null,
    progress: null,
    preview: null,
    results: [],
    notes: [],
    problem: null,
    starred: false,
    submitted: null,
    ...changes,
  };
}
