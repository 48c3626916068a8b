import { describe, expect, it } from "vitest";
import type { Model } from "../state/types";
import { cannotRead, licenceParts } from "./languages";

const reading = (...languages: string[]) => ({ languages }) as Model;

describe("cannotRead", () => {
  it("is so for Chinese, and a model that reads none", () => {
    expect(cannotRead(reading("en"), "一只 cat")).toBe(true);
    expect(cannotRead(reading("en"), "𠮷")).toBe(true);
    expect(cannotRead(reading("en"), "a café, “naïve”")).toBe(false);
    expect(cannotRead(reading("zh", "en"), "一只猫")).toBe(false);
  });

  it("is not said where nothing is known", () => {
    expect(cannotRead(null, "一只猫")).toBe(false);
    expect(cannotRead(reading(), "一只猫")).toBe(false);
    expect(cannotRead({} as Model, "一只猫")).toBe(false);
  });
});

describe("licenceParts", () => {
  it("tells name and address apart", () => {
    const address = "https://example.org/LICENSE.md";
    expect(licenceParts("openrail++")).toEqual({ name: "openrail++", address: "" });
    for (const said of [`other, ${address}`, `other (${address})`, `other ${address}`]) {
      expect(licenceParts(said)).toEqual({ name: "other", address });
    }
    expect(licenceParts(address)).toEqual({ name: address, address });
  });

  it("makes no link of what is none", () => {
    for (const said of ["javascript:alert(1)", "mit http://example.org", "https://a b"]) {
      expect(licenceParts(said)).toEqual({ name: said, address: "" });
    }
  });
});
