/** Whether Run can be pressed, and if not, why. */
import { computed, type ReadonlySignal } from "@preact/signals";

/** Why Run is disabled, in words; null: it is not. */
export const notReady: ReadonlySignal<string | null> = computed(() => null);
