/** What went wrong, in plain words, and what to do. */
import type { Problem } from "../state/types";

export interface ProblemText {
  text: string;
  /** What to do about it. */
  hint: string;
}

export function problemText(problem: Problem): ProblemText {
  return { text: problem.message, hint: "" };
}
