/** The routes of the server that the page uses, typed. */
import type { Account, Limits, Model, Problem } from "../state/types";
import { ask, type Call, Failed, here, send } from "./http";

const API = "/api/v1";

type More = Pick<Call, "signal" | "tries" | "waitsForSignIn" | "timeout_ms">;

/** What a query answers. */
export interface TaskOutput {
  task_id: string;
  task_status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "UNKNOWN";
  results?: Array<{ url?: string; seed?: string; code?: string; message?: string }>;
  notes?: string[];
  code?: string;
  message?: string;
  /** Tasks before it in the queue. */
  position?: number;
  progress?: { stage: string; done: number; total: number };
}

export interface Policy {
  policy: string;
  signature: string;
  upload_dir: string;
  upload_host: string;
  oss_access_key_id: string;
  x_oss_object_acl: string;
  x_oss_forbid_overwrite: string;
  expire_in_seconds: number;
}

/** One line of the list of tasks. */
export interface TaskRow {
  task_id: string;
  model_name: string;
  status: string;
  /** ms since 1970, the server's clock. */
  gmt_create: number;
}

export async function getAccount(more: More = {}): Promise<Account> {
  const { data } = await ask<{ data: Account }>(`${API}/account`, more);
  return data;
}

export async function getModels(more: More = {}): Promise<{ models: Model[]; limits: Limits }> {
  const said = await ask<{ data: Model[]; limits: Record<string, number | [number, number]> }>(
    `${API}/models`,
    more,
  );
  const limits = Object.fromEntries(
    Object.entries(said.limits).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  ) as unknown as Limits;
  return { models: said.data, limits };
}

export async function getPolicy(model: string, more: More = {}): Promise<Policy> {
  const query = new URLSearchParams({ action: "getPolicy", model });
  const { data } = await ask<{ data: Policy }>(`${API}/uploads?${query}`, more);
  return data;
}

/** Order; `body` is JSON. The task's id. */
export async function createTask(body: string, more: More = {}): Promise<string> {
  const { output } = await ask<{ output: TaskOutput }>(
    `${API}/services/aigc/image2image/image-synthesis`,
    {
      method: "POST",
      json: body,
      headers: { "X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable" },
      timeout_ms: 120_000,
      tries: 5,
      ...more,
    },
  );
  return output.task_id;
}

export async function getTask(id: string, more: More = {}): Promise<TaskOutput> {
  const { output } = await ask<{ output: TaskOutput }>(
    `${API}/tasks/${encodeURIComponent(id)}`,
    more,
  );
  return output;
}

/** The newest tasks of the last 24 hours. */
export async function listTasks(more: More = {}): Promise<TaskRow[]> {
  const { data } = await ask<{ data: TaskRow[] }>(`${API}/tasks?page_no=1&page_size=100`, more);
  return data;
}

/** End a task, whether it waits or is painted. */
export async function cancelTask(id: string, more: More = {}): Promise<void> {
  await ask(`${API}/tasks/${encodeURIComponent(id)}/cancel?running=true`, {
    method: "POST",
    tries: 3,
    ...more,
  });
}

/** Where the server tells of tasks as they change. */
export function eventsUrl(ids: readonly string[]): string {
  const query = new URLSearchParams(ids.map((id) => ["task_id", id]));
  return `${API}/tasks/events?${query}`;
}

/** A result's file, byte for byte. */
export async function fetchResult(url: string, more: More = {}): Promise<Blob> {
  const response = await send(here(url), {
    headers: { Accept: "image/*" },
    timeout_ms: 120_000,
    tries: 5,
    ...more,
  });
  return response.blob();
}

/** Sign in with a key; null: it worked. */
export async function postSignIn(key: string): Promise<Problem | null> {
  const response = await fetch("/sign-in", {
    method: "POST",
    body: new URLSearchParams({ key }),
    credentials: "same-origin",
    // It answers with the way to the page, which is here already.
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
  });
  const { status } = response;
  if (response.type === "opaqueredirect" || response.ok) return null;
  if (status === 401) return { code: "InvalidApiKey", message: "", status };
  return { code: status === 403 ? "AccessDenied" : "BadAnswer", message: `HTTP ${status}`, status };
}

export async function postSignOut(): Promise<void> {
  const response = await fetch("/sign-out", {
    method: "POST",
    credentials: "same-origin",
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
  });
  if (response.type !== "opaqueredirect" && !response.ok) {
    throw new Failed({ code: "BadAnswer", message: "", status: response.status });
  }
}

/** What is wrong with one picture of a task, or with the task. */
export function problemIn(said: { code?: string; message?: string }): Problem | null {
  return said.code ? { code: said.code, message: said.message ?? "", status: 200 } : null;
}
