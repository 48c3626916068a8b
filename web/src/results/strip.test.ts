import { describe, expect, it } from "vitest";
import { EMPTY_WISH, type Result, type Run } from "../state/types";
import { runWith } from "../testing";
import { bytesText, chainOf, Finder, itemsOf, pictures, shareOf, tookOf } from "./strip";

function run(changes: Partial<Run>): Run {
  const created = new Date(2026, 10, 23, 12).getTime();
  return runWith({ id: "r", created, baseName: "photo.jpg", state: "SUCCEEDED", ...changes });
}

const problem = { code: "InternalError", message: "", status: 200 };
const bytes = new Blob(["x"]);
const good = (index: number): Result => ({ index, seed: `${index}`, bytes, problem: null });
const bad = (index: number): Result => ({ index, seed: "", bytes: null, problem });

describe("the tiles of a run", () => {
  it("are one while it is open, and one a picture when it has ended", () => {
    expect(itemsOf(run({ state: "RUNNING", results: [good(0)] })).map((i) => i.kind)).toEqual([
      "open",
    ]);
    const ended = run({ results: [good(0), bad(1), { ...good(2), bytes: null }] });
    expect(itemsOf(ended).map((item) => [item.kind, item.key])).toEqual([
      ["result", "r:0"],
      ["problem", "r:1"],
      ["result", "r:2"],
    ]);
    expect(itemsOf(run({ state: "FAILED", problem })).map((item) => item.kind)).toEqual([
      "problem",
    ]);
  });

  it("are gone through picture by picture, whatever failed between", () => {
    const runs = [
      run({ id: "new", results: [good(0), bad(1), good(2)] }),
      run({ id: "open", state: "PENDING" }),
      run({ id: "old", results: [good(0)] }),
    ];
    expect(pictures(runs).map(({ run: { id }, result }) => `${id}:${result.index}`)).toEqual([
      "new:0",
      "new:2",
      "old:0",
    ]);
  });

  it("say how far it is where anybody knows", () => {
    expect(shareOf(run({ state: "UPLOADING", uploaded: 0.25 }))).toBe(0.25);
    expect(shareOf(run({ state: "PENDING" }))).toBeNull();
    const progress = { stage: "paint", done: 3, total: 12 };
    expect(shareOf(run({ state: "RUNNING", progress }))).toBe(0.25);
    expect(shareOf(run({ state: "RUNNING", progress: { ...progress, total: 0 } }))).toBeNull();
  });
});

describe("a chain of edits", () => {
  const from = (id: string) => ({ kind: "result", run: id, index: 0 }) as const;

  it("goes from the first run to this one", () => {
    const runs = [
      run({ id: "a" }),
      run({ id: "b", origin: from("a") }),
      run({ id: "c", origin: from("b") }),
    ];
    const byId = new Map(runs.map((one) => [one.id, one]));
    expect(chainOf(runs[2] as Run, byId).map((one) => one.id)).toEqual(["a", "b", "c"]);
    expect(chainOf(runs[0] as Run, byId).map((one) => one.id)).toEqual(["a"]);
  });

  it("begins later where a run was removed, and ends where data are damaged", () => {
    const lost = run({ id: "b", origin: from("gone") });
    expect(chainOf(lost, new Map([["b", lost]])).map((one) => one.id)).toEqual(["b"]);
    const loop = run({ id: "a", origin: from("b") });
    const back = run({ id: "b", origin: from("a") });
    const byId = new Map([
      ["a", loop],
      ["b", back],
    ]);
    expect(chainOf(loop, byId).map((one) => one.id)).toEqual(["b", "a"]);
  });
});

describe("the search", () => {
  const finder = new Finder(() => "23 November 2026");
  const cat = run({
    id: "cat",
    baseName: "Garden.jpg",
    wish: { ...EMPTY_WISH, prompt: "A Café CAT, 红帽子" },
    results: [{ ...good(0), seed: "4711" }],
  });
  const dog = run({ id: "dog", wish: { ...EMPTY_WISH, prompt: "dog" } });
  const found = (query: string) => finder.find([cat, dog], query).map((one) => one.id);

  it("wants every word, in any order, case, accent and language", () => {
    expect(found("cat cafe")).toEqual(["cat"]);
    expect(found("红帽")).toEqual(["cat"]);
    expect(found("cat dog")).toEqual([]);
    expect(found("  ")).toEqual(["cat", "dog"]);
  });

  it("knows pictures, seeds and days too", () => {
    expect(found("garden")).toEqual(["cat"]);
    expect(found("4711")).toEqual(["cat"]);
    expect(found("2026-11-23")).toEqual(["cat", "dog"]);
    expect(found("november 2026 dog")).toEqual(["dog"]);
  });

  it("sees that a run has changed", () => {
    expect(finder.find([dog], "cat")).toEqual([]);
    const changed = { ...dog, wish: { ...EMPTY_WISH, prompt: "cat" } };
    expect(finder.find([changed], "cat")).toEqual([changed]);
  });
});

describe("what is said of a run", () => {
  it("is how long it took from the order to the end", () => {
    expect(tookOf(run({ created: 1000, submitted: 3000, ended: 5500 }))).toBe(2.5);
    expect(tookOf(run({ created: 1000, ended: 5500 }))).toBe(4.5);
    expect(tookOf(run({}))).toBeNull();
  });

  it("is how much room it takes", () => {
    expect(bytesText(1, "en")).toBe("1 byte");
    expect(bytesText(2_518_617, "en")).toBe("2.5 MB");
    expect(bytesText(18_000_000, "en")).toBe("18 MB");
  });
});
