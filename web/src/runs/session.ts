/** Who is signed in, what the server offers, and the page's start. */
import { batch, computed, effect, untracked } from "@preact/signals";
import { problemText } from "../problems/problems";
import { account, limits, models, reachable, signedOut } from "../state/session";
import { EMPTY_WISH, type Problem } from "../state/types";
import { say } from "../state/ui";
import { wish } from "../state/wish";
import { base, openRuns, runs, shown } from "../state/work";
import { sweep, tidy, wipe } from "../store/store";
import { announce } from "./announce";
import { getAccount, getModels, postSignIn, postSignOut } from "./api";
import { backoff, Failed, pause } from "./http";
import { showInlays } from "./inlays";
import { forgetHere, keepRuns, restoreRuns, resumeSending, takeRun } from "./keep";
import { ours, sending } from "./send";
import { keepTable, restoreTable } from "./table";
import { join, tab, tellOut } from "./tabs";

const LONGEST_KNOCK_MS = 10_000;
const TIDY_AFTER_MS = 20_000;
const SWEEP_EACH_MS = 10 * 60_000;

/**
 * Start: bring back what is kept, and ask the server who we are and what it offers.
 *
 * Resolves when the page can be shown as it was left; the server's answers come in their own time.
 */
export async function boot(): Promise<void> {
  keepReachable();
  effect(() => {
    // At the start, and whenever somebody has signed in again.
    if (!signedOut.value) untracked(() => void look());
  });
  const idle = computed(() => openRuns.value.length === 0);
  effect(() => {
    // What a run has used up.
    if (idle.value && account.peek()) untracked(() => void lookAtAccount());
  });
  document.addEventListener("visibilitychange", () => {
    // Somebody may have signed in in another tab.
    if (document.visibilityState === "visible" && signedOut.value) void lookAtAccount();
  });
  const [neighbours] = await Promise.all([
    join({ sending, onRun: takeRun, onGone: forgetHere, onOut: leave }),
    restoreRuns().catch(() => undefined),
  ]);
  keepRuns();
  announce();
  showInlays();
  void resumeSending(neighbours);
  try {
    if (!base.value) await restoreTable(neighbours.tabs);
  } catch {
    // What cannot be read is not brought back; the page starts empty.
  }
  keepTable();
  setTimeout(
    () => void tidy(new Set([...neighbours.tabs, tab])).catch(() => undefined),
    TIDY_AFTER_MS,
  );
  // Each stroke leaves the mask of before behind.
  setInterval(() => void sweep().catch(() => undefined), SWEEP_EACH_MS);
}

async function look(): Promise<void> {
  await Promise.all([lookAtAccount(), lookAtModels()]);
}

async function lookAtAccount(): Promise<void> {
  try {
    account.value = await getAccount();
    signedOut.value = false;
  } catch {
    // 401 and silence are said by `signedOut` and `reachable`.
  }
}

async function lookAtModels(): Promise<void> {
  try {
    const said = await getModels();
    models.value = said.models;
    limits.value = { ...limits.value, ...said.limits };
  } catch {
    // As above; what is known of this version's server stands meanwhile.
  }
}

/** While the server does not answer, knock until it does. */
function keepReachable(): void {
  let knocking = false;
  const knock = async () => {
    if (knocking) return;
    knocking = true;
    for (let attempt = 1; !reachable.value; attempt++) {
      const waits = pause(backoff(attempt + 1, LONGEST_KNOCK_MS));
      const online = new Promise((resolve) =>
        window.addEventListener("online", resolve, { once: true }),
      );
      await Promise.race([waits, online]);
      try {
        account.value = await getAccount({ tries: 1, timeout_ms: 10_000 });
      } catch {
        // An answer, whatever it says, sets `reachable`.
      }
    }
    knocking = false;
    if (models.value.length === 0) await lookAtModels();
  };
  effect(() => {
    if (!reachable.value) untracked(() => void knock());
  });
  window.addEventListener("offline", () => {
    reachable.value = false;
  });
}

/** Sign in with a key; null: it worked, else what is wrong, for `problemText`. */
export async function signIn(key: string): Promise<Problem | null> {
  const secret = key.trim();
  if (!secret) return { code: "InvalidApiKey", message: "", status: 401 };
  try {
    const problem = await postSignIn(secret);
    if (problem) return problem;
    account.value = await getAccount();
    signedOut.value = false;
    return null;
  } catch (error) {
    return error instanceof Failed ? error.problem : ours("Unreachable");
  }
}

/**
 * End the session and go to the page that asks for a key. What is kept on this device stays, or
 * is removed with `forget`.
 */
export async function signOut({ forget }: { forget: boolean }): Promise<void> {
  try {
    await postSignOut();
  } catch {
    // The session goes on, and whoever leaves the device has to know.
    say("problem", problemText(ours("Unreachable")).text);
    return;
  }
  tellOut(forget);
  if (forget) {
    clearPage();
    await wipe().catch(() => undefined);
  }
  location.assign("/");
}

/** Somebody signed out in another tab. */
function leave(forget: boolean): void {
  if (forget) {
    clearPage();
    location.assign("/");
  } else {
    signedOut.value = true;
  }
}

/** What is written as the page is left has nothing in it then. */
function clearPage(): void {
  batch(() => {
    runs.value = [];
    base.value = null;
    shown.value = null;
    wish.value = EMPTY_WISH;
  });
}
