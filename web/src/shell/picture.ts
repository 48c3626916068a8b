/** From a file to the picture on the table: checks, words for what does not fit, an upright view. */
import { effect, signal } from "@preact/signals";
import { t } from "../i18n";
import { addressOf } from "../runs/addresses";
import { limits } from "../state/session";
import type { Base, Origin, PictureType } from "../state/types";
import { dismiss, part, say } from "../state/ui";
import { base, editor, runs, shown } from "../state/work";
import { digest } from "../store/digest";
import { copyOf, drawing } from "./copy";
import { fitted, type Misfit, misfit } from "./fit";
import { confirm } from "./question";
import { ending, kindOf } from "./sniff";

/** A picture is being read. */
export const opening = signal(false);

/** What the file dialog offers. */
export const ACCEPT = "image/jpeg,image/png,image/webp,image/bmp,image/tiff,.tif,.tiff";

/** Beyond this a tab may end while it decodes. */
const READABLE = 300 * 1024 * 1024;

let turn = 0;
/** What was said of the last file that did not fit. */
let refusal = 0;
/** When mask or sketch changed last, ms since 1970. */
let touched = 0;
effect(() => {
  if (editor.revision.value > 0) touched = Date.now();
});

/** Whether marks would be lost that no run has kept. */
function unsaved(): boolean {
  const at = base.value;
  if (!at || (editor.coverage.value.marked === 0 && !editor.hasSketch.value)) return false;
  return !runs.value.some((run) => run.baseId === at.id && run.created >= touched);
}

/**
 * Read a file and put it on the table; what is wrong with it is said in words. Where marks would be
 * lost it asks first, unless `asks` is false: for callers that can bring them back.
 */
export async function openPicture(
  file: Blob & { name?: string },
  origin: Origin,
  asks = origin.kind !== "result",
): Promise<void> {
  const mine = ++turn;
  opening.value = true;
  dismiss(refusal);
  try {
    const next = await read(file, origin);
    if (!next) return;
    const goes = mine === turn && (!asks || !unsaved() || (await replaces()));
    if (goes && mine === turn) putOnTable(next);
    else next.bitmap.close();
  } catch (error) {
    if (mine === turn) refuse(error);
  } finally {
    if (mine === turn) opening.value = false;
  }
}

/** Lay a picture on the table that has been read already. */
function putOnTable(next: Base): void {
  release(base.value);
  base.value = next;
  shown.value = null;
  editor.comparison.value = null;
  editor.inlays.value = [];
  editor.open(next.bitmap);
  touched = 0;
  part.value = "picture";
}

/** Back to the first view; asks where marks would be lost. */
export async function closePicture(): Promise<void> {
  if (unsaved() && !(await replaces())) return;
  turn++;
  release(base.value);
  base.value = null;
  shown.value = null;
  editor.comparison.value = null;
  editor.inlays.value = [];
  editor.open(null);
}

/** Free a picture's view, some tens of megabytes; the page may still draw it in this frame. */
function release(gone: Base | null): void {
  if (gone) setTimeout(() => gone.bitmap.close(), 250);
}

/** Let the user pick a file. Call it from a click or a key. */
export function pickPicture(): void {
  pickFile(ACCEPT, (file) => void openPicture(file, { kind: "file" }));
}

export function pickFile(accept: string, then: (file: File) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) then(file);
  };
  input.click();
}

class Refused extends Error {
  constructor(
    readonly text: string,
    readonly hint: string,
  ) {
    super(text);
  }
}

function refuse(error: unknown): void {
  const words = t().shell;
  const known = error instanceof Refused;
  refusal = say("problem", known ? error.text : words.unreadable, {
    hint: known ? error.hint : words.unreadableHint,
  });
}

function replaces(): Promise<boolean> {
  const words = t().shell;
  return confirm({
    title: words.replaceTitle,
    text: [words.replaceText],
    yes: words.replaceYes,
    no: words.cancel,
    danger: true,
  });
}

