/** Whether Run can be pressed, and if not, why. */
import { computed, type ReadonlySignal } from "@preact/signals";
import { t } from "../i18n";
import { complaints } from "../panel/options";
import { account, limits, reachable, signedOut } from "../state/session";
import { model, wish } from "../state/wish";
import { base, editor } from "../state/work";

/** Why Run is disabled, in words; null: it is not. */
export const notReady: ReadonlySignal<string | null> = computed(() => {
  const words = t().runs;
  if (!base.value) return words.needsPicture;
  if (signedOut.value) return words.needsSignIn;
  if (!reachable.value) return words.needsServer;
  if (editor.coverage.value.marked === 0) return words.needsMask;
  const { prompt, n } = wish.value;
  if (!prompt.trim() && model.value?.takes.prompt !== false) return words.needsPrompt;
  const { maxPrompt } = limits.value;
  if ([...prompt.trim()].length > maxPrompt) return words.promptTooLong(maxPrompt);
  const mine = account.value;
  if (mine?.images != null && mine.used + n > mine.images) {
    const left = Math.max(0, mine.images - mine.used);
    return left === 0 ? words.usedUp(mine.images) : words.fewLeft(left, n);
  }
  const { size, seed, negative, steps } = complaints.value;
  return size ?? seed ?? negative ?? steps ?? null;
});
