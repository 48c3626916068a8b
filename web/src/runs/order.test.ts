import { expect, test } from "vitest";
import { EMPTY_WISH, type Model } from "../state/types";
import { orderBody, settled } from "./order";

const URLS = { base: "oss://b", mask: "oss://m", reference: null, sketch: null };
const ERASE: Model = {
  name: "erase",
  engine: "erase",
  summary: "",
  takes: {
    prompt: false,
    style: false,
    reference: false,
    sketch: false,
    palette: false,
    strength: false,
    guidance: false,
    negative_prompt: false,
    steps: false,
  },
  licence: "",
  languages: [],
};

test("a plain wish is sent as it is, at the original's size", () => {
  const wish = { ...EMPTY_WISH, model: "wanx-x-painting", prompt: "一只猫", seed: "7" };
  expect(JSON.parse(orderBody(wish, URLS, false))).toEqual({
    model: "wanx-x-painting",
    input: { prompt: "一只猫", base_image_url: "oss://b", mask_image_url: "oss://m" },
    parameters: { seed: 7, size: "original", n: 1, output_format: "png" },
  });
});

test("all that can be asked for goes by the API's names", () => {
  const wish = {
    ...EMPTY_WISH,
    prompt: "a cat",
    negative: "a dog",
    style: "oil painting" as const,
    palette: ["#ff0000"],
    strength: 0.5,
    guidance: 3,
    steps: "30",
    feather: 0,
    watermark: true,
  };
  const body = orderBody(wish, { ...URLS, reference: "oss://r", sketch: "oss://s" }, true);
  const { input, parameters } = JSON.parse(body);
  expect(input).toMatchObject({
    negative_prompt: "a dog",
    reference_image_url: "oss://r",
    sketch_image_url: "oss://s",
  });
  expect(parameters).toMatchObject({
    style: "<oil painting>",
    palette: ["#ff0000"],
    strength: 0.5,
    guidance: 3,
    steps: 30,
    feather: 0,
    soft_mask: true,
    watermark: true,
  });
});

test("the largest seed keeps all its digits", () => {
  const wish = { ...EMPTY_WISH, seed: "9223372036854775807" };
  expect(orderBody(wish, URLS, false)).toContain('"seed":9223372036854775807,');
});

test("what the model passes over is not sent, and words are there for one that wants none", () => {
  const wish = {
    ...EMPTY_WISH,
    style: "anime" as const,
    strength: 1,
    useSketch: true,
    negative: "a dog",
    steps: "30",
  };
  const asked = settled(wish, ERASE, "5");
  expect(asked).toMatchObject({
    model: "erase",
    prompt: "remove it",
    style: "auto",
    strength: 0,
    negative: "",
    steps: "",
    useSketch: false,
    seed: "5",
  });
});

test("steps go to a model that is told them, and while no model is known", () => {
  const told: Model = { ...ERASE, takes: { ...ERASE.takes, steps: true, negative_prompt: true } };
  const wish = { ...EMPTY_WISH, negative: " a dog ", steps: "8" };
  expect(settled(wish, told, "5")).toMatchObject({ negative: "a dog", steps: "8" });
  expect(settled(wish, null, "5")).toMatchObject({ negative: "a dog", steps: "8" });
});

test("a seed that is given stays", () => {
  expect(settled({ ...EMPTY_WISH, seed: "3" }, null, "5").seed).toBe("3");
});
