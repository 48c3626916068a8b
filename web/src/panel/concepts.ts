/** Suggestions while typing: asked for after a pause, the stale ones dropped. */
import type { ConceptMatch } from "../state/types";
import { fitting, type Typed } from "./word";

const PAUSE = 140; // ms
const KEPT = 200; // answers

export type AskConcepts = (word: string, signal: AbortSignal) => Promise<ConceptMatch[]>;

export interface Suggestions {
  typed: Typed;
  matches: ConceptMatch[];
}

/** What the server knows by a word or its beginning; none where it does not answer. */
async function askConcepts(word: string, signal: AbortSignal): Promise<ConceptMatch[]> {
  const query = new URLSearchParams({ q: word, limit: "8" });
  const answer = await fetch(`/api/v1/concepts?${query}`, { signal });
  if (!answer.ok) return [];
  const body = (await answer.json()) as { data?: ConceptMatch[] };
  return body.data ?? [];
}

export class Suggester {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request = new AbortController();
  private readonly answers = new Map<string, ConceptMatch[]>();

  constructor(private readonly ask: AskConcepts = askConcepts) {}

  /** Look up what was typed, the longest candidate first; `found` hears of the latest only. */
  look(typed: readonly Typed[], found: (suggestions: Suggestions | null) => void): void {
    this.cancel();
    if (typed.length === 0) {
      found(null);
      return;
    }
    const { signal } = this.request;
    this.timer = setTimeout(async () => {
      const answers = await Promise.all(typed.map((one) => this.matches(one.text, signal)));
      if (signal.aborted) return;
      for (const [at, one] of typed.entries()) {
        const matches = fitting(one, answers[at] ?? []);
        if (matches.length > 0) {
          found({ typed: one, matches });
          return;
        }
      }
      found(null);
    }, PAUSE);
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.request.abort();
    this.request = new AbortController();
  }

  private async matches(text: string, signal: AbortSignal): Promise<ConceptMatch[]> {
    const word = text.toLowerCase();
    const kept = this.answers.get(word);
    if (kept) return kept;
    try {
      const matches = await this.ask(word, signal);
      if (this.answers.size >= KEPT) this.answers.clear();
      this.answers.set(word, matches);
      return matches;
    } catch {
      return []; // stale, or nobody answers: typing goes on
    }
  }
}
