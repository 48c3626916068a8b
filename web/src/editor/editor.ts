/** The painting table: mask and sketch of one picture, undo, camera, pointer and keys. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Point, Rect } from "../state/types";

export type Tool = "brush" | "eraser" | "lasso" | "rectangle" | "wand" | "fill" | "hand";
/** What tools draw on. */
export type Layer = "mask" | "sketch";

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

/** How much is marked. */
export interface Coverage {
  /** Pixels whose level is over 0. */
  marked: number;
  /** The smallest rectangle that holds them; null where there are none. */
  box: Rect | null;
  /** Whether there are levels between 0 and 255. */
  soft: boolean;
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

/** Tools that draw on the sketch layer; the others are for the mask. */
export const SKETCH_TOOLS: ReadonlySet<Tool> = new Set([
  "brush",
  "eraser",
  "lasso",
  "rectangle",
  "fill",
  "hand",
]);

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
  /** "light": white marks. "alpha": what is clear marks. "auto" finds out. */
  read: "auto" | "light" | "alpha";
  into: "replace" | "add" | "subtract";
}

export interface Saved {
  mask: Blob | null;
  sketch: Blob | null;
}

export class Editor {
  readonly tool = signal<Tool>("brush");
  readonly layer = signal<Layer>("mask");
  readonly brush = signal<BrushSettings>({ size: 64, softness: 0, pressure: true });
  /** How far a colour may be from the one that is touched, 0 to 255. */
  readonly tolerance = signal(24);
  /** Whether the wand takes what touches only, or the whole picture. */
  readonly contiguous = signal(true);
  /** Whether selecting tools (lasso, rectangle, wand, fill) take away instead of adding. */
  readonly subtract = signal(false);
  readonly showMask = signal(true);

  readonly camera: ReadonlySignal<Camera> = signal({ scale: 1, x: 0, y: 0 });
  readonly coverage: ReadonlySignal<Coverage> = signal({ marked: 0, box: null, soft: false });
  readonly hasSketch: ReadonlySignal<boolean> = signal(false);
  readonly canUndo: ReadonlySignal<boolean> = signal(false);
  readonly canRedo: ReadonlySignal<boolean> = signal(false);
  /** Counts the changes of mask and sketch; who keeps them listens. */
  readonly revision: ReadonlySignal<number> = signal(0);
  /** Where the pointer is over the picture, px. */
  readonly pointer: ReadonlySignal<Point | null> = signal(null);
  readonly comparison = signal<Comparison | null>(null);
  readonly inlays = signal<Inlay[]>([]);
  /** While true, a comparison shows `before` alone. */
  readonly peeking = signal(false);
  /** Whether something is being worked out: wand, fill, grow, import. */
  readonly working: ReadonlySignal<boolean> = signal(false);

  open(_picture: ImageBitmap | null): void {}
  undo(): void {}
  redo(): void {}
  clear(): void {}
  invert(): void {}
  selectAll(): void {}
  grow(_px: number): void {}
  clearSketch(): void {}
  zoomIn(): void {}
  zoomOut(): void {}
  fit(): void {}
  actualSize(): void {}
  zoomTo(_scale: number, _at?: Point): void {}
  panBy(_dx: number, _dy: number): void {}
  nudge(_dx: number, _dy: number): void {}
  stamp(): void {}
  cancelGesture(): void {}
  async maskBlob(): Promise<{ blob: Blob; soft: boolean } | null> {
    return null;
  }
  async sketchBlob(): Promise<Blob | null> {
    return null;
  }
  async importMask(_file: Blob, _how: MaskImport): Promise<Coverage> {
    return this.coverage.value;
  }
  async save(): Promise<Saved> {
    return { mask: null, sketch: null };
  }
  async restore(_saved: Saved): Promise<void> {}
}
