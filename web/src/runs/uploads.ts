/** Files on their way to the server: once each, as long as the server keeps them. */
import { account, limits, signedOut } from "../state/session";
import type { Problem } from "../state/types";
import { forgetUpload, saveUpload } from "../store/store";
import { addressOf } from "./addresses";
import { getPolicy, type Policy } from "./api";
import { backoff, Failed, here, pause, problemOf, until } from "./http";

/** The server keeps them 48 hours unless it is set otherwise; a lost one is sent again. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** Bytes have to move at least that often. */
const STALL_MS = 60_000;
const TRIES = 4;

/** A file by its SHA-256. */
export interface Parcel {
  id: string;
  blob: Blob;
}

const underWay = new Map<string, Promise<string>>();

/**
 * Have the files at the server; their addresses there, by SHA-256.
 *
 * Throws `Failed`, or an AbortError when `signal` says so.
 */
export async function upload(
  parcels: readonly Parcel[],
  model: string,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const files = [...new Map(parcels.map((parcel) => [parcel.id, parcel])).values()];
  const total = files.reduce((sum, file) => sum + file.blob.size, 0) || 1;
  const sent = new Map<string, number>();
  const tell = (id: string, bytes: number) => {
    sent.set(id, bytes);
    onProgress([...sent.values()].reduce((sum, one) => sum + one, 0) / total);
  };
  let policy: Policy | null = null;
  const leave = async (fresh: boolean) => {
    if (fresh || !policy) policy = await getPolicy(model, { signal, waitsForSignIn: true });
    return policy;
  };
  const urls = new Map<string, string>();
  for (const { id, blob } of files) {
    urls.set(id, await one(id, blob, leave, (bytes) => tell(id, bytes), signal));
    tell(id, blob.size);
  }
  return urls;
}

type Leave = (fresh: boolean) => Promise<Policy>;

async function one(
  id: string,
  blob: Blob,
  leave: Leave,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const kept = await addressOf(id);
  if (kept) return kept;
  if (blob.size > limits.value.maxBytes) throw new Failed(tooHeavy(blob.size));
  const owner = account.value?.hint ?? "";
  const other = underWay.get(id);
  if (other) {
    try {
      await Promise.race([other, until(() => false, signal)]);
      return await other;
    } catch {
      signal.throwIfAborted(); // it was the other's to fail; try for ourselves
    }
  }
  const sending = patiently(id, blob, leave, onBytes, signal);
  underWay.set(id, sending);
  try {
    const url = await sending;
    await saveUpload({ id, url, expires: Date.now() + KEPT_MS, account: owner });
    return url;
  } finally {
    if (underWay.get(id) === sending) underWay.delete(id);
  }
}

async function patiently(
  id: string,
  blob: Blob,
  leave: Leave,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const policy = await leave(attempt > 1);
    try {
      return await post(policy, id, blob, onBytes, signal);
    } catch (error) {
      if (!(error instanceof Failed) || attempt >= TRIES) throw error;
      const { status, code } = error.problem;
      // A policy that has expired meanwhile; what else is refused stays refused.
      const passing = status === 0 || status >= 500 || status === 429 || code === "AccessDenied";
      if (!passing) throw error;
      await pause(error.retryAfter ?? backoff(attempt), signal);
    }
  }
}

/** One form; XMLHttpRequest, as fetch does not tell how far it is. */
function post(
  policy: Policy,
  id: string,
  blob: Blob,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const key = `${policy.upload_dir}/${id}`;
  const form = new FormData();
  // The file goes last: the server reads what allows it first.
  form.append("OSSAccessKeyId", policy.oss_access_key_id);
  form.append("Signature", policy.signature);
  form.append("policy", policy.policy);
  form.append("key", key);
  form.append("x-oss-object-acl", policy.x_oss_object_acl);
  form.append("x-oss-forbid-overwrite", policy.x_oss_forbid_overwrite);
  form.append("success_action_status", "200");
  form.append("file", blob, id);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let moved = Date.now();
    let stalled = false;
    const watch = setInterval(() => {
      if (Date.now() - moved < STALL_MS) return;
      stalled = true;
      request.abort();
    }, 1000);
    request.upload.onprogress = (event) => {
      moved = Date.now();
      onBytes(Math.min(event.loaded, blob.size));
    };
    const fail = (code: string) => reject(new Failed({ code, message: "", status: 0 }));
    request.onload = async () => {
      // 409: it is there; an answer was lost on the way.
      if (request.status === 200 || request.status === 409) return resolve(`oss://${key}`);
      const problem = await problemOf(
        new Response(request.responseText, { status: request.status || 500 }),
      );
      if (problem.status === 401) signedOut.value = true;
      reject(new Failed(problem));
    };
    request.onerror = () => fail(navigator.onLine === false ? "Offline" : "Unreachable");
    request.onabort = () => (stalled ? fail("Timeout") : reject(signal.reason));
    request.onloadend = () => {
      clearInterval(watch);
      signal.removeEventListener("abort", stop);
    };
    signal.addEventListener("abort", stop, { once: true });
    request.open("POST", here(policy.upload_host));
    request.send(form);
  });
}

/** What the server would say of it, before it is sent in vain. */
function tooHeavy(bytes: number): Problem {
  const most = limits.value.maxBytes / 1024 / 1024;
  const got = (bytes / 1024 / 1024).toFixed(1);
  const message = `file: must be a file of at most ${most} MB, got ${got} MB`;
  return { code: "InvalidFile.Size", message, status: 400 };
}

/** The server does not have them any more. */
export async function forgetUploads(ids: Iterable<string>): Promise<void> {
  for (const id of ids) await forgetUpload(id);
}
