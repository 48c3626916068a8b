/** One request to the server: time limit, tries, and what went wrong as a `Problem`. */
import { effect } from "@preact/signals";
import { reachable, signedOut } from "../state/session";
import type { Problem } from "../state/types";

/** The API declined, or could not be reached. */
export class Failed extends Error {
  constructor(
    readonly problem: Problem,
    /** ms; what the server asks to wait before the next try. */
    readonly retryAfter: number | null = null,
  ) {
    super(problem.message);
    this.name = "Failed";
  }
}

export interface Call {
  method?: "GET" | "POST";
  /** JSON, as it is sent. */
  json?: string;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  timeout_ms?: number;
  /** How often it is sent at most. Orders are sent again only where the server took nothing. */
  tries?: number;
  /** After a 401, wait until somebody has signed in and ask again; else fail. */
  waitsForSignIn?: boolean;
}

const TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** Longer than that nobody waits for an answer; it fails instead. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** What proxies say while the server is away. */
const GATEWAY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Send it; the answer as JSON. Throws `Failed`, or an AbortError when `signal` says so. */
export async function ask<T>(path: string, call: Call = {}): Promise<T> {
  const response = await send(path, call);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Failed(odd(response));
  }
}

/** Send it; the answer as it is. */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const tries = call.tries ?? (call.method === "POST" ? 1 : 3);
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(path, call);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      if (error.problem.status === 401 && call.waitsForSignIn) {
        await signedIn(call.signal);
        attempt--;
        continue;
      }
      const wait = error.retryAfter ?? backoff(attempt);
      if (attempt >= tries || !isPassing(error.problem, call) || wait > LONGEST_RETRY_AFTER_MS) {
        throw error;
      }
      await pause(wait, call.signal);
    }
  }
}

async function once(path: string, call: Call): Promise<Response> {
  call.signal?.throwIfAborted();
  const control = new AbortController();
  const stop = () => control.abort(call.signal?.reason);
  call.signal?.addEventListener("abort", stop, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    control.abort();
  }, call.timeout_ms ?? TIMEOUT_MS);
  const headers: Record<string, string> = { Accept: "application/json", ...call.headers };
  if (call.json !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method: call.method ?? "GET",
      headers,
      body: call.json ?? call.body ?? null,
      signal: control.signal,
      credentials: "same-origin",
      cache: "no-store",
    });
    // The body is a part of what has to come in time.
    response = new Response(await response.blob(), response);
  } catch (error) {
    if (call.signal?.aborted) throw call.signal.reason ?? error;
    const code = late ? "Timeout" : navigator.onLine === false ? "Offline" : "Unreachable";
    reachable.value = false;
    throw new Failed({ code, message: "", status: 0 });
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener("abort", stop);
  }
  noteClock(response);
  if (response.ok) {
    reachable.value = true;
    return response;
  }
  const problem = await problemOf(response);
  // A proxy that answers in the server's stead.
  reachable.value = !(problem.code === "BadAnswer" && GATEWAY.has(problem.status));
  if (response.status === 401) signedOut.value = true;
  throw new Failed(problem, retryAfter(response));
}

let ahead_ms = 0;

/** How far the server's clock is ahead of the browser's, ms, within a second or so. */
export function serverAhead(): number {
  return ahead_ms;
}

function noteClock(response: Response): void {
  const said = Date.parse(response.headers.get("date") ?? "");
  if (Number.isFinite(said)) ahead_ms = said - Date.now();
}

/** What an answer that is no success says. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    const said = (await response.json()) as Record<string, unknown>;
    if (typeof said.code !== "string") return odd(response);
    const requestId = typeof said.request_id === "string" ? { requestId: said.request_id } : {};
    const message = typeof said.message === "string" ? said.message : "";
    return { code: said.code, message, status: response.status, ...requestId };
  } catch {
    return odd(response);
  }
}

/** An answer that is not the API's: of a proxy between, most likely. */
function odd(response: Response): Problem {
  const requestId = response.headers.get("x-request-id");
  const code = response.status === 413 ? "BadRequest.TooLarge" : "BadAnswer";
  return {
    code,
    message: `HTTP ${response.status}`,
    status: response.status,
    ...(requestId ? { requestId } : {}),
  };
}

/** Whether it may pass by itself, and sending again does no harm. */
function isPassing(problem: Problem, call: Call): boolean {
  const { status, code } = problem;
  // A rate that was exceeded, or a database that did not answer: nothing was done.
  if (status === 429 || (status === 503 && code === "ServiceUnavailable")) return true;
  // Who knows what became of it: only what changes nothing is sent again.
  return (call.method ?? "GET") === "GET" && (status === 0 || status >= 500);
}

/** Whether it is unknown if the server did what was asked. */
export function isUnsure(problem: Problem): boolean {
  const said = problem.status === 503 && problem.code === "ServiceUnavailable";
  return problem.status === 0 || problem.code === "BadAnswer" || (problem.status > 500 && !said);
}

function retryAfter(response: Response): number | null {
  const said = response.headers.get("retry-after");
  if (!said) return null;
  const ms = /^\d+$/.test(said.trim()) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** ms before the next try: longer each time, and not the same for everybody. */
export function backoff(attempt: number, longest_ms = LONGEST_PAUSE_MS): number {
  const longest = Math.min(longest_ms, FIRST_PAUSE_MS * 2 ** (attempt - 1));
  return longest * (0.5 + Math.random() / 2);
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Resolves as soon as somebody is signed in. */
export function signedIn(signal?: AbortSignal): Promise<void> {
  return until(() => !signedOut.value, signal);
}

/** Resolves as soon as what `holds` reads from signals is true. */
export function until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let dispose: (() => void) | null = null;
    let over = false;
    const end = () => {
      over = true;
      dispose?.();
      signal?.removeEventListener("abort", stop);
    };
    const stop = () => {
      end();
      reject(signal?.reason);
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", stop, { once: true });
    dispose = effect(() => {
      if (over || !holds()) return;
      end();
      resolve();
    });
    if (over) dispose();
  });
}

/** An address that the server gave, on the host that this page came from: it may call itself otherwise. */
export function here(url: string): string {
  const { pathname, search } = new URL(url, location.origin);
  const at = pathname.indexOf("/api/v1/");
  return (at > 0 ? pathname.slice(at) : pathname) + search;
}
