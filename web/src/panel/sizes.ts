/** Sizes of the result: presets by shape, and what of the picture a size keeps. */
import type { Limits, Rect } from "../state/types";

export interface Size {
  width: number;
  height: number;
}

/** Width to height, and the size that is usual for it. */
export const SHAPES: ReadonlyArray<Size & { shape: string }> = [
  { shape: "1:1", width: 1024, height: 1024 },
  { shape: "4:3", width: 1152, height: 864 },
  { shape: "3:4", width: 864, height: 1152 },
  { shape: "3:2", width: 1216, height: 811 },
  { shape: "2:3", width: 811, height: 1216 },
  { shape: "16:9", width: 1280, height: 720 },
  { shape: "9:16", width: 720, height: 1280 },
];

/** Shares of the picture's own size that are offered. */
export const SCALES = [0.5, 2] as const;

/** The whole picture, larger or smaller; null where a side would be out of range. */
export function scaledSize(picture: Size, scale: number, limits: Limits): Size | null {
  const size = {
    width: Math.round(picture.width * scale),
    height: Math.round(picture.height * scale),
  };
  return inRange(size, limits) ? size : null;
}

export function inRange(size: Size, limits: Limits): boolean {
  return [size.width, size.height].every(
    (side) => Number.isInteger(side) && side >= limits.minSide && side <= limits.maxSide,
  );
}

/** Reads "WIDTH*HEIGHT"; null for "original" and what is no size. */
export function readSize(text: string): Size | null {
  const parts = /^(\d{1,6})\*(\d{1,6})$/.exec(text);
  return parts ? { width: Number(parts[1]), height: Number(parts[2]) } : null;
}

export const writeSize = (size: Size): string => `${size.width}*${size.height}`;

export interface Crop {
  /** The part of the picture that is kept, px of the picture. */
  kept: Rect;
  /** By how much that part is scaled. */
  scale: number;
  /** Share of the picture's width, of its height, that is cut off; 0 to 1. */
  cutX: number;
  cutY: number;
}

/**
 * What the server makes of a size: the picture is scaled to cover it and cropped, the marked
 * part in the middle as far as the picture goes.
 */
export function cropTo(picture: Size, marked: Rect | null, size: Size): Crop {
  const scale = Math.max(size.width / picture.width, size.height / picture.height);
  const inner = marked ?? { x: 0, y: 0, ...picture };
  const [x, width] = span(inner.x, inner.width, size.width / scale, picture.width);
  const [y, height] = span(inner.y, inner.height, size.height / scale, picture.height);
  const cut = (kept: number, whole: number) => (whole - kept > 1 ? 1 - kept / whole : 0);
  return {
    kept: { x, y, width, height },
    scale,
    cutX: cut(width, picture.width),
    cutY: cut(height, picture.height),
  };
}

function span(start: number, length: number, wanted: number, limit: number): [number, number] {
  const kept = Math.min(Math.max(1, Math.round(wanted)), limit);
  const first = Math.round(start + length / 2 - kept / 2);
  return [Math.min(Math.max(0, first), limit - kept), kept];
}
