import "../testing";
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toasts } from "../state/ui";
import { ask, wish } from "../state/wish";
import { getBlob, putBlob } from "../store/store";
import { signOut } from "./session";

const left = vi.spyOn(location, "assign");
const fetching = vi.fn<typeof fetch>();

beforeEach(() => {
  left.mockClear();
  toasts.value = [];
  vi.stubGlobal("fetch", fetching);
});
afterEach(() => vi.unstubAllGlobals());

test("signing out leaves the page, and what is kept here stays unless it is to go", async () => {
  fetching.mockImplementation(async () => new Response(""));
  ask({ prompt: "a cat" });
  const id = await putBlob(new Blob(["a picture"]));
  await signOut({ forget: false });
  expect(left).toHaveBeenCalledExactlyOnceWith("/");
  expect(await getBlob(id)).not.toBeNull();
  await signOut({ forget: true });
  expect(await getBlob(id)).toBeNull();
  expect(wish.value.prompt).toBe("");
});

test.each([
  ["no answer", async () => Promise.reject(new TypeError("no network"))],
  ["a refusal", async () => new Response("", { status: 403 })],
])("signing out with %s is said, and takes nothing away", async (_, answer) => {
  fetching.mockImplementation(answer);
  const id = await putBlob(new Blob(["another picture"]));
  await signOut({ forget: true });
  expect(left).not.toHaveBeenCalled();
  expect(toasts.value[0]?.tone).toBe("problem");
  expect(await getBlob(id)).not.toBeNull();
});
