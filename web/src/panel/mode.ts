/** Painting or taking away: the same field, with other words in it. */
import { t } from "../i18n";
import { ask, wish } from "../state/wish";
import { BARE, isRemoval } from "./removal";

/** What stood there in the other mode, for those who change their mind. */
const before = { paint: "", remove: "" };

/** To taking away and back; what is there is kept for the way back. */
export function setMode(mode: "paint" | "remove"): void {
  const { prompt } = wish.value;
  const now = isRemoval(prompt) ? "remove" : "paint";
  if (mode === now) return;
  // The bare phrase is written anew, in the language of the page.
  before[now] = BARE.has(prompt.trim()) ? "" : prompt;
  ask({ prompt: before[mode] || (mode === "remove" ? t().prompt.removal : "") });
}
