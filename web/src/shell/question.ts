/** A question that the page asks before it goes on; ui: shell/Question.tsx. */
import { signal } from "@preact/signals";

export interface Question {
  title: string;
  /** One paragraph each. */
  text: string[];
  yes: string;
  no: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}

export const question = signal<Question | null>(null);

/** Ask; resolves with true for yes. A question that still stands is answered with no. */
export function confirm(what: Omit<Question, "answer">): Promise<boolean> {
  question.value?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      ...what,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}
