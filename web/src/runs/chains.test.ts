import { runWith } from "../testing";
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { account, limits, signedOut } from "../state/session";
import { EMPTY_WISH, type Run } from "../state/types";
import { runs } from "../state/work";
import { putBlob, saveRun } from "../store/store";
import { addressOf, keepAddress } from "./addresses";
import { collect } from "./collect";
import { sendRun } from "./send";

const HOUR = 60 * 60 * 1000;
const ALLOWED = limits.value;

/** Files that were sent, orders that came, and what the next ones are answered. */
const server = { files: 0, orders: [] as string[], refusals: [] as Response[] };

class Upload extends EventTarget {
  status = 200;
  responseText = "";
  upload = {};
  onload?: () => void;
  onloadend?: () => void;
  open(): void {}
  abort(): void {}
  send(): void {
    server.files++;
    setTimeout(() => {
      this.onload?.();
      this.onloadend?.();
    });
  }
}

let made = 0;

/** The address of a result that expires then. */
function addressUntil(expires: number, name = `r-${made++}.png`): string {
  const seconds = Math.ceil(expires / 1000);
  return `http://paint.example/api/v1/files/task/${seconds}/${"0".repeat(64)}/${name}`;
}

async function aRun(base: Blob, changes: Partial<Run> = {}): Promise<string> {
  const id = `run-${made++}`;
  const run = runWith({
    id,
    baseId: await putBlob(base),
    origin: { kind: "result", run: "before", index: 0 },
    maskId: await putBlob(new Blob([`mask ${id}`])),
    wish: { ...EMPTY_WISH, model: "m", prompt: "a cat", seed: "5" },
    ...changes,
  });
  runs.value = [run];
  await saveRun(run);
  return id;
}

const now = () => runs.value[0] as Run;
const heavy = () => new Blob([`heavy ${made++}`.padEnd(2000)], { type: "image/png" });
const sent = () => server.orders.map((order) => JSON.parse(order).input.base_image_url);

beforeEach(() => {
  Object.assign(server, { files: 0, orders: [], refusals: [] });
  limits.value = { ...ALLOWED, maxBytes: 1000 };
  account.value = { name: "", hint: "sk-a", plan: "", used: 0, images: null };
  signedOut.value = false;
  vi.stubGlobal("XMLHttpRequest", Upload);
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    if (url.includes("getPolicy")) {
      const data = { upload_dir: "dir", upload_host: "http://host/api/v1/uploads/files" };
      return Response.json({ data });
    }
    if (url.includes("/files/")) return new Response(heavy());
    server.orders.push(String(init?.body));
    const output = { task_id: `task-${made++}`, task_status: "PENDING" };
    return server.refusals.shift() ?? Response.json({ output });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  limits.value = ALLOWED;
});

test("a result that is fetched can be gone on from by its address, however heavy", async () => {
  const [index, url] = [0, addressUntil(Date.now() + HOUR)];
  await aRun(heavy(), {
    state: "SUCCEEDED",
    results: [{ index, seed: "5", bytes: null, problem: null }],
  });
  await collect(now().id, { task_id: "t", task_status: "SUCCEEDED", results: [{ url }] });
  const file = now().results[0]?.bytes as Blob;
  expect(file.size).toBeGreaterThan(limits.value.maxBytes);

  await sendRun(await aRun(file));
  expect(sent()).toEqual([url]);
  expect(server.files).toBe(1); // the mask
  expect(now().state).toBe("PENDING");
});

test("another key may use a result's address, but not what somebody uploaded", async () => {
  const [base, url] = [new Blob(["light"]), addressUntil(Date.now() + HOUR)];
  const id = await putBlob(base);
  await sendRun(await aRun(base));
  account.value = { name: "", hint: "sk-b", plan: "", used: 0, images: null };
  expect(await addressOf(id)).toBeNull();
  await keepAddress(id, url);
  expect(await addressOf(id)).toBe(url);
});

test("a light result whose address has expired is uploaded", async () => {
  const base = new Blob([`light ${made++}`]);
  await keepAddress(await putBlob(base), addressUntil(Date.now() + 1000));
  await sendRun(await aRun(base));
  expect(sent()[0]).toMatch(/^oss:/);
  expect(server.files).toBe(2);
});

test("a heavy one is said to be too large, and nothing is sent", async () => {
  const base = heavy();
  await keepAddress(await putBlob(base), addressUntil(Date.now() - HOUR));
  await sendRun(await aRun(base));
  expect(now()).toMatchObject({ state: "FAILED", problem: { code: "InvalidFile.Size" } });
  expect(server).toMatchObject({ files: 0, orders: [] });
});

test.each(["InvalidURL", "InvalidParameter.FileDownload"])(
  "where the server does not know the address (%s), the file is uploaded",
  async (code) => {
    const [base, url] = [new Blob([`light ${made++}`]), addressUntil(Date.now() + HOUR)];
    await keepAddress(await putBlob(base), url);
    const message = "base_image_url: must be the address of a result that has not expired";
    server.refusals.push(Response.json({ code, message }, { status: 400 }));
    await sendRun(await aRun(base));
    expect(sent()).toEqual([url, expect.stringMatching(/^oss:/)]);
    expect(now().state).toBe("PENDING");
  },
);

test("an address that does not say when it expires is not kept", async () => {
  await keepAddress("some-id", "http://paint.example/api/v1/files/x.png");
  expect(await addressOf("some-id")).toBeNull();
});
