/** The heavy steps, as data: what a worker is asked, and what it answers. */
import type { Point } from "../state/types";
import { copyTile, makeDelta } from "./delta";
import { grow } from "./distance";
import { type Colours, enclosed, wand } from "./flood";
import { type Coverage, countTile, type Levels, Plane, tileRect, tilesIn } from "./plane";
import { polygon } from "./polygon";

/** How new pixels meet those that are there. */
export type Into = "add" | "subtract" | "replace";

export type Operation =
  | { kind: "clear" }
  | { kind: "all" }
  | { kind: "invert" }
  | { kind: "grow"; px: number }
  | { kind: "polygon"; points: Point[]; into: Into }
  | { kind: "wand"; at: Point; tolerance: number; contiguous: boolean; into: Into }
  | { kind: "fill"; at: Point; into: Into }
  | { kind: "lay"; levels: Uint8Array<ArrayBuffer>; into: Into };

export interface Outcome {
  data: Uint8Array<ArrayBuffer>;
  /** For undo; empty where nothing changed. */
  delta: Uint8Array<ArrayBuffer>;
  /** The tiles that changed, and what is in them now. */
  tiles: ReadonlyArray<readonly [number, Coverage]>;
}

/** Levels after an operation; `colours` is needed for the wand alone. */
export function perform(
  levels: Levels,
  operation: Operation,
  colours: Colours | null = null,
): Uint8Array<ArrayBuffer> {
  const { width, height, data } = levels;
  switch (operation.kind) {
    case "clear":
      return new Uint8Array(data.length);
    case "all":
      return new Uint8Array(data.length).fill(255);
    case "invert":
      return inverse(data);
    case "grow": {
      const plane = new Plane(width, height);
      plane.data = levels.data;
      plane.recount();
      const { box } = plane.coverage();
      return box ? grow(levels, operation.px, box) : data.slice();
    }
    case "polygon":
      return combine(data, polygon(width, height, operation.points), operation.into);
    case "wand": {
      if (!colours) throw new Error("The wand needs the picture's colours.");
      const taken = wand(colours, operation.at, operation.tolerance, operation.contiguous);
      return combine(data, taken, operation.into);
    }
    case "fill":
      return combine(data, enclosed(levels, operation.at), operation.into);
    case "lay":
      return combine(data, operation.levels, operation.into);
  }
}

/** What `perform` makes of the levels, and the delta to there. */
export function outcome(
  levels: Levels,
  operation: Operation,
  colours: Colours | null = null,
): Outcome {
  const data = perform(levels, operation, colours);
  const after = { width: levels.width, height: levels.height, data };
  const before = new Map<number, Uint8Array>();
  for (const tile of tilesIn(levels, { x: 0, y: 0, ...levels })) {
    if (differs(levels, after, tile)) before.set(tile, copyTile(levels, tile));
  }
  const tiles = [...before.keys()].map((tile) => [tile, countTile(after, tile)] as const);
  return { data, delta: makeDelta(after, before), tiles };
}

function differs(a: Levels, b: Levels, tile: number): boolean {
  const { x, y, width, height } = tileRect(a, tile);
  for (let row = y; row < y + height; row++) {
    const at = row * a.width;
    for (let i = at + x; i < at + x + width; i++) if (a.data[i] !== b.data[i]) return true;
  }
  return false;
}

function inverse(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = 255 - (data[i] as number);
  return out;
}

/** Lay new levels over old ones; adding keeps the higher, subtracting the lower. */
function combine(
  old: Uint8Array<ArrayBuffer>,
  taken: Uint8Array<ArrayBuffer>,
  into: Into,
): Uint8Array<ArrayBuffer> {
  if (into === "replace") return taken.slice();
  const out = new Uint8Array(old.length);
  for (let i = 0; i < out.length; i++) {
    const was = old[i] as number;
    const now = taken[i] as number;
    if (into === "add") out[i] = Math.max(now, was);
    else out[i] = Math.min(255 - now, was);
  }
  return out;
}
