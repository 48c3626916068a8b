/** What can be done with a result or a run. */
import type { Saved } from "../editor/editor";
import { t } from "../i18n";
import { openPicture } from "../shell/picture";
import type { Result, Run } from "../state/types";
import { part, say } from "../state/ui";
import { ask, wish } from "../state/wish";
import { base, editor, shown } from "../state/work";
import { getBlob } from "../store/store";
import { stem } from "./names";

export interface Looked {
  run: Run;
  result: Result;
}

/** The layers as they stand, and the way back to all of the table. */
async function snapshot(): Promise<{ saved: Saved; back: () => Promise<void> }> {
  const was = base.value;
  const saved = await editor.save();
  const asked = wish.value;
  const looked = shown.value;
  const back = async () => {
    if (!was) return;
    await openPicture(named(was.bytes, was.name), was.origin, false);
    if (base.value?.id !== was.id) return;
    await editor.restore(saved);
    wish.value = asked;
    shown.value = looked;
  };
  return { saved, back };
}

function named(bytes: Blob, name: string): File {
  return new File([bytes], name, { type: bytes.type });
}

/** Go on from a result: it becomes the picture, with the mask as it is or none. */
export async function continueFrom({ run, result }: Looked, keepMask: boolean): Promise<void> {
  if (!result.bytes) return;
  const { saved, back } = await snapshot();
  const before = base.value;
  const name = `${stem(run.baseName) || "overpaint"}.png`;
  await openPicture(named(result.bytes, name), {
    kind: "result",
    run: run.id,
    index: result.index,
  });
  const now = base.value;
  if (!now || now === before) return;
  if (keepMask && before && now.width === before.width && now.height === before.height) {
    await editor.restore(saved);
  }
  const words = t().results;
  say("success", words.continued, { action: { label: words.back, run: () => void back() } });
}

/** Prompt, settings and this picture's seed into the panel. */
export function reuse({ run, result }: Looked): void {
  const { seed } = result;
  ask({ ...run.wish, seed, seedLocked: true });
  part.value = "wish";
  say("success", t().results.reused);
}

/** Bring back picture, mask, sketch and wish of a run, and show one of its pictures. */
export async function openAgain(run: Run, index?: number): Promise<boolean> {
  const bytes = await getBlob(run.baseId);
  const words = t().results;
  if (!bytes) {
    say("problem", words.openFailed);
    return false;
  }
  const back = base.value ? (await snapshot()).back : null;
  if (base.value?.id !== run.baseId) {
    await openPicture(named(bytes, run.baseName), run.origin, false);
    if (base.value?.id !== run.baseId) return false;
  }
  const mask = await getBlob(run.maskId);
  const sketch = run.sketchId ? await getBlob(run.sketchId) : null;
  await editor.restore({ mask, sketch });
  ask(run.wish);
  const there = run.results.filter((result) => result.bytes);
  const first = there.find((result) => result.index === index) ?? there[0];
  shown.value = first ? { run: run.id, index: first.index } : null;
  part.value = first ? "results" : "picture";
  const action = back && { action: { label: words.back, run: () => void back() } };
  say("success", words.opened, action ?? {});
  return true;
}

/** Whether the browser lets pages put pictures on the clipboard here. */
export const canCopy =
  typeof ClipboardItem !== "undefined" && typeof navigator.clipboard?.write === "function";

export async function copyPicture({ result }: Looked): Promise<void> {
  if (!result.bytes) return;
  const words = t().results;
  try {
    const png = new Blob([result.bytes], { type: "image/png" });
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    say("success", words.copied);
  } catch {
    say("problem", words.copyFailed, { hint: words.copyFailedHint });
  }
}

/** Hand a file to the browser's downloads. */
export function save(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
