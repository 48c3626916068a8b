import "../testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reachable, signedOut } from "../state/session";
import { ask, Failed, here, isUnsure, pause, send } from "./http";

const fetching = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetching);
  fetching.mockReset();
  signedOut.value = false;
  reachable.value = true;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function answer(status: number, body: unknown = {}, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return async () => new Response(text, { status, headers });
}

async function failure(doing: Promise<unknown>): Promise<Failed> {
  const caught = doing.then(
    () => new Error("It did not fail."),
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  const error = await caught;
  if (!(error instanceof Failed)) throw error;
  return error;
}

test("words of any language come as they are", async () => {
  fetching.mockImplementation(answer(200, { data: "一只猫" }));
  expect(await ask("/x")).toEqual({ data: "一只猫" });
});

test("a busy server is asked again after the time that it says", async () => {
  fetching.mockImplementationOnce(
    answer(503, { code: "ServiceUnavailable", message: "" }, { "Retry-After": "2" }),
  );
  fetching.mockImplementationOnce(answer(200, { ok: true }));
  const asked = ask("/x");
  await vi.advanceTimersByTimeAsync(1900);
  expect(fetching).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(await asked).toEqual({ ok: true });
});

test("an order is sent again where nothing was taken, and never where that is not known", async () => {
  const order = { method: "POST", json: "{}", tries: 5 } as const;
  fetching.mockImplementationOnce(answer(429, { code: "Throttling.RateQuota", message: "" }));
  fetching.mockImplementationOnce(answer(200, {}));
  const sent = ask("/x", order);
  await vi.runAllTimersAsync();
  await sent;
  expect(fetching).toHaveBeenCalledTimes(2);

  fetching.mockReset();
  fetching.mockImplementation(answer(504, "<html>gateway</html>"));
  const failed = await failure(ask("/x", order));
  expect(fetching).toHaveBeenCalledTimes(1);
  expect(failed.problem.code).toBe("BadAnswer");
  expect(isUnsure(failed.problem)).toBe(true);
});

test("the server's error arrives with its code, words and number", async () => {
  const said = { code: "InvalidParameter", message: "n: bad", request_id: "r" };
  fetching.mockImplementation(answer(400, said));
  const { problem } = await failure(ask("/x"));
  expect(problem).toEqual({
    code: "InvalidParameter",
    message: "n: bad",
    status: 400,
    requestId: "r",
  });
  expect(isUnsure(problem)).toBe(false);
  expect(fetching).toHaveBeenCalledTimes(1);
});

test("without a session it is asked again once somebody has signed in", async () => {
  fetching.mockImplementationOnce(answer(401, { code: "InvalidApiKey", message: "" }));
  fetching.mockImplementationOnce(answer(200, { ok: 1 }));
  const asked = ask("/x", { waitsForSignIn: true });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signedOut.value).toBe(true);
  expect(fetching).toHaveBeenCalledTimes(1);
  signedOut.value = false;
  expect(await asked).toEqual({ ok: 1 });
});

test("a server that is not there is told from a network that is not there", async () => {
  fetching.mockRejectedValue(new TypeError("failed"));
  expect((await failure(send("/x"))).problem).toMatchObject({ code: "Unreachable", status: 0 });
  expect(fetching).toHaveBeenCalledTimes(3);
  expect(reachable.value).toBe(false);
  Object.assign(navigator, { onLine: false });
  expect((await failure(send("/x"))).problem.code).toBe("Offline");
  Object.assign(navigator, { onLine: true });
});

test("an answer that does not come ends the request, and so does whoever asked", async () => {
  fetching.mockImplementation(
    (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      }),
  );
  expect((await failure(send("/x", { timeout_ms: 1000, tries: 1 }))).problem.code).toBe("Timeout");
  const control = new AbortController();
  const asked = send("/x", { signal: control.signal });
  const caught = asked.catch((error: unknown) => error);
  control.abort(new DOMException("enough", "AbortError"));
  expect(await caught).toMatchObject({ name: "AbortError", message: "enough" });
});

test("a pause ends early when it is aborted", async () => {
  const control = new AbortController();
  const paused = pause(1e6, control.signal).catch((error: unknown) => error);
  control.abort(new Error("enough"));
  expect(await paused).toMatchObject({ message: "enough" });
});

test("the server's own address is not needed: its paths are asked for here", () => {
  expect(here("https://other.example/api/v1/files/a/b.png?x=1")).toBe("/api/v1/files/a/b.png?x=1");
  expect(here("https://other.example/sub/api/v1/uploads")).toBe("/api/v1/uploads");
});
