/** What is asked for in the panel. */
import { computed, signal } from "@preact/signals";
import { models } from "./session";
import { EMPTY_WISH, type Model, type Wish } from "./types";

export const wish = signal<Wish>(EMPTY_WISH);

/** Change some of the wish. */
export function ask(changes: Partial<Wish>): void {
  wish.value = { ...wish.value, ...changes };
}

/** The model that is chosen, or the server's first. */
export const model = computed<Model | null>(
  () => models.value.find((one) => one.name === wish.value.model) ?? models.value[0] ?? null,
);
