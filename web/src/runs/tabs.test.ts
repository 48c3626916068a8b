import "../testing";
import { expect, test, vi } from "vitest";
import type { Run } from "../state/types";

type Tabs = typeof import("./tabs");

/** Another tab: the module anew, on the same channel. */
async function open(sending: string[] = []) {
  vi.resetModules();
  const tabs: Tabs = await import("./tabs");
  const runs: Run[] = [];
  const gone: string[] = [];
  const outs: boolean[] = [];
  const neighbours = await tabs.join({
    sending: () => sending,
    onRun: (run) => runs.push(run),
    onGone: (ids) => gone.push(...ids),
    onOut: (forget) => outs.push(forget),
  });
  return { tabs, runs, gone, outs, neighbours };
}

const first = await open(["run-1"]);
// Two that open at the very same moment would agree on one of them by its name.
await new Promise((resolve) => setTimeout(resolve, 300));
const second = await open();

test("the tab that was opened last leads, alone", async () => {
  await vi.waitFor(() => expect(first.tabs.leads.value).toBe(false));
  expect(second.tabs.leads.value).toBe(true);
});

test("a tab knows who is there and what they send, and takes another name than its twin", () => {
  expect(first.neighbours.tabs.size).toBe(0);
  expect(second.neighbours.tabs.size).toBe(1);
  expect([...second.neighbours.sending]).toEqual(["run-1"]);
  expect(second.tabs.tab).not.toBe(first.tabs.tab);
});

test("what changes in one tab is told to the other", async () => {
  first.tabs.tellRun({ id: "run-1" } as Run);
  first.tabs.tellGone(["run-2"]);
  await vi.waitFor(() => expect(second.gone).toEqual(["run-2"]));
  expect(second.runs.map((run) => run.id)).toEqual(["run-1"]);
  expect(first.runs).toEqual([]);
});

test("who signs out in one tab is out in the other", async () => {
  first.tabs.tellOut(true);
  await vi.waitFor(() => expect(second.outs).toEqual([true]));
  expect(first.outs).toEqual([]);
});

test("the tab that is looked at takes the lead", async () => {
  // Both hear it here: one window stands for two. They agree all the same.
  window.dispatchEvent(new Event("focus"));
  await vi.waitFor(() => {
    expect([first.tabs.leads.value, second.tabs.leads.value].filter(Boolean)).toHaveLength(1);
  });
});

test("ids are UUIDs of version 4, over plain http too", () => {
  const id = first.tabs.uuid();
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
