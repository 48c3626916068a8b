import "../testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signedOut } from "../state/session";
import { Follower } from "./events";

class Source extends EventTarget {
  static all: Source[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    super();
    Source.all.push(this);
  }
  close(): void {
    this.closed = true;
  }
  say(name: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

const onTask = vi.fn();
const onPreview = vi.fn();
const fetching = vi.fn<typeof fetch>();
let follower: Follower;

const open = () => Source.all.filter((one) => !one.closed);
const asked = () => fetching.mock.calls.map(([url]) => String(url));

beforeEach(() => {
  vi.useFakeTimers();
  Source.all = [];
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("fetch", fetching);
  fetching.mockReset();
  fetching.mockImplementation(
    async (url) =>
      new Response(
        JSON.stringify({
          output: { task_id: String(url).split("/").pop(), task_status: "RUNNING" },
        }),
      ),
  );
  onTask.mockReset();
  onPreview.mockReset();
  signedOut.value = false;
  follower = new Follower({ onTask, onPreview });
});
afterEach(() => {
  follower.follow([]);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("one stream tells of all tasks, and none is there when there is nothing to follow", async () => {
  expect(Source.all).toHaveLength(0);
  follower.follow(["a"]);
  follower.follow(["a", "b"]);
  expect(open()).toHaveLength(1);
  expect(open()[0]?.url).toContain("task_id=a&task_id=b");
  open()[0]?.say("task", { task_id: "a", task_status: "PENDING", position: 2 });
  expect(onTask).toHaveBeenCalledWith({ task_id: "a", task_status: "PENDING", position: 2 });
  follower.follow(["b"]);
  expect(open()).toHaveLength(1);
  expect(Source.all).toHaveLength(2);
  follower.follow([]);
  expect(open()).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(fetching).not.toHaveBeenCalled();
});

test("while the stream flows nothing is asked; when it has been quiet for long, once", async () => {
  follower.follow(["a"]);
  open()[0]?.onopen?.();
  await vi.advanceTimersByTimeAsync(35_000);
  expect(fetching).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(50_000);
  expect(asked().length).toBeGreaterThan(0);
  expect(asked().length).toBeLessThan(4);
});

test("when the stream breaks tasks are asked for, and another stream is tried ever more rarely", async () => {
  follower.follow(["a", "b"]);
  open()[0]?.onerror?.();
  await vi.advanceTimersByTimeAsync(50);
  expect(asked()).toEqual(["/api/v1/tasks/a", "/api/v1/tasks/b"]);
  expect(onTask).toHaveBeenCalledTimes(2);
  for (let i = 0; i < 200; i++) {
    await vi.advanceTimersByTimeAsync(600);
    open()[0]?.onerror?.();
  }
  expect(Source.all.length).toBeGreaterThan(4);
  expect(Source.all.length).toBeLessThan(20);
  await vi.advanceTimersByTimeAsync(40_000);
  const before = fetching.mock.calls.length;
  open()[0]?.onopen?.();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(fetching.mock.calls.length).toBe(before);
});

test("the server's end closes the stream, which would come again by itself", () => {
  follower.follow(["a"]);
  open()[0]?.say("end", {});
  expect(open()).toHaveLength(0);
});

test("signed out it keeps still, and goes on when somebody has signed in", async () => {
  follower.follow(["a"]);
  signedOut.value = true;
  expect(open()).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fetching).not.toHaveBeenCalled();
  signedOut.value = false;
  expect(open()).toHaveLength(1);
});

test("previews are pictures in the answer itself, and nothing else", () => {
  follower.follow(["a"]);
  const box = { x: 0, y: 0, width: 2, height: 2 };
  open()[0]?.say("preview", { task_id: "a", url: "https://elsewhere.example/p.jpg", box });
  open()[0]?.say("preview", { task_id: "a", url: "data:image/jpeg;base64,AA==", box });
  open()[0]?.dispatchEvent(new MessageEvent("task", { data: "not JSON" }));
  expect(onPreview).toHaveBeenCalledTimes(1);
  expect(onTask).not.toHaveBeenCalled();
});

test("where there are no streams, it asks no sooner than the server wants", async () => {
  vi.stubGlobal("EventSource", undefined);
  fetching.mockImplementation(
    async () => new Response("{}", { status: 429, headers: { "Retry-After": "30" } }),
  );
  follower.follow(["a"]);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(fetching).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(4000);
  expect(fetching).toHaveBeenCalledTimes(2);
});

test("pages that lost the server at the same time do not all ask at the same time", async () => {
  const times: number[] = [];
  vi.stubGlobal("EventSource", undefined);
  for (const chance of [0, 0.999]) {
    vi.spyOn(Math, "random").mockReturnValue(chance);
    follower.follow([]);
    fetching.mockClear();
    follower.follow(["a"]);
    await vi.advanceTimersByTimeAsync(60_000);
    times.push(fetching.mock.calls.length);
  }
  vi.restoreAllMocks();
  expect(times[0]).toBeGreaterThan(times[1] as number);
});
