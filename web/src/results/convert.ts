/** A result as PNG, JPEG or WebP: by the server where it still has it, else here. */
import { fetchResult, getTask } from "../runs/api";
import type { Result, Run } from "../state/types";
import { jpegWith, provenanceOf, webpWith } from "./provenance";

export const FORMATS = ["png", "jpeg", "webp"] as const;
export type Format = (typeof FORMATS)[number];
export const ENDINGS: Record<Format, string> = { png: "png", jpeg: "jpg", webp: "webp" };

export interface Converted {
  bytes: Blob;
  /** Whether the file says what made it. */
  provenance: boolean;
}

/** Longer than that, this page converts it itself. */
const SERVER_MS = 20_000;

/** `quality` is 1 to 100; PNG is the file as it was answered. Throws where nobody can write it. */
export async function convert(
  run: Run,
  result: Result,
  format: Format,
  quality: number,
  signal: AbortSignal,
): Promise<Converted> {
  const { bytes } = result;
  if (!bytes) throw new Error("no picture");
  if (format === "png") {
    const file = new Uint8Array(await bytes.arrayBuffer());
    return { bytes, provenance: (await provenanceOf(file)) !== null };
  }
  const made = await byServer(run, result, format, quality, signal).catch(() => null);
  signal.throwIfAborted();
  return made ?? here(bytes, format, quality);
}

async function byServer(
  run: Run,
  result: Result,
  format: Format,
  quality: number,
  signal: AbortSignal,
): Promise<Converted | null> {
  // Tasks and their files are gone after a day.
  if (!run.taskId || Date.now() - (run.ended ?? 0) > 86_400_000) return null;
  const output = await getTask(run.taskId, { signal, tries: 1, timeout_ms: 5000 });
  const url = output.results?.[result.index]?.url;
  if (!url) return null;
  const query = `${url.includes("?") ? "&" : "?"}format=${format}&quality=${quality}`;
  const file = await fetchResult(url + query, { signal, tries: 1, timeout_ms: SERVER_MS });
  const type = `image/${format}`;
  return file.type === type ? { bytes: file, provenance: true } : null;
}

async function here(png: Blob, format: Format, quality: number): Promise<Converted> {
  const packet = await provenanceOf(new Uint8Array(await png.arrayBuffer()));
  const bitmap = await createImageBitmap(png);
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  if (format === "jpeg") {
    // It has no alpha: over white, as the server does it.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const type = `image/${format}`;
  const file = await canvas.convertToBlob({ type, quality: quality / 100 });
  if (file.type !== type) throw new Error(`this browser writes no ${format}`);
  if (!packet) return { bytes: file, provenance: false };
  const plain = new Uint8Array(await file.arrayBuffer());
  const told = format === "jpeg" ? jpegWith(plain, packet) : webpWith(plain, packet, width, height);
  return { bytes: new Blob([told ?? plain], { type }), provenance: told !== null };
}
