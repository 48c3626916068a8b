/** Files that the server has already: uploads, and results of its own. */
import { account } from "../state/session";
import { savedUpload, saveUpload } from "../store/store";
import { serverAhead } from "./http";

/** An order that is made so long before a result expires still arrives in time. */
const ARRIVES_MS = 60_000;

const RESULT = /\/files\/[^/]+\/(\d+)\/[^/]+\/[^/]+$/;

/** Where the server has a file, by its SHA-256; null: it has to be sent. */
export async function addressOf(id: string): Promise<string | null> {
  const kept = await savedUpload(id);
  if (!kept || kept.expires <= Date.now()) return null;
  const owner = account.value?.hint ?? "";
  return kept.account === null || kept.account === owner ? kept.url : null;
}

/** Remember a result's own address: an order takes it, at any length, until it expires. */
export async function keepAddress(id: string, url: string): Promise<void> {
  const seconds = RESULT.exec(new URL(url, location.origin).pathname)?.[1];
  if (!seconds) return;
  const expires = Number(seconds) * 1000 - serverAhead() - ARRIVES_MS;
  await saveUpload({ id, url, expires, account: null });
}
