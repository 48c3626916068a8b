import { expect, it } from "vitest";
import type { Model } from "../state/types";
import { onePerEngine } from "./engines";

const model = (name: string, engine: string) => ({ name, engine }) as Model;
const table = [
  model("wanx-x-painting", "auto"),
  model("overpaint", "auto"),
  model("builtin", "builtin"),
  model("erase", "erase"),
  model("dall-e-2", "auto"),
];
const names = (chosen: string) => onePerEngine(table, chosen).map((one) => one.name);

it("offers each engine once, by its first name, in the table's order", () => {
  expect(names("")).toEqual(["wanx-x-painting", "builtin", "erase"]);
});

it("keeps the name that is chosen", () => {
  expect(names("overpaint")).toEqual(["overpaint", "builtin", "erase"]);
  expect(names("gone")).toEqual(["wanx-x-painting", "builtin", "erase"]);
});

it("offers each checkpoint, whose engines may be shown alike", () => {
  const two = [model("photo", "diffusers:sdxl"), model("ink", "diffusers:sdxl"), ...table];
  const offered = onePerEngine(two, "ink").map((one) => one.name);
  expect(offered).toEqual(["photo", "ink", "wanx-x-painting", "builtin", "erase"]);
});
