import "../testing";
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { base } from "../state/work";
import { closePicture, openPicture } from "./picture";

const made: Array<{ width: number; height: number; close: () => void }> = [];
const file = (text: string) =>
  new File([Uint8Array.from("\x89PNG\r\n\x1a\n", (one) => one.charCodeAt(0)), text], "a.png");

beforeEach(() => {
  made.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  vi.stubGlobal("createImageBitmap", async () => {
    made.push({ width: 300, height: 300, close: vi.fn() });
    return made.at(-1);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const closed = () => {
  vi.runAllTimers();
  return made.map(({ close }) => vi.mocked(close).mock.calls.length);
};

test("the view of a picture is freed when another comes, and when it is closed", async () => {
  await openPicture(file("1"), { kind: "file" });
  expect(closed()).toEqual([0]);
  await openPicture(file("2"), { kind: "file" });
  expect(closed()).toEqual([1, 0]);
  await closePicture();
  expect(closed()).toEqual([1, 1]);
});

test("so is one that comes too late", async () => {
  await Promise.all([
    openPicture(file("1"), { kind: "file" }),
    openPicture(file("2"), { kind: "file" }),
  ]);
  expect(base.value?.bitmap).toBe(made[1]);
  expect(closed()).toEqual([1, 0]);
});
