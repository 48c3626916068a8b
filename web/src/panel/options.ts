/** What differs from the default, what is wrong, and what the model does not take. */
import { computed } from "@preact/signals";
import { t } from "../i18n";
import { limits, models } from "../state/session";
import { EMPTY_WISH, type Model, type Wish } from "../state/types";
import { ask, model, wish } from "../state/wish";
import { changedIn, GROUPS, type GroupName, length } from "./changes";
import { isRemoval } from "./removal";
import { isSeed } from "./seeds";
import { inRange, readSize } from "./sizes";
import { isSteps } from "./steps";

export const changedCount = computed(() =>
  (Object.keys(GROUPS) as GroupName[])
    .map((group) => changedIn(group, wish.value, models.value).length)
    .reduce((sum, count) => sum + count, 0),
);

/** All options as at first; the prompt stays. Returns what they were. */
export function resetOptions(): Wish {
  const before = wish.value;
  ask({ ...EMPTY_WISH, prompt: before.prompt });
  return before;
}

export type Complaints = Partial<Record<"prompt" | "negative" | "size" | "seed" | "steps", string>>;

/** Whether the chosen model is told how many steps to take: a large checkpoint. */
export const takesSteps = computed(() => model.value?.takes.steps === true);

/** What cannot be sent as it stands, in words. */
export const complaints = computed<Complaints>(() => {
  const { prompt, negative, size, seed, steps } = wish.value;
  const { maxPrompt, minSide, maxSide, steps: range } = limits.value;
  const words = t().prompt;
  const found: Complaints = {};
  const over = (text: string) => length(text.trim()) - maxPrompt;
  if (over(prompt) > 0) found.prompt = words.tooLong(over(prompt), maxPrompt);
  if (over(negative) > 0) found.negative = words.tooLong(over(negative), maxPrompt);
  if (size !== "original") {
    const sides = readSize(size);
    if (!sides || !inRange(sides, limits.value)) found.size = words.badSize(minSide, maxSide);
  }
  if (!isSeed(seed)) found.seed = words.badSeed;
  // Where the model takes none, none are sent.
  if (takesSteps.value && !isSteps(steps, range)) found.steps = words.badSteps(...range);
  return found;
});

/** Whether it is all about taking away: by the words, or as the model does nothing else. */
export const removes = computed(
  () => model.value?.takes.prompt === false || isRemoval(wish.value.prompt),
);

/** What a model may or may not take, and what that is called. */
export const TAKEN = {
  style: "whatStyle",
  reference: "whatReference",
  sketch: "whatSketch",
  palette: "whatPalette",
  strength: "whatStrength",
  guidance: "whatGuidance",
  negative_prompt: "whatNegative",
} as const;

/** What a model is called: by its engine where the page knows that, else by its name. */
export function engineName(of: Model): string {
  const words = t().prompt;
  const own: Record<string, string> = {
    auto: words.nameAuto,
    builtin: words.nameBuiltin,
    collage: words.nameCollage,
    erase: words.nameErase,
  };
  return own[of.engine] ?? of.name;
}

/** Why a field is not used; undefined where it is, or where the model is not known yet. */
export function lacking(field: keyof typeof TAKEN): string | undefined {
  const chosen = model.value;
  if (!chosen) return undefined;
  if (chosen.takes[field]) {
    return removes.value && field !== "negative_prompt" ? t().prompt.removalLacks : undefined;
  }
  return t().prompt.lacks(engineName(chosen), t().prompt[TAKEN[field]]);
}

/** Likewise for the steps, which few models are told. */
export function lackingSteps(): string | undefined {
  const chosen = model.value;
  if (!chosen || takesSteps.value) return undefined;
  return t().prompt.lacks(engineName(chosen), t().prompt.whatSteps);
}
