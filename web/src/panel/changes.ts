/** Which options differ from the default, and how long a text is. */
import { EMPTY_WISH, type Model, type Wish } from "../state/types";

/** Which fields each group of the panel holds. */
export const GROUPS = {
  style: ["style"],
  output: ["n", "size", "seed", "seedLocked", "watermark"],
  guides: ["reference", "useSketch", "palette"],
  fine: ["negative", "strength", "guidance", "steps", "feather"],
  model: ["model"],
} as const satisfies Record<string, ReadonlyArray<keyof Wish>>;
export type GroupName = keyof typeof GROUPS;

/** The fields of a group that are not as they were at first; a kept seed counts once. */
export function changedIn(group: GroupName, of: Wish, known: readonly Model[]): string[] {
  return GROUPS[group].filter((field) => {
    if (field === "palette") return of.palette.length > 0;
    if (field === "model") return of.model !== "" && of.model !== known[0]?.name;
    if (field === "seedLocked") return of.seedLocked && of.seed === "";
    return of[field] !== EMPTY_WISH[field];
  });
}

/** Characters as the server counts them: an emoji is one. */
export function length(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
