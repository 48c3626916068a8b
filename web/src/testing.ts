/** What modules of the page want of a browser at their import, for tests in Node. Import it first. */

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
define("window", page);
define("localStorage", storage);
define("sessionStorage", storage);
