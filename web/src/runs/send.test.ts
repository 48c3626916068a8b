import { runWith } from "../testing";
import "fake-indexeddb/auto";
import { effect } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reachable, signedOut } from "../state/session";
import { EMPTY_WISH, type Run } from "../state/types";
import { runs } from "../state/work";
import { claimSending, loadRuns, putBlob, saveRun } from "../store/store";
import { cancelRun, retryRun, takeTask } from "./runs";
import { resumeRun, sendRun } from "./send";

/** A server of one key; `orders` are those that came, `tasks` what became of them. */
const server = {
  orders: [] as string[],
  tasks: [] as Array<{ task_id: string; model_name: string; gmt_create: number }>,
  files: [] as string[],
  answersOrders: (_: number): Response | Error | null => null,
};

class Upload extends EventTarget {
  status = 0;
  responseText = "";
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onloadend?: () => void;
  onabort?: () => void;
  onerror?: () => void;
  open(): void {}
  abort(): void {
    this.onabort?.();
    this.onloadend?.();
  }
  send(form: FormData): void {
    setTimeout(() => {
      server.files.push(String(form.get("key")));
      this.upload.onprogress?.({ loaded: (form.get("file") as Blob).size });
      this.status = 200;
      this.onload?.();
      this.onloadend?.();
    });
  }
}

const fetching = vi.fn(async (url: string | URL | Request, init?: RequestInit) => {
  const path = String(url);
  if (path.includes("getPolicy")) {
    const data = { upload_dir: "dir", upload_host: "http://host/api/v1/uploads/files" };
    return Response.json({ data });
  }
  if (path.includes("image-synthesis")) {
    const at = server.orders.push(String(init?.body));
    const other = server.answersOrders(at);
    if (other instanceof Error) throw other;
    if (other) return other;
    return Response.json({ output: accept() });
  }
  if (path.includes("/cancel")) return Response.json({});
  if (path.includes("/tasks?")) return Response.json({ data: server.tasks });
  if (path.includes("/account")) return Response.json({ data: {} });
  throw new Error(`Nobody answers ${path}.`);
});

function accept() {
  const task_id = `task-${server.tasks.length + 1}`;
  server.tasks.unshift({ task_id, model_name: "m", gmt_create: Date.now() });
  return { task_id, task_status: "PENDING" };
}

let made = 0;

async function aRun(changes: Partial<Run> = {}): Promise<Run> {
  made++;
  const run = runWith({
    id: `run-${made}`,
    baseId: await putBlob(new Blob([`base ${made}`])),
    maskId: await putBlob(new Blob([`mask ${made}`])),
    wish: { ...EMPTY_WISH, model: "m", prompt: "a cat", seed: "5" },
    ...changes,
  });
  runs.value = [run];
  await saveRun(run);
  return run;
}

const now = () => runs.value[0] as Run;

beforeEach(() => {
  Object.assign(server, { orders: [], tasks: [], files: [], answersOrders: () => null });
  vi.stubGlobal("fetch", fetching);
  vi.stubGlobal("XMLHttpRequest", Upload);
  fetching.mockClear();
  signedOut.value = false;
  reachable.value = true;
});
afterEach(() => vi.unstubAllGlobals());

test("a run's files are sent, then its order, and it waits", async () => {
  const { id } = await aRun();
  await sendRun(id);
  expect(server.files).toHaveLength(2);
  expect(server.orders).toHaveLength(1);
  expect(server.orders[0]).toContain("oss://dir/");
  expect(now()).toMatchObject({ taskId: "task-1", state: "PENDING", uploaded: 1 });
  expect((await loadRuns()).find((run) => run.id === id)?.submitted).toBeTypeOf("number");
});

test("the same files are not sent again for another run", async () => {
  const run = await aRun();
  await sendRun(run.id);
  runs.value = [{ ...run, id: "again" }];
  await saveRun(now());
  await sendRun("again");
  expect(server.files).toHaveLength(2);
  expect(server.orders).toHaveLength(2);
});

test("a refusal is said in the run, and the order is not repeated", async () => {
  const said = { code: "InvalidParameter", message: "n: bad" };
  server.answersOrders = () => Response.json(said, { status: 400 });
  await sendRun((await aRun()).id);
  expect(now()).toMatchObject({ state: "FAILED", taskId: null, problem: said });
  expect(server.orders).toHaveLength(1);
});

