/**
 * Grow and shrink by a disc, exactly: a pixel is taken when a marked one is within the radius
 * (Euclid). Two sweeps: columns give each pixel's distance to the nearest marked one above or below,
 * g; along rows such a pixel then reaches floor(sqrt(r^2 - g^2)) px to both sides. No pixel is
 * visited more than four times, whatever the radius.
 */
import type { Rect } from "../state/types";
import type { Levels } from "./plane";

/** A soft mask grows by this many of its levels; with fewer levels, by each of them. */
const MOST_LEVELS = 16;

/** Levels grown by `px`, or shrunk where it is negative. What is outside of the picture is neither. */
export function grow(levels: Levels, px: number, box: Rect): Uint8Array<ArrayBuffer> {
  const radius = Math.round(Math.abs(px));
  const out = levels.data.slice();
  if (radius === 0) return out;
  const steps = thresholds(levels.data);
  const sweep = new Sweep(levels, padded(levels, box, px < 0 ? 1 : radius), radius);
  if (px > 0) {
    // What is at least a level, grown, is at least that level.
    for (const step of steps) sweep.run(step, true, (level) => Math.max(level, step), out);
  } else {
    // What is below a level, grown, is below it: it falls to the level before.
    for (const [i, step] of [...steps.entries()].reverse()) {
      const lower = steps[i - 1] ?? 0;
      sweep.run(step, false, (level) => (level >= step ? lower : level), out);
    }
  }
  return out;
}

function padded({ width, height }: Levels, box: Rect, by: number): Rect {
  const x = Math.max(0, box.x - by);
  const y = Math.max(0, box.y - by);
  return {
    x,
    y,
    width: Math.min(width, box.x + box.width + by) - x,
    height: Math.min(height, box.y + box.height + by) - y,
  };
}

/** The levels to cut at, rising; 255 alone for a hard mask. */
function thresholds(data: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) seen[data[i] as number] = 1;
  const present: number[] = [];
  for (let level = 1; level < 256; level++) if (seen[level]) present.push(level);
  if (present.length <= MOST_LEVELS) return present;
  const steps: number[] = [];
  for (let i = 1; i <= MOST_LEVELS; i++) {
    steps.push(present[Math.ceil((i * present.length) / MOST_LEVELS) - 1] as number);
  }
  return steps;
}

/** The two sweeps over one area; keeps its memory from level to level. */
class Sweep {
  /** g of each pixel of the area; radius + 1 where it is more than the radius. */
  private readonly near: Uint16Array;
  /** How far a pixel reaches along its row, by g; nothing beyond the radius. */
  private readonly reach: Int32Array;

  constructor(
    private readonly levels: Levels,
    private readonly area: Rect,
    private readonly radius: number,
  ) {
    this.near = new Uint16Array(area.width * area.height);
    this.reach = Int32Array.from({ length: radius + 2 }, (_, g) =>
      g > radius ? -1 : Math.floor(Math.sqrt(radius * radius - g * g)),
    );
  }

  /**
   * Put through `to` every level of `out` that has, within the radius, a pixel of at least `step`
   * (or, with `over` false, of less).
   */
  run(step: number, over: boolean, to: (level: number) => number, out: Uint8Array): void {
    const become = Uint8Array.from({ length: 256 }, (_, level) => to(level));
    this.down(step, over);
    const { x: left, y: top, width, height } = this.area;
    for (let y = height - 1; y >= 0; y--) {
      if (y < height - 1) this.up(y * width);
      this.along(y * width, (top + y) * this.levels.width + left, become, out);
    }
  }

  private down(step: number, over: boolean): void {
    const { near, radius } = this;
    const { data, width: stride } = this.levels;
    const { x: left, y: top, width, height } = this.area;
    const far = radius + 1;
    for (let y = 0; y < height; y++) {
      const row = (top + y) * stride + left;
      const here = y * width;
      for (let x = 0; x < width; x++) {
        let distance = 0;
        if ((data[row + x] as number) >= step !== over) {
          distance = y === 0 ? far : (near[here + x - width] as number) + 1;
          if (distance > far) distance = far;
        }
        near[here + x] = distance;
      }
    }
  }

  private up(here: number): void {
    const { near } = this;
    const { width } = this.area;
    for (let i = here; i < here + width; i++) {
      const below = (near[i + width] as number) + 1;
      if (below < (near[i] as number)) near[i] = below;
    }
  }

  private along(here: number, row: number, become: Uint8Array, out: Uint8Array): void {
    const { near, reach } = this;
    const { width } = this.area;
    let end = -1; // the last pixel that something at the left reaches
    for (let x = 0; x < width; x++) {
      const to = x + (reach[near[here + x] as number] as number);
      if (to > end) end = to;
      if (x <= end) out[row + x] = become[out[row + x] as number] as number;
    }
    let start = width; // the first that something at the right reaches
    for (let x = width - 1; x >= 0; x--) {
      const to = x - (reach[near[here + x] as number] as number);
      if (to < start) start = to;
      if (x >= start) out[row + x] = become[out[row + x] as number] as number;
    }
  }
}
