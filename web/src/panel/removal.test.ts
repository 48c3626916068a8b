import { expect, it } from "vitest";
import { isRemoval } from "./removal";

it("knows prompts that only take away", () => {
  for (const prompt of [
    "remove it",
    "去掉它",
    "Please erase the spoon",
    "移除勺子",
    "请去掉帽子",
  ]) {
    expect(isRemoval(prompt), prompt).toBe(true);
  }
});

it("does not take painting for taking away", () => {
  for (const prompt of [
    "",
    "a red balloon",
    "a removed hat",
    "remove the hat and add a crown",
    "去掉帽子，换成皇冠",
    "把苹果换成香蕉",
  ]) {
    expect(isRemoval(prompt), prompt).toBe(false);
  }
});
