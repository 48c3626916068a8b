/**
 * Strokes as capsules: the hull of two discs, exact, so a stroke has no scallops however fast the
 * hand is. Levels combine by maximum (an eraser's by minimum), so what overlaps does not add up.
 */
import type { Rect } from "../state/types";
import type { Levels } from "./plane";

/** A disc of the stroke: centre in px (a pixel's centre is at .5), radius in px. */
export interface Disc {
  x: number;
  y: number;
  radius: number;
}

export interface Ink {
  /** Width of the soft rim as a share of the radius, 0 to 1; 0 writes 0 and 255 only. */
  softness: number;
  erase: boolean;
}

/** Steps of the table of levels; the squared distance is its key, which saves a root a pixel. */
const STEPS = 4096;

/** Levels by (distance / radius)^2 * STEPS: full within `hard`, smooth at both ends of the rim. */
function fallOf(hard: number): Uint8Array {
  return Uint8Array.from({ length: STEPS + 1 }, (_, i) => {
    const t = Math.min(1, (1 - Math.sqrt(i / STEPS)) / (1 - hard));
    return Math.round(255 * t * t * (3 - 2 * t));
  });
}
const falls = new Map<number, Uint8Array>();

function fallFor(hard: number): Uint8Array {
  let fall = falls.get(hard);
  if (!fall) {
    if (falls.size > 32) falls.clear();
    fall = fallOf(hard);
    falls.set(hard, fall);
  }
  return fall;
}

/** The pixels that a capsule can touch. */
export function capsuleBox(levels: Levels, a: Disc, b: Disc): Rect | null {
  const left = Math.max(0, Math.floor(Math.min(a.x - a.radius, b.x - b.radius)));
  const top = Math.max(0, Math.floor(Math.min(a.y - a.radius, b.y - b.radius)));
  const right = Math.min(levels.width, Math.ceil(Math.max(a.x + a.radius, b.x + b.radius)));
  const bottom = Math.min(levels.height, Math.ceil(Math.max(a.y + a.radius, b.y + b.radius)));
  if (right <= left || bottom <= top) return null;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Draw the hull of two discs into the levels. */
export function drawCapsule(levels: Levels, a: Disc, b: Disc, ink: Ink): void {
  const box = capsuleBox(levels, a, b);
  if (!box) return;
  if (a !== b && Math.hypot(b.x - a.x, b.y - a.y) <= Math.abs(a.radius - b.radius)) {
    // One holds the other: there is no spine that a rim could lie along.
    drawCapsule(levels, a, a, ink);
    drawCapsule(levels, b, b, ink);
    return;
  }
  const outer = new Hull(a, b);
  const hard = 1 - Math.min(1, Math.max(0, ink.softness));
  const core = new Hull({ ...a, radius: a.radius * hard }, { ...b, radius: b.radius * hard });
  const full = ink.erase ? 0 : 255;
  const fall = fallFor(hard);
  for (let y = box.y; y < box.y + box.height; y++) {
    if (!outer.cut(y + 0.5)) continue;
    const from = firstCentre(outer.left, 0);
    const to = lastCentre(outer.right, levels.width);
    if (to <= from) continue;
    const row = y * levels.width;
    if (hard === 1) {
      levels.data.fill(full, row + from, row + to);
      continue;
    }
    const inside = hard > 0 && core.cut(y + 0.5);
    const coreFrom = inside ? Math.max(from, firstCentre(core.left, 0)) : to;
    const coreTo = inside ? Math.min(to, lastCentre(core.right, levels.width)) : to;
    if (coreTo > coreFrom) {
      shade(levels, row, y, from, coreFrom, a, b, ink.erase, fall);
      levels.data.fill(full, row + coreFrom, row + coreTo);
      shade(levels, row, y, coreTo, to, a, b, ink.erase, fall);
    } else {
      shade(levels, row, y, from, to, a, b, ink.erase, fall);
    }
  }
}

/** The first pixel whose centre is at or right of x. */
function firstCentre(x: number, least: number): number {
  return Math.max(least, Math.ceil(x - 0.5));
}

/** One past the last pixel whose centre is at or left of x. */
function lastCentre(x: number, most: number): number {
  return Math.min(most, Math.floor(x - 0.5) + 1);
}

/** Levels of a soft rim, by the distance to the capsule's spine. */
function shade(
  { data }: Levels,
  row: number,
  y: number,
  from: number,
  to: number,
  a: Disc,
  b: Disc,
  erase: boolean,
  fall: Uint8Array,
): void {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length2 = dx * dx + dy * dy;
  const along = length2 > 0 ? 1 / length2 : 0;
  const py = y + 0.5 - a.y;
  const flip = erase ? 255 : 0;
  for (let x = from; x < to; x++) {
    const old = (data[row + x] as number) ^ flip; // an eraser adds to what is not there
    if (old === 255) continue;
    const px = x + 0.5 - a.x;
    const t = Math.min(1, Math.max(0, (px * dx + py * dy) * along));
    const qx = px - t * dx;
    const qy = py - t * dy;
    const radius = a.radius + t * (b.radius - a.radius);
    const share = ((qx * qx + qy * qy) / (radius * radius)) * STEPS;
    if (share >= STEPS) continue;
    const level = fall[share | 0] as number;
    if (level > old) data[row + x] = level ^ flip;
  }
}

/** The hull of two discs, cut row by row. */
class Hull {
  left = 0;
  right = 0;
  /** The four points where the outer tangents touch, in order round the hull. */
  private readonly corners: ReadonlyArray<readonly [number, number]>;

  constructor(
    private readonly a: Disc,
    private readonly b: Disc,
  ) {
    const dx = b.x - a.x;
    const dy = b.y - a.y;
    const apart = Math.hypot(dx, dy);
    if (apart <= Math.abs(a.radius - b.radius)) {
      this.corners = []; // one disc holds the other
      return;
    }
    const cos = (a.radius - b.radius) / apart;
    const sin = Math.sqrt(1 - cos * cos);
    const [ux, uy] = [dx / apart, dy / apart];
    const [nx, ny] = [ux * cos - uy * sin, uy * cos + ux * sin];
    const [mx, my] = [ux * cos + uy * sin, uy * cos - ux * sin];
    this.corners = [
      [a.x + a.radius * nx, a.y + a.radius * ny],
      [b.x + b.radius * nx, b.y + b.radius * ny],
      [b.x + b.radius * mx, b.y + b.radius * my],
      [a.x + a.radius * mx, a.y + a.radius * my],
    ];
  }

  /** Set left and right to where the line at y enters and leaves; false: it passes by. */
  cut(y: number): boolean {
    this.left = Number.POSITIVE_INFINITY;
    this.right = Number.NEGATIVE_INFINITY;
    for (const disc of [this.a, this.b]) {
      const rise = y - disc.y;
      const half2 = disc.radius * disc.radius - rise * rise;
      if (half2 < 0) continue;
      const half = Math.sqrt(half2);
      this.left = Math.min(this.left, disc.x - half);
      this.right = Math.max(this.right, disc.x + half);
    }
    for (let i = 0; i < this.corners.length; i++) {
      const [x0, y0] = this.corners[i] as readonly [number, number];
      const [x1, y1] = this.corners[(i + 1) % 4] as readonly [number, number];
      if (y0 === y1 || y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
      const x = x0 + ((y - y0) / (y1 - y0)) * (x1 - x0);
      this.left = Math.min(this.left, x);
      this.right = Math.max(this.right, x);
    }
    return this.left <= this.right;
  }
}