test("an order whose answer was lost is found among the tasks, not sent again", async () => {
  server.answersOrders = () => {
    accept();
    return new TypeError("connection reset");
  };
  const sent = sendRun((await aRun()).id);
  await vi.waitFor(() => expect(reachable.value).toBe(false));
  reachable.value = true;
  await sent;
  expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
  expect(server.orders).toHaveLength(1);
}, 10_000);

test("an order that never arrived is sent again", async () => {
  server.answersOrders = (at) => (at === 1 ? new TypeError("connection refused") : null);
  const sent = sendRun((await aRun()).id);
  await vi.waitFor(() => expect(reachable.value).toBe(false));
  reachable.value = true;
  await sent;
  expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
  expect(server.orders).toHaveLength(2);
}, 10_000);

test("files that the server has lost are sent once more", async () => {
  const lost = { code: "InvalidURL", message: "base_image_url: must be an upload" };
  server.answersOrders = (at) => (at === 1 ? Response.json(lost, { status: 400 }) : null);
  await sendRun((await aRun()).id);
  expect(server.files).toHaveLength(4);
  expect(now().state).toBe("PENDING");
});

test("without a session it waits for one, and goes on", async () => {
  server.answersOrders = (at) =>
    at === 1 ? Response.json({ code: "InvalidApiKey", message: "" }, { status: 401 }) : null;
  const sent = sendRun((await aRun()).id);
  await vi.waitFor(() => expect(signedOut.value).toBe(true));
  expect(now().state).toBe("UPLOADING");
  signedOut.value = false;
  await sent;
  expect(now().state).toBe("PENDING");
});

test("after a reload an order that was not sent offers to be sent, and is", async () => {
  const { id } = await aRun();
  await resumeRun(id);
  expect(now()).toMatchObject({ state: "FAILED", problem: { code: "Interrupted" } });
  expect(server.orders).toHaveLength(0);
  await retryRun(now());
  // What keeps runs writes it in the page.
  await vi.waitFor(() => expect(now().state).toBe("PENDING"));
  expect(now().id).toBe(id);
  expect(server.orders).toHaveLength(1);
});

test("after a reload an order that was sent is taken up; where two fit, that is said", async () => {
  const { id } = await aRun({ submitted: Date.now() });
  accept();
  await resumeRun(id);
  expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
  await aRun({ submitted: Date.now() });
  accept();
  accept();
  await resumeRun(now().id);
  expect(now()).toMatchObject({ state: "FAILED", problem: { code: "Unsure" } });
  expect(server.orders).toHaveLength(0);
}, 10_000);

test("an order that another tab has given up is not sent", async () => {
  const { id } = await aRun();
  expect(await claimSending(id)).not.toBeNull();
  runs.value = [{ ...now(), submitted: null }];
  // The row says otherwise than this tab.
  vi.spyOn(await import("../store/store"), "saveRun").mockResolvedValue();
  await sendRun(id);
  expect(server.orders).toHaveLength(0);
  vi.restoreAllMocks();
});

test("a task that another order made shows by its seed, and is not taken for this one", async () => {
  await aRun({ taskId: "task-9", state: "RUNNING", submitted: 1 });
  const results = [{ url: "http://host/api/v1/files/x.png", seed: "77" }];
  takeTask({ task_id: "task-9", task_status: "SUCCEEDED", results });
  expect(now()).toMatchObject({ state: "FAILED", problem: { code: "Unsure" } });
});

test("cancelling while files are sent ends it here", async () => {
  const { id } = await aRun();
  const sent = sendRun(id);
  await cancelRun(id);
  await sent;
  expect(now().state).toBe("CANCELED");
  expect(server.orders).toHaveLength(0);
});

test("news of the past does not open a run that has ended", async () => {
  await aRun({ taskId: "task-3", state: "CANCELED", ended: 5 });
  takeTask({ task_id: "task-3", task_status: "RUNNING" });
  expect(now().state).toBe("CANCELED");
});

test("a run that waits for another's upload of the same file can be cancelled", async () => {
  const run = await aRun();
  const hung = vi.spyOn(Upload.prototype, "send").mockImplementation(() => undefined);
  const first = sendRun(run.id);
  await vi.waitFor(() => expect(hung).toHaveBeenCalled());
  runs.value = [{ ...run, id: "second" }, run];
  await saveRun(now());
  const second = sendRun("second");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await cancelRun("second");
  await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 200))]);
  expect(now().state).toBe("CANCELED");
  hung.mockRestore();
  await cancelRun(run.id);
  await first;
});

