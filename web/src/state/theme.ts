/** Light, dark, or as the system has it; `light-dark()` in tokens.css does the rest. */
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEY = "overpaint.theme";
const kept = localStorage.getItem(KEY);

export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "system");

// What the browser draws around the page is of the page's colour.
const around = [...document.querySelectorAll<HTMLMetaElement>("meta[name='theme-color']")].map(
  (meta) => ({ meta, own: meta.content }),
);

effect(() => {
  if (theme.value === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = theme.value;
    localStorage.setItem(KEY, theme.value);
  }
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  for (const { meta, own } of around) meta.content = theme.value === "system" ? own : paper;
});
