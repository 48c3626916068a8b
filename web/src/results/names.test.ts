import { describe, expect, it } from "vitest";
import { EMPTY_WISH, type Run } from "../state/types";
import { runWith } from "../testing";
import { fileName, slug, stem } from "./names";

function named(baseName: string, prompt: string): Run {
  return runWith({ baseName, wish: { ...EMPTY_WISH, prompt } });
}

describe("a file's name", () => {
  it("is the picture, the prompt's words and the seed", () => {
    expect(fileName(named("My Cat.JPG", "a red hat!"), "42", "png")).toBe(
      "my-cat-a-red-hat-42.png",
    );
    expect(fileName(named("猫.png", "一顶红帽子"), "42", "webp")).toBe("猫-一顶红帽子-42.webp");
  });

  it("never has a path, a control, a dot or a sign that a system reads otherwise", () => {
    const hostile = '../../etc/passwd\0\n:*?"<>|$`;&\u202e.exe';
    const name = fileName(named(hostile, hostile), "../1", "png");
    expect(name).toMatch(/^[\p{L}\p{N}-]+\.png$/u);
    expect(fileName(named("..", "..."), "", "png")).toBe("overpaint.png");
    expect(fileName(named("CON", ""), "", "png")).toBe("con-1.png");
  });

  it("fits into a file system's 255 bytes, and ends at a whole word and character", () => {
    const name = fileName(
      named("長".repeat(200), "猫 ".repeat(400)),
      "9223372036854775807",
      "jpeg",
    );
    expect(new TextEncoder().encode(name).length).toBeLessThan(160);
    expect(name).not.toContain("\ufffd");
    expect(slug("one two three four", 12)).toBe("one-two");
    expect(slug("one two", 7)).toBe("one-two");
  });

  it("keeps what a name has before its ending", () => {
    expect(stem("a/b\\c.tar.gz")).toBe("c.tar");
    expect(stem(".png")).toBe(".png");
    expect(stem("")).toBe("");
  });
});
