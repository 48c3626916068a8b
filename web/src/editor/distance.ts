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
  const erode = px < 0;
  const out = levels.data.slice();
  if (radius === 0) return out;
  const area = padded(levels, box, erode ? 1 : radius);
  const steps = thresholds(levels.data);
  if (erode) shrinkInto(out, levels, area, radius, steps);
  else growInto(out, levels, area, radius, steps);
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

/** What is at least a level, grown, is at least that level. */
function growInto(
  out: Uint8Array,
  levels: Levels,
  area: Rect,
  radius: number,
  steps: readonly number[],
): void {
  const sweep = new Sweep(area, radius);
  for (const step of steps) {
    sweep.run(
      (at) => (levels.data[at] as number) >= step,
      levels.width,
      (at) => {
        if ((out[at] as number) < step) out[at] = step;
      },
    );
  }
}

/** What is below a level, grown, is below it: it falls to the level before. */
function shrinkInto(
  out: Uint8Array,
  levels: Levels,
  area: Rect,
  radius: number,
  steps: readonly number[],
): void {
  const sweep = new Sweep(area, radius);
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as number;
    const lower = i > 0 ? (steps[i - 1] as number) : 0;
    sweep.run(
      (at) => (levels.data[at] as number) < step,
      levels.width,
      (at) => {
        if ((out[at] as number) >= step) out[at] = lower;
      },
    );
  }
}

/** The two sweeps over one area; keeps its memory from level to level. */
class Sweep {
  private readonly near: Uint16Array;
  private readonly reach: Int32Array;

  constructor(
    private readonly area: Rect,
    private readonly radius: number,
  ) {
    this.near = new Uint16Array(area.width * area.height);
    this.reach = Int32Array.from({ length: radius + 2 }, (_, g) =>
      g > radius ? -1 : Math.floor(Math.sqrt(radius * radius - g * g)),
    );
  }

  /** Call `take` with every pixel that has one of `source` within the radius. */
  run(source: (at: number) => boolean, stride: number, take: (at: number) => void): void {
    const { area, near, reach, radius } = this;
    const { width, height } = area;
    const far = radius + 1;
    for (let y = 0; y < height; y++) {
      const row = (area.y + y) * stride + area.x;
      const here = y * width;
      for (let x = 0; x < width; x++) {
        const above = y > 0 ? (near[here + x - width] as number) + 1 : far;
        near[here + x] = source(row + x) ? 0 : Math.min(above, far);
      }
    }
    for (let y = height - 1; y >= 0; y--) {
      const row = (area.y + y) * stride + area.x;
      const here = y * width;
      if (y < height - 1) {
        for (let x = 0; x < width; x++) {
          const below = (near[here + x + width] as number) + 1;
          if (below < (near[here + x] as number)) near[here + x] = below;
        }
      }
      let end = -1; // the last pixel that something at the left reaches
      for (let x = 0; x < width; x++) {
        const to = reach[near[here + x] as number] as number;
        if (to >= 0 && x + to > end) end = x + to;
        if (x <= end) take(row + x);
      }
      let start = width; // the first that something at the right reaches
      for (let x = width - 1; x >= 0; x--) {
        const to = reach[near[here + x] as number] as number;
        if (to >= 0 && x - to < start) start = x - to;
        if (x >= start) take(row + x);
      }
    }
  }
}
