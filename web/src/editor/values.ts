/** What the editor is told and tells. */
import type { Point, Rect } from "../state/types";

export type { Coverage } from "./plane";

export type Tool = "brush" | "eraser" | "lasso" | "rectangle" | "wand" | "fill" | "hand";
/** What tools draw on. */
export type Layer = "mask" | "sketch";

/** Tools that draw on the sketch layer; the others are for the mask. */
export const SKETCH_TOOLS: ReadonlySet<Tool> = new Set([
  "brush",
  "eraser",
  "lasso",
  "rectangle",
  "fill",
  "hand",
]);

export interface BrushSettings {
  /** Diameter in the picture's px, 1 to 1000. */
  size: number;
  /** Width of the soft rim as a share of the radius, 0 to 1. */
  softness: number;
  /** Whether a pen's pressure changes the size. */
  pressure: boolean;
}

/** Where the picture lies in the view: view px = picture px * scale + (x, y); CSS px. */
export interface Camera {
  scale: number;
  x: number;
  y: number;
}

/** Two pictures of the same size, looked at beside each other. */
export interface Comparison {
  after: ImageBitmap;
  /** Share of the width that shows `before`, the picture itself; 0 shows `after` alone. */
  split: number;
}

/** A painting under way, drawn over the picture. */
export interface Inlay {
  image: ImageBitmap;
  box: Rect;
}

/** A report of the hand: where it is over the picture, and how hard a pen presses (1: no pen). */
export interface Sample extends Point {
  pressure: number;
}

/** How a gesture begins. */
export interface Press {
  /** Take away instead of adding, or the other way round. */
  opposite?: boolean;
  /** A pen's other end, or the right button: erase. */
  erase?: boolean;
  /** A straight line from where the last stroke ended. */
  line?: boolean;
}

export type MaskErrorCode = "unreadable" | "empty" | "aspect";

/** Why a file is no mask for this picture; `width` and `height` are the file's. */
export class MaskError extends Error {
  constructor(
    readonly code: MaskErrorCode,
    readonly width = 0,
    readonly height = 0,
  ) {
    super(code);
    this.name = "MaskError";
  }
}

export interface MaskImport {
  /** "light": white marks. "alpha": what is clear marks. "auto" finds out. See reading.ts. */
  read: "auto" | "light" | "alpha";
  into: "replace" | "add" | "subtract";
}

/** Gray PNGs of the picture's size; null: nothing there. */
export interface Saved {
  mask: Blob | null;
  sketch: Blob | null;
}
