import { describe, expect, it } from "vitest";
import type { ConceptMatch } from "../state/types";
import { fitting, replaced, type Typed, typedAt } from "./word";

const texts = (text: string, caret = text.length) => typedAt(text, caret).map((one) => one.text);

describe("typedAt", () => {
  it("takes the English word that ends at the caret, and it with the one before", () => {
    expect(texts("a red ball")).toEqual(["red ball", "ball"]);
    expect(texts("a cat wearing gla")).toEqual(["gla"]);
  });

  it("takes nothing in the middle of a word, of one letter, of plain words", () => {
    expect(texts("a balloon", 5)).toEqual([]);
    expect(texts("b")).toEqual([]);
    expect(texts("a cat with")).toEqual([]);
    expect(texts("a cat ")).toEqual([]);
    expect(texts("")).toEqual([]);
  });

  it("cuts Chinese into words and takes the last of them", () => {
    expect(texts("一只狗戴着红色眼")).toContain("眼");
    expect(texts("一只狗戴着帽")).toEqual(["帽"]);
    expect(texts("把苹果换成")).not.toContain("换成");
  });

  it("knows where the word lies", () => {
    expect(typedAt("一顶帽", 3)).toEqual([{ start: 2, end: 3, text: "帽", language: "zh" }]);
    expect(typedAt("put a hat, now", 9)[0]).toMatchObject({ start: 6, end: 9, text: "hat" });
  });

  it("reads the language of the word, not of the text", () => {
    expect(typedAt("一个 ball", 7).map((one) => one.language)).toEqual(["en"]);
    expect(typedAt("a 气", 3).map((one) => one.language)).toEqual(["zh"]);
  });
});

const concepts: ConceptMatch[] = [
  { id: "balloon", en: "balloon", zh: "气球" },
  { id: "hot-air-balloon", en: "hot air balloon", zh: "热气球" },
  { id: "earrings", en: "earrings", zh: "耳环" },
];
const word = (text: string, language: "en" | "zh"): Typed => ({
  start: 0,
  end: text.length,
  text,
  language,
});
const ids = (found: ConceptMatch[]) => found.map((one) => one.id);

describe("fitting", () => {
  it("keeps names that begin so, or have a word that does", () => {
    expect(ids(fitting(word("Ball", "en"), concepts))).toEqual(["balloon", "hot-air-balloon"]);
  });

  it("keeps what is a slip away and drops what only looks alike", () => {
    expect(ids(fitting(word("baloon", "en"), concepts))).toEqual(["balloon"]);
    expect(ids(fitting(word("wearing", "en"), concepts))).toEqual([]);
  });

  it("puts names that begin so before those that only hold it", () => {
    const eyes: ConceptMatch[] = [
      { id: "bags", en: "face with bags under eyes", zh: "有眼袋表情" },
      { id: "eye", en: "eye", zh: "眼睛" },
      { id: "ball", en: "soccer ball", zh: "足球" },
      { id: "ballet", en: "white ballet shoes", zh: "芭蕾舞鞋" },
      { id: "balloon", en: "balloon", zh: "气球" },
    ];
    expect(ids(fitting(word("眼", "zh"), eyes))).toEqual(["eye", "bags"]);
    expect(ids(fitting(word("ball", "en"), eyes))).toEqual(["ball", "balloon", "ballet"]);
  });

  it("keeps Chinese names that hold the characters", () => {
    expect(ids(fitting(word("气", "zh"), concepts))).toEqual(["balloon", "hot-air-balloon"]);
  });

  it("says nothing where the word is whole and nothing else begins so", () => {
    expect(fitting(word("earrings", "en"), concepts)).toEqual([]);
    expect(fitting(word("耳环", "zh"), concepts)).toEqual([]);
  });
});

describe("replaced", () => {
  it("puts the name where the word was and the caret behind it", () => {
    const typed = typedAt("a ball and a dog", 6).at(-1);
    if (!typed) throw new Error("no word");
    expect(replaced("a ball and a dog", typed, "balloon")).toEqual({
      text: "a balloon and a dog",
      caret: 9,
    });
  });
});
