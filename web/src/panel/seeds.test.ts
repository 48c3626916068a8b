import { expect, it } from "vitest";
import { drawSeed, isSeed } from "./seeds";

it("takes no seed, and whole numbers up to 2^63 - 1", () => {
  for (const good of ["", "0", "42", "9223372036854775807"]) expect(isSeed(good)).toBe(true);
  for (const bad of ["-1", "1.5", "x", " 1", "9223372036854775808", "1e5", "12345678901234567890"])
    expect(isSeed(bad)).toBe(false);
});

it("draws seeds that it takes, and not one only", () => {
  const drawn = Array.from({ length: 20 }, drawSeed);
  expect(drawn.every((seed) => seed !== "" && isSeed(seed))).toBe(true);
  expect(new Set(drawn).size).toBeGreaterThan(1);
});
