/** Who is signed in, what the server offers, and whether it answers. */
import { signal } from "@preact/signals";
import type { Account, Limits, Model } from "./types";

export const account = signal<Account | null>(null);
/** The server answered 401: a key is asked for, and nothing on the page is lost. */
export const signedOut = signal(false);
/** False while the server does not answer. */
export const reachable = signal(true);

export const models = signal<Model[]>([]);
/** Those of this version's server, until it has said its own. */
export const limits = signal<Limits>({
  minSide: 257,
  maxSide: 4095,
  maxBytes: 10 * 1024 * 1024,
  maxN: 4,
  maxPrompt: 800,
  maxPalette: 8,
  maxFeather: 256,
  guidance: [1, 10],
  steps: [1, 150],
});
