import { describe, expect, it } from "vitest";
import { aria, keysOf, matches, shown } from "./keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}) => ({
  key,
  code: "",
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

describe("matches", () => {
  it("tells Ctrl from Command by the machine", () => {
    expect(matches(press("z", { ctrlKey: true }), "Mod+Z", false)).toBe(true);
    expect(matches(press("z", { metaKey: true }), "Mod+Z", false)).toBe(false);
    expect(matches(press("z", { metaKey: true }), "Mod+Z", true)).toBe(true);
    expect(matches(press("z", { ctrlKey: true }), "Mod+Z", true)).toBe(false);
  });

  it("asks for Shift with letters and names, and not with signs", () => {
    expect(matches(press("Z", { ctrlKey: true, shiftKey: true }), "Mod+Z", false)).toBe(false);
    expect(matches(press("Z", { ctrlKey: true, shiftKey: true }), "Mod+Shift+Z", false)).toBe(true);
    expect(matches(press("?", { shiftKey: true }), "?", false)).toBe(true);
    expect(matches(press("+", { shiftKey: true }), "+", false)).toBe(true);
    expect(matches(press("Enter", { shiftKey: true }), "Enter", false)).toBe(false);
  });

  it("finds letters by their place where the layout has none", () => {
    expect(matches(press("и", { code: "KeyB" }), "B", false)).toBe(true);
    expect(matches(press("n", { code: "KeyB" }), "B", false)).toBe(false);
  });

  it("keeps the browser's own combinations apart", () => {
    expect(matches(press("b", { ctrlKey: true }), "B", false)).toBe(false);
    expect(matches(press("b", { altKey: true }), "B", false)).toBe(false);
    expect(matches(press(" "), "Space", false)).toBe(true);
  });
});

describe("words for keys", () => {
  it("writes them as the machine's keyboard does", () => {
    expect(shown("Mod+Shift+Z", false)).toBe("Ctrl+Shift+Z");
    expect(shown("Mod+Shift+Z", true)).toBe("⌘⇧Z");
    expect(keysOf("+", false)).toEqual(["+"]);
    expect(keysOf("ArrowLeft", false)).toEqual(["←"]);
  });

  it("writes them as aria-keyshortcuts wants them", () => {
    expect(aria("Mod+Enter", false)).toBe("Control+Enter");
    expect(aria("Mod+Enter", true)).toBe("Meta+Enter");
    expect(aria("+", false)).toBe("Plus");
  });
});
