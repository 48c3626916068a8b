/** Key combinations: "Mod+Shift+Z". Mod is Ctrl, and Command on Apple's machines. */

const APPLE = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform || "");

interface Combo {
  mod: boolean;
  shift: boolean;
  alt: boolean;
  /** As in KeyboardEvent.key, letters small. */
  key: string;
}

function parse(combo: string): Combo {
  const words = combo === "+" ? ["+"] : combo.split("+");
  const key = words.at(-1) ?? "";
  const has = (name: string) => words.slice(0, -1).includes(name);
  return {
    mod: has("Mod"),
    shift: has("Shift"),
    alt: has("Alt"),
    key: key === "Space" ? " " : key.length === 1 ? key.toLowerCase() : key,
  };
}

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** Whether the event is the combination; letters are found on layouts without Latin ones too. */
export function matches(event: Pressed, combo: string, apple = APPLE): boolean {
  const { mod, shift, alt, key } = parse(combo);
  if ((apple ? event.metaKey : event.ctrlKey) !== mod) return false;
  if ((apple ? event.ctrlKey : event.metaKey) || event.altKey !== alt) return false;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = /^[a-z]$/.test(key);
  // Where a sign lies differs between keyboards, Shift with it: the sign alone counts.
  if (/^[^a-z0-9 ]$/.test(key)) return pressed === key;
  if (event.shiftKey !== shift) return false;
  if (pressed === key) return true;
  return letter && !/^[a-z]$/.test(pressed) && event.code === `Key${key.toUpperCase()}`;
}

const SHOWN: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Enter: "Enter",
  Delete: "Del",
  " ": "Space",
};

/** Its keys, one by one, as they stand on the keyboard: ["Ctrl", "Z"]. */
export function keysOf(combo: string, apple = APPLE): string[] {
  const { mod, shift, alt, key } = parse(combo);
  const name = SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  return [
    ...(mod ? [apple ? "⌘" : "Ctrl"] : []),
    ...(alt ? [apple ? "⌥" : "Alt"] : []),
    ...(shift ? [apple ? "⇧" : "Shift"] : []),
    name,
  ];
}

/** In one word: "Ctrl+Z", "⌘Z". */
export function shown(combo: string, apple = APPLE): string {
  return keysOf(combo, apple).join(apple ? "" : "+");
}

/** For aria-keyshortcuts: "Control+Z". */
export function aria(combo: string, apple = APPLE): string {
  const { mod, shift, alt, key } = parse(combo);
  return [
    ...(mod ? [apple ? "Meta" : "Control"] : []),
    ...(alt ? ["Alt"] : []),
    ...(shift ? ["Shift"] : []),
    key === " " ? "Space" : key === "+" ? "Plus" : key.length === 1 ? key.toUpperCase() : key,
  ].join("+");
}
