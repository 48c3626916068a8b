import { describe, expect, it } from "vitest";
import { EMPTY_WISH, type Model, type Wish } from "../state/types";
import { changedIn, GROUPS, type GroupName, length } from "./changes";

const takes = {
  prompt: true,
  style: true,
  reference: true,
  sketch: true,
  palette: true,
  strength: true,
  guidance: true,
  negative_prompt: true,
  steps: true,
};
const models: Model[] = ["first", "second"].map((name) => ({
  name,
  engine: "auto",
  summary: "",
  takes,
  licence: "",
  languages: ["zh", "en"],
}));

function changed(changes: Partial<Wish>): string[] {
  return (Object.keys(GROUPS) as GroupName[]).flatMap((group) =>
    changedIn(group, { ...EMPTY_WISH, ...changes }, models),
  );
}

describe("changedIn", () => {
  it("counts nothing at first, and no prompt", () => {
    expect(changed({ prompt: "a red balloon" })).toEqual([]);
  });

  it("counts each option that is not as at first", () => {
    const reference = { id: "x", name: "x.png", bytes: new Blob() };
    const wish = {
      n: 2,
      size: "1024*1024",
      palette: ["#ffffff"],
      steps: "8",
      feather: 0,
      reference,
    };
    expect(changed(wish)).toEqual(["n", "size", "reference", "palette", "steps", "feather"]);
  });

  it("counts a kept seed once", () => {
    expect(changed({ seed: "7", seedLocked: true })).toEqual(["seed"]);
    expect(changed({ seedLocked: true })).toEqual(["seedLocked"]);
  });

  it("takes the server's first model for the default", () => {
    expect(changed({ model: "first" })).toEqual([]);
    expect(changed({ model: "second" })).toEqual(["model"]);
  });

  it("knows every field of a wish but the prompt", () => {
    const fields = Object.values(GROUPS).flat();
    expect([...fields, "prompt"].sort()).toEqual(Object.keys(EMPTY_WISH).sort());
  });
});

describe("length", () => {
  it("counts characters as the server does", () => {
    expect(length("一只🐈")).toBe(3);
    expect(length("")).toBe(0);
  });
});
