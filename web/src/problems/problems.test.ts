import "../testing";
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { language } from "../i18n";
import { noteText } from "./notes";
import { problemText } from "./problems";

beforeEach(() => {
  language.value = "en";
});

function failure(code: string, message = "", status = 400) {
  return problemText({ code, message, status });
}

const UNKNOWN = failure("NoSuchCode");
const documented = readFileSync(new URL("../../../docs/api/dashscope.md", import.meta.url), "utf8")
  .split("## Errors")[1]
  ?.split("\n")
  .filter((line) => /^\| \d{3} \|/.test(line))
  .flatMap((line) => [...(line.split("|")[2] ?? "").matchAll(/`([^`]+)`/g)].map((one) => one[1]));
const codes = [...new Set(documented)].filter((code) => code !== "InvalidParameter") as string[];

test("the API's description names codes", () => expect(codes.length).toBeGreaterThan(20));

test.each(codes)("%s has words of its own in both languages", (code) => {
  for (const name of ["en", "zh"] as const) {
    language.value = name;
    const said = failure(code);
    expect(said.hint).not.toBe("");
    if (name === "zh") expect(said.text).toMatch(/[一-鿿]/);
    else if (!["BadRequest.EmptyInput", "AccessDenied"].includes(code)) {
      expect(said.text).not.toBe(UNKNOWN.text);
    }
  }
});

describe("field, limit and value", () => {
  test.each([
    [
      "strength: must be between 0 and 1, got 1.4",
      "Keep original: 0 to 1 (it was 1.4).",
      "保留原图：应在 0 到 1 之间（当前为 1.4）。",
    ],
    [
      "Range of n should be [1, 4]",
      "Number of pictures: a whole number, 1 to 4.",
      "张数：应为 1 到 4 的整数。",
    ],
    [
      "feather: must be between 0 and 256 px, got 300",
      "Feather: 0 to 256 px (it was 300).",
      "羽化：应在 0 到 256 像素之间（当前为 300）。",
    ],
    [
      "colour: must be red, got 'blue'",
      "colour: must be red (it was 'blue').",
      "colour：must be red（当前为 'blue'）。",
    ],
  ])("%s", (message, en, zh) => {
    expect(failure("InvalidParameter", message).text).toContain(en);
    language.value = "zh";
    expect(failure("InvalidParameter", message).text).toContain(zh);
  });

  test("of pictures: which one, what is allowed, what came", () => {
    const message = "reference_image_url: each side must be 16 to 4095 px, got 5000 x 20 px";
    expect(failure("InvalidImageResolution", message).text).toBe(
      "A picture has the wrong size. Reference: each side 16 to 4095 px (it was 5000 x 20 px).",
    );
  });
});

test("a message that says more than its code goes before it", () => {
  expect(failure("InvalidParameter", "Model not exist.").text).toMatch(/model/);
  const late = "The pictures were not painted within 900 s.";
  expect(failure("InternalError.Algo", late).text).toContain("900 s");
  const full = "The key's uploads would take 9 bytes, at most 8 are allowed.";
  expect(failure("AllocationQuota.FreeTierOnly", full).text).not.toBe(
    failure("AllocationQuota.FreeTierOnly").text,
  );
});

test.each([
  ["org/sdxl reads English only: 红色的 猫 was passed as it is", "“红色的 猫”已原样传给它"],
  ['org/sd reads the beginning only: "a very long end" was left out', "未读到“a very long end”"],
  ["turbo was made for one guidance: 7.5 is ignored", "已忽略 7.5"],
  ["turbo is not guided, so the negative prompt has no effect", "反向提示词不起作用"],
  [
    '"去掉它" only asks to take something away: sdxl painted without words; the engine erase is made for it',
    "“sdxl”按没有提示词来画",
  ],
  ["sdxl runs with fp8=1, tiling=1, which changes pixels", "fp8=1, tiling=1"],
])("a checkpoint's note is told in both languages: %s", (note, zh) => {
  const en = noteText(note);
  expect(en).not.toBe(note);
  language.value = "zh";
  expect(noteText(note)).toContain(zh);
});

test("what is not known is quoted, and a mistake of the server's has its number", () => {
  expect(failure("Odd.Code", "the sky fell").text).toContain("the sky fell");
  const said = problemText({ code: "InternalError", message: "", status: 500, requestId: "r-1" });
  expect(said.hint).toContain("r-1");
});

test("notes of the engine in the page's language; what is not known stays as it is", () => {
  const near = '"flurb" is not in the concept library; the nearest known are fur, blur';
  expect(noteText(near)).toContain("“flurb”");
  expect(noteText(near)).toContain("fur, blur");
  language.value = "zh";
  expect(noteText(near)).toBe("概念库里没有“flurb”，相近的有：fur, blur。");
  expect(noteText("the engine erase does not take a style")).toBe("这个模型不使用风格，已忽略。");
  expect(noteText("the engine photo does not take steps")).toBe("这个模型不使用采样步数，已忽略。");
  expect(noteText("something quite new")).toBe("something quite new");
});
