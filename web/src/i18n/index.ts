/** The page's words: `t().shell.undo`. Components that call `t` follow the language. */
import { computed, effect, signal } from "@preact/signals";
import * as en from "./en";
import * as zh from "./zh";

export type Language = "en" | "zh";
const KEY = "overpaint.language";

function first(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY);
  for (const name of [asked, ...navigator.languages]) {
    if (name?.toLowerCase().startsWith("zh")) return "zh";
    if (name?.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

export const language = signal<Language>(first());
const words = computed(() => (language.value === "zh" ? zh : en) satisfies typeof en | typeof zh);

/** The words of the language that is chosen. */
export function t(): typeof zh {
  return words.value as typeof zh;
}

/** Choose a language, for this browser. */
export function speak(name: Language): void {
  language.value = name;
  localStorage.setItem(KEY, name);
}

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});