async function read(file: Blob & { name?: string }, origin: Origin): Promise<Base | null> {
  const words = t().shell;
  if (file.size === 0) throw new Refused(words.emptyFile, words.emptyFileHint);
  if (file.size > READABLE) {
    throw new Refused(words.tooHeavy(megabytes(file.size)), words.tooHeavyHint);
  }
  const type = typeOf(new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  const bitmap = await decode(file, type);
  const name = file.name || `${words.pasted}.${ending(type)}`;
  const why = misfit(bitmap, file.size, limits.value);
  if (why && why !== "heavy") return scaleToFit(file, name, bitmap, why, origin, type);
  // A copy of the bytes: a file on a disk may change or go while it is worked on.
  const bytes = new Blob([await file.arrayBuffer()], { type });
  const id = await digest(bytes);
  // What the server has, a result of its own, need not be sent.
  if (why && !(await addressOf(id))) return scaleToFit(file, name, bitmap, why, origin, type);
  return {
    id,
    name,
    bytes,
    type,
    width: bitmap.width,
    height: bitmap.height,
    bitmap,
    origin,
  };
}

function typeOf(start: Uint8Array): PictureType {
  const words = t().shell;
  const kind = kindOf(start);
  if (kind?.startsWith("image/")) return kind as PictureType;
  const hints: Record<string, string> = {
    heic: words.heicHint,
    avif: words.avifHint,
    gif: words.gifHint,
    svg: words.svgHint,
    pdf: words.pdfHint,
    psd: words.psdHint,
  };
  throw new Refused(words.notPicture(kind?.toUpperCase() ?? ""), hints[kind ?? ""] ?? words.takes);
}

async function decode(file: Blob, type: PictureType): Promise<ImageBitmap> {
  const words = t().shell;
  try {
    // With its type named, since a file of the wrong ending comes with the wrong one.
    const typed = file.type === type ? file : file.slice(0, file.size, type);
    return await createImageBitmap(typed, { imageOrientation: "from-image" });
  } catch {
    if (type === "image/tiff") throw new Refused(words.tiff, words.tiffHint);
    throw new Refused(words.unreadable, words.unreadableHint);
  }
}

/** Offer a copy that fits; null: it was not wanted. */
async function scaleToFit(
  file: Blob,
  name: string,
  bitmap: ImageBitmap,
  why: Misfit,
  origin: Origin,
  type: PictureType,
): Promise<Base | null> {
  const words = t().shell;
  const { minSide, maxSide, maxBytes } = limits.value;
  const most = megabytes(maxBytes);
  const { width, height } = bitmap;
  if (why === "long") {
    bitmap.close();
    throw new Refused(words.tooLong(width, height), words.tooLongHint(minSide, maxSide));
  }
  const wish = fitted(bitmap, limits.value);
  const copy = await copyOf(type, wish, limits.value, drawing(bitmap));
  bitmap.close();
  if (!copy) throw new Refused(words.unreadable, words.tooHeavyHint);
  const [format, suffix] = copy.type === "image/jpeg" ? ["JPEG", "jpg"] : ["PNG", "png"];
  const scaled = copy.width !== width || copy.height !== height;
  const reason = {
    large: words.isLarge(width, height, maxSide),
    small: words.isSmall(width, height, minSide),
    heavy: words.isHeavy(megabytes(file.size), most),
  }[why];
  const wanted = await confirm({
    title: why === "small" ? words.smallTitle : words.largeTitle,
    text: [
      reason,
      words.offer(copy.width, copy.height, format, megabytes(copy.bytes.size)),
      ...(copy.instead ? [words.asJpeg(most)] : []),
      ...(copy.width < wish.width && why !== "heavy" ? [words.lighter(most)] : []),
    ],
    yes: scaled ? words.scaleTo(copy.width, copy.height) : words.takeCopy,
    no: words.cancel,
  });
  if (!wanted) return null;
  return {
    id: await digest(copy.bytes),
    name: name.replace(/(\.[A-Za-z0-9]{1,5})?$/, `-${copy.width}x${copy.height}.${suffix}`),
    bytes: copy.bytes,
    type: copy.type,
    width: copy.width,
    height: copy.height,
    bitmap: await createImageBitmap(copy.bytes),
    origin,
  };
}

/** "9.4", of bytes; never "0". */
function megabytes(bytes: number): string {
  const value = Math.max(0.1, bytes / 1024 / 1024);
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}
