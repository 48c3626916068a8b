import { runWith } from "../testing";
import "fake-indexeddb/auto";
import { beforeEach, expect, test, vi } from "vitest";
import { EMPTY_WISH, type Run, type Wish } from "../state/types";
import { reopen } from "./shelf";
import * as store from "./store";

beforeEach(async () => {
  vi.restoreAllMocks();
  await reopen();
  await new Promise((resolve) => {
    indexedDB.deleteDatabase("overpaint").onsuccess = resolve;
  });
});

function file(text: string): Blob {
  return new Blob([text], { type: "image/png" });
}

async function aRun(id: string, changes: Partial<Run> = {}): Promise<Run> {
  return runWith({
    id,
    created: 1000,
    ended: 2000,
    baseId: await store.putBlob(file("base")),
    maskId: await store.putBlob(file("mask")),
    state: "SUCCEEDED",
    ...changes,
  });
}

async function withResult(id: string, changes: Partial<Run> = {}): Promise<Run> {
  const bytes = file(`result of ${id}`);
  await store.putBlob(bytes);
  return aRun(id, { results: [{ index: 0, seed: "7", bytes, problem: null }], ...changes });
}

let held = 0; // files

/** From now on there is room for so many files. */
function fill(most: number): void {
  const real = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (
    this: IDBObjectStore,
    row: unknown,
  ) {
    if (this.name !== "blobs") return real.call(this, row);
    if (held >= most) throw new DOMException("full", "QuotaExceededError");
    held++;
    return real.call(this, row);
  });
  const gone = IDBObjectStore.prototype.delete;
  vi.spyOn(IDBObjectStore.prototype, "delete").mockImplementation(function (
    this: IDBObjectStore,
    key: IDBValidKey | IDBKeyRange,
  ) {
    if (this.name === "blobs") held--;
    return gone.call(this, key);
  });
}

test("a file comes back by its SHA-256, and is kept once", async () => {
  const id = await store.putBlob(file("abc"));
  expect(id).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(await store.putBlob(file("abc"))).toBe(id);
  expect(await (await store.getBlob(id))?.text()).toBe("abc");
  expect((await store.size()).used).toBe(3);
  expect(await store.getBlob("none")).toBeNull();
});

test("a run comes back with its results and its reference after the page was closed", async () => {
  const bytes = file("a cat");
  const reference = { id: await store.putBlob(bytes), name: "cat.png", bytes };
  await store.saveRun(await withResult("a", { wish: { ...EMPTY_WISH, reference } }));
  await store.saveRun(await aRun("b", { created: 3000 }));
  await reopen();
  const [newest, oldest] = await store.loadRuns();
  expect(newest?.id).toBe("b");
  expect(await oldest?.results[0]?.bytes?.text()).toBe("result of a");
  expect(await oldest?.wish.reference?.bytes.text()).toBe("a cat");
});

test("a run of an older page comes back with what its wish did not have yet", async () => {
  const { steps: _, ...older } = EMPTY_WISH;
  await store.saveRun(await aRun("a", { wish: { ...older, prompt: "a cat" } as Wish }));
  await store.saveRun(await aRun("b", { created: 3000, wish: { ...EMPTY_WISH, steps: "8" } }));
  await reopen();
  const [newest, oldest] = await store.loadRuns();
  expect(newest?.wish.steps).toBe("8");
  expect(oldest?.wish).toMatchObject({ prompt: "a cat", steps: "" });
});

test("removing a run removes its files, but those that another one needs", async () => {
  const run = await withResult("a");
  await store.saveRun(run);
  await store.saveRun(await aRun("b"));
  await store.removeRun("a");
  expect((await store.loadRuns()).map((one) => one.id)).toEqual(["b"]);
  expect(await store.getBlob(run.baseId)).not.toBeNull();
  expect((await store.size()).used).toBe("base".length + "mask".length);
});

