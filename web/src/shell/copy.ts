/** A copy of a picture that the server takes: as large as it may be, in the fitting format. */
import type { PictureType } from "../state/types";
import { type Bounds, type Size, scaled } from "./fit";

export type CopyType = "image/jpeg" | "image/png";

export interface Copy extends Size {
  bytes: Blob;
  type: CopyType;
  /** As a PNG of this size it would be too heavy. */
  instead: boolean;
}

/** A picture drawn at some size, sRGB. */
export interface Drawn {
  /** Whether nothing is seen through. */
  opaque(): boolean;
  encode(type: CopyType): Promise<Blob>;
}

const QUALITY = 0.95;
const TRIES = 6;
/** Rows whose opacity is looked at, at a time: some megabytes of them. */
const BAND = 256;

/**
 * A copy of the size, or of less where its file would be too heavy; null: none is light enough.
 *
 * What was a JPEG becomes one. All else becomes a PNG, which keeps every pixel; where that is too
 * heavy a JPEG, if nothing is seen through; else a smaller PNG.
 */
export async function copyOf(
  from: PictureType,
  size: Size,
  bounds: Bounds,
  draw: (size: Size) => Drawn,
): Promise<Copy | null> {
  let type: CopyType = from === "image/jpeg" ? "image/jpeg" : "image/png";
  let instead = false;
  let at = size;
  let drawn = draw(at);
  for (let tries = 0; tries < TRIES; tries++) {
    const bytes = await drawn.encode(type);
    if (bytes.size <= bounds.maxBytes) return { ...at, bytes, type, instead };
    if (type === "image/png" && tries === 0 && drawn.opaque()) {
      type = "image/jpeg";
      instead = true;
      continue;
    }
    at = scaled(at, Math.sqrt(bounds.maxBytes / bytes.size) * 0.96, bounds);
    drawn = draw(at);
  }
  return null;
}

/** Draws a bitmap on a canvas of its own, which is sRGB unless it is told otherwise. */
export function drawing(bitmap: ImageBitmap): (size: Size) => Drawn {
  return ({ width, height }) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    return {
      opaque() {
        for (let top = 0; top < height; top += BAND) {
          const rows = Math.min(BAND, height - top);
          if (!isOpaque(context.getImageData(0, top, width, rows).data)) return false;
        }
        return true;
      },
      encode: (type) => canvas.convertToBlob({ type, quality: QUALITY }),
    };
  };
}

/** Whether every pixel of RGBA bytes is. */
export function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 255) return false;
  return true;
}
