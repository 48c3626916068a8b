import { describe, expect, it } from "vitest";
import { type Lettering, languageOf, phrase, type Written, withPhrase } from "./lettering";
import phrases from "./lettering.phrases.json";

const plain = { ink: "", effects: [], layout: "auto" } as const;

describe("phrase", () => {
  it("names the text alone", () => {
    expect(phrase({ ...plain, text: "Sale" }, "en")).toBe('the text "Sale"');
    expect(phrase({ ...plain, text: "生日快乐" }, "zh")).toBe("写着“生日快乐”");
  });

  it("names colour, effects in one order, and layout", () => {
    const of = { text: "福", ink: "red", effects: ["shadow", "neon"], layout: "vertical" } as const;
    expect(phrase(of, "en")).toBe('the red neon shadow vertical text "福"');
    expect(phrase(of, "zh")).toBe("写着红色霓虹阴影竖排的文字“福”");
  });

  it("takes other quotation marks where the text has some", () => {
    expect(phrase({ ...plain, text: 'say "hi"' }, "en")).toBe('the text 「say "hi"」');
    expect(phrase({ ...plain, text: '「"' }, "en")).toBe('the text "「\'"');
  });

  it("keeps lines and drops blanks", () => {
    expect(phrase({ ...plain, text: " Happy \n\n  Birthday " }, "en")).toBe(
      'the text "Happy\nBirthday"',
    );
    expect(phrase({ ...plain, text: " \n " }, "en")).toBe("");
  });
});

describe("the list that the server's reader is tested with", () => {
  it("is what is written here", () => {
    for (const { language, phrase: expected, ...of } of phrases) {
      expect(phrase(of as Lettering, language as Written)).toBe(expected);
    }
    expect(phrases.length).toBeGreaterThan(50);
  });
});

describe("withPhrase", () => {
  it("goes behind what is there", () => {
    expect(withPhrase("", "写着“福”", "")).toBe("写着“福”");
    expect(withPhrase("a cake ", 'the text "Hi"', "")).toBe('a cake, the text "Hi"');
    expect(withPhrase("一个蛋糕", "写着“福”", "")).toBe("一个蛋糕，写着“福”");
    expect(withPhrase("一个蛋糕。", "写着“福”", "")).toBe("一个蛋糕。写着“福”");
  });

  it("takes the place of the one before, whatever signs it has", () => {
    expect(withPhrase('a cake, the text "Hi"', 'the text "$& Ho"', 'the text "Hi"')).toBe(
      'a cake, the text "$& Ho"',
    );
  });
});

describe("languageOf", () => {
  it("follows the prompt, and the page where there is none", () => {
    expect(languageOf("一只 cat", "en")).toBe("zh");
    expect(languageOf("a cat", "zh")).toBe("en");
    expect(languageOf(" ", "zh")).toBe("zh");
  });
});