test("where there is no room the oldest run that is not starred goes, and that is told", async () => {
  await store.saveRun(await withResult("starred", { created: 1, starred: true }));
  await store.saveRun(await withResult("open", { created: 2, state: "RUNNING" }));
  await store.saveRun(await withResult("oldest", { created: 3 }));
  await store.saveRun(await withResult("newer", { created: 4 }));
  const removed = vi.fn();
  store.whenRemoved(removed);
  held = 6;
  fill(6);
  const id = await store.putBlob(file("one more"));
  expect(removed).toHaveBeenCalledExactlyOnceWith(["oldest"]);
  expect(await store.getBlob(id)).not.toBeNull();
  expect((await store.loadRuns()).map((run) => run.id)).toEqual(["newer", "open", "starred"]);
  expect(store.keeping.value).toBe("disk");
});

test("where nothing may go a file stays in memory, and that is told", async () => {
  held = 0;
  fill(0);
  const id = await store.putBlob(file("much"));
  expect(store.keeping.value).toBe("memory");
  expect(await (await store.getBlob(id))?.text()).toBe("much");
});

test("without a database all works until the page closes", async () => {
  vi.spyOn(indexedDB, "open").mockImplementation(() => {
    throw new DOMException("private window", "SecurityError");
  });
  await store.saveRun(await withResult("a"));
  expect(store.keeping.value).toBe("memory");
  expect((await store.loadRuns())[0]?.results[0]?.bytes?.size).toBe("result of a".length);
  await store.removeRun("a");
  expect(await store.loadRuns()).toEqual([]);
});

test("the right to send an order is given once", async () => {
  await store.saveRun(await aRun("a", { state: "UPLOADING", ended: null }));
  expect(await store.claimSending("a")).toBeTypeOf("number");
  expect(await store.claimSending("a")).toBeNull();
  await store.saveRun(await aRun("b", { state: "FAILED" }));
  expect(await store.claimSending("b")).toBeNull();
  expect(await store.claimSending("none")).toBeNull();
});

test("tidying removes old files that nothing names, and no others", async () => {
  const now = Date.now();
  const lost = await store.putBlob(file("lost"));
  const run = await aRun("a");
  await store.saveRun(run);
  await store.tidy(new Set());
  expect(await store.getBlob(lost)).not.toBeNull();
  vi.spyOn(Date, "now").mockReturnValue(now + 2 * 60 * 60 * 1000);
  await store.tidy(new Set());
  expect(await store.getBlob(lost)).toBeNull();
  expect(await store.getBlob(run.baseId)).not.toBeNull();
});

test("a picture's small view goes with the picture", async () => {
  const run = await withResult("a");
  await store.saveRun(run);
  const id = await store.putBlob(run.results[0]?.bytes as Blob);
  expect(await store.getThumb(id)).toBeNull();
  await store.putThumb(id, file("small"));
  expect(await (await store.getThumb(id))?.text()).toBe("small");
  await store.removeRun("a");
  expect(await store.getThumb(id)).toBeNull();
});

test("results that came from another tab are named by the run that is written", async () => {
  const run = await withResult("a");
  await store.saveRun(run);
  await store.saveRun({ ...structuredClone(run), starred: true });
  expect((await store.loadRuns())[0]?.results[0]?.bytes?.size).toBe("result of a".length);
});

test("where there is no room, files that nothing names go before any run", async () => {
  await store.saveRun(await withResult("a"));
  const mask = await store.putBlob(file("a mask of before"));
  const removed = vi.fn();
  store.whenRemoved(removed);
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + 5 * 60_000);
  held = 4;
  fill(4);
  const id = await store.putBlob(file("one more"));
  expect(removed).not.toHaveBeenCalled();
  expect(await store.getBlob(mask)).toBeNull();
  expect(await store.getBlob(id)).not.toBeNull();
});

test("all that is kept here can be removed, starred or not", async () => {
  await store.saveRun(await withResult("a", { starred: true }));
  const id = await store.putBlob(file("on the table"));
  await store.putThumb(id, file("small"));
  await store.wipe();
  await reopen();
  expect(await store.loadRuns()).toEqual([]);
  expect(await store.getBlob(id)).toBeNull();
  expect(await store.getThumb(id)).toBeNull();
  expect((await store.size()).used).toBe(0);
});
