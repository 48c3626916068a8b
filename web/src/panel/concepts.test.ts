import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ConceptMatch } from "../state/types";
import { Suggester, type Suggestions } from "./concepts";
import { typedAt } from "./word";

const balloon = { id: "balloon", en: "balloon", zh: "气球" };
const hat = { id: "hat", en: "hat", zh: "帽子" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const type = (text: string) => typedAt(text, text.length);

it("asks once for a burst of keys, and for the last of them", async () => {
  const asked: string[] = [];
  const suggester = new Suggester(async (word) => {
    asked.push(word);
    return [balloon];
  });
  const heard: Array<Suggestions | null> = [];
  for (const text of ["ba", "bal", "ball"]) suggester.look(type(text), (one) => heard.push(one));
  await vi.runAllTimersAsync();
  expect(asked).toEqual(["ball"]);
  expect(heard.map((one) => one?.matches)).toEqual([[balloon]]);
});

it("drops the answer to what is typed no more", async () => {
  const answers = new Map<string, (found: ConceptMatch[]) => void>();
  const aborted: string[] = [];
  const suggester = new Suggester(
    (word, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => aborted.push(word));
        answers.set(word, resolve);
      }),
  );
  const heard: Array<string | undefined> = [];
  const hear = (one: Suggestions | null) => heard.push(one?.matches[0]?.id);
  suggester.look(type("ball"), hear);
  await vi.advanceTimersByTimeAsync(500);
  suggester.look(type("hat"), hear);
  await vi.advanceTimersByTimeAsync(500);
  answers.get("hat")?.([hat, { ...hat, id: "hatter", en: "hatter" }]);
  answers.get("ball")?.([balloon]);
  await vi.runAllTimersAsync();
  expect(aborted).toEqual(["ball"]);
  expect(heard).toEqual(["hat"]);
});

it("remembers answers", async () => {
  let asked = 0;
  const suggester = new Suggester(async () => {
    asked++;
    return [balloon];
  });
  for (let i = 0; i < 3; i++) {
    suggester.look(type("ball"), () => {});
    await vi.runAllTimersAsync();
  }
  expect(asked).toBe(1);
});

it("prefers two words that are a name together", async () => {
  const panda = { id: "red-panda", en: "red panda", zh: "小熊猫" };
  const found: Record<string, ConceptMatch[]> = { "red pan": [panda], pan: [hat] };
  const suggester = new Suggester(async (word) => found[word] ?? []);
  const heard: Array<Suggestions | null> = [];
  suggester.look(type("a red pan"), (one) => heard.push(one));
  await vi.runAllTimersAsync();
  expect(heard[0]?.typed.text).toBe("red pan");
});

it("says nothing for plain words, and where nobody answers", async () => {
  const suggester = new Suggester(async () => {
    throw new TypeError("no network");
  });
  const heard: Array<Suggestions | null> = [];
  suggester.look(type("a cat with"), (one) => heard.push(one));
  suggester.look(type("ball"), (one) => heard.push(one));
  await vi.runAllTimersAsync();
  expect(heard).toEqual([null, null]);
});