describe("in time", () => {
  beforeEach(() =>
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
    }),
  );
  afterEach(() => vi.useRealTimers());
  /** Lets so much time pass; the database has a time of its own. */
  const pass = async (ms: number) => {
    for (let t = 0; t < ms; t += 50) {
      await vi.advanceTimersByTimeAsync(50);
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** A server that answers again a moment after it did not. */
  const knocking = () =>
    effect(() => {
      if (!reachable.value) setTimeout(() => (reachable.value = true), 100);
    });

  test("a run that is cancelled and sent again at once is not ended by what it was before", async () => {
    const { id } = await aRun();
    const orders = fetching.getMockImplementation() as typeof fetching;
    fetching.mockImplementation(async (url, init) => {
      if (String(url).includes("image-synthesis") && server.orders.length === 0) {
        server.orders.push("never arrives");
        return new Promise<Response>((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        });
      }
      return orders(url, init);
    });
    void sendRun(id);
    await pass(500);
    expect(server.orders).toHaveLength(1);
    await cancelRun(id);
    await pass(100);
    expect(now().state).toBe("CANCELED");
    await retryRun(now());
    await pass(500);
    expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
    await pass(10_000);
    expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
    expect(fetching.mock.calls.some(([url]) => String(url).includes("/cancel"))).toBe(false);
    fetching.mockImplementation(orders);
  });

  test("uploads that something between refuses for good are given up", async () => {
    const stop = knocking();
    const refused = vi.spyOn(Upload.prototype, "send").mockImplementation(function (this: Upload) {
      setTimeout(() => {
        this.status = 403;
        this.responseText = "<html>";
        this.onload?.();
        this.onloadend?.();
      });
    });
    const { id } = await aRun();
    void sendRun(id);
    await pass(60_000);
    expect(now()).toMatchObject({ state: "FAILED", problem: { code: "BadAnswer" } });
    expect(refused.mock.calls.length).toBeLessThan(10);
    refused.mockRestore();
    stop();
  });

  test("interrupted uploads take no chance from the order", async () => {
    const stop = knocking();
    const real = Upload.prototype.send;
    let at = 0;
    const send = vi.spyOn(Upload.prototype, "send").mockImplementation(function (
      this: Upload,
      form: FormData,
    ) {
      if (at++ >= 8) return real.call(this, form);
      setTimeout(() => {
        this.onerror?.();
        this.onloadend?.();
      });
    });
    server.answersOrders = () => {
      accept();
      return new TypeError("connection reset");
    };
    const { id } = await aRun();
    void sendRun(id);
    await pass(60_000);
    expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
    expect(server.orders).toHaveLength(1);
    send.mockRestore();
    stop();
  });

  test("after a reload the tasks are asked for until the server tells them", async () => {
    const stop = knocking();
    const { id } = await aRun({ submitted: Date.now() });
    accept();
    const whole = fetching.getMockImplementation() as typeof fetching;
    let lists = 0;
    fetching.mockImplementation(async (url, init) => {
      if (String(url).includes("/tasks?") && lists++ < 4) throw new TypeError("no network");
      return whole(url, init);
    });
    void resumeRun(id);
    await pass(60_000);
    expect(now()).toMatchObject({ state: "PENDING", taskId: "task-1" });
    fetching.mockImplementation(whole);
    stop();
  });

  test("of two orders at once neither takes the other's task", async () => {
    const stop = knocking();
    const whole = fetching.getMockImplementation() as typeof fetching;
    let answer: () => void = () => undefined;
    fetching.mockImplementation(async (url, init) => {
      if (!String(url).includes("image-synthesis") || server.orders.length > 1) {
        return whole(url, init);
      }
      if (server.orders.push(String(init?.body)) === 1) throw new TypeError("connection refused");
      const output = accept();
      return new Promise<Response>((resolve) => {
        answer = () => resolve(Response.json({ output }));
      });
    });
    const lost = await aRun();
    const slow = await aRun();
    runs.value = [slow, lost];
    void sendRun(lost.id);
    await pass(100);
    void sendRun(slow.id);
    await pass(5000);
    const of = (id: string) => runs.value.find((run) => run.id === id)?.taskId;
    expect(of(lost.id)).toBeNull();
    answer();
    await pass(20_000);
    expect(of(slow.id)).toBe("task-1");
    expect(of(lost.id)).toBe("task-2");
    fetching.mockImplementation(whole);
    stop();
  });
});
