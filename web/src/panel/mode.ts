/** Painting or taking away: the same field, with other words in it. */
import { t } from "../i18n";
import { ask, wish } from "../state/wish";
import { BARE, isRemoval } from "./removal";

/** What stood there before, for those who change their mind. */
let painted = "";

/** To removal and back; a prompt that is there already is kept for the way back. */
export function setMode(mode: "paint" | "remove"): void {
  const { prompt } = wish.value;
  if (mode === "remove") {
    if (isRemoval(prompt)) return;
    painted = prompt;
    ask({ prompt: t().prompt.removal });
  } else if (isRemoval(prompt)) {
    ask({ prompt: BARE.has(prompt.trim()) ? painted : "" });
  }
}
