/**
 * How marks look: a piece of the layers as texels of the overlay, whose size is about a device
 * pixel at any zoom, so that lines and hatching stay as thin as they are.
 *
 * Marked parts are tinted and hatched, and their edge is a light line beside a dark one: it is seen
 * on any picture and without telling colours apart. The sketch is ink with a light rim.
 */
import type { Levels } from "./plane";

export type Rgb = readonly [number, number, number];

export interface Tints {
  mark: Rgb;
  light: Rgb;
  dark: Rgb;
  ink: Rgb;
}

/** Texels of a tile's side; with a rim of one more around, for the edges. */
export const TEXELS = 256;
export const RIMMED = TEXELS + 2;

/** A level from here on is marked. */
const EDGE = 128;
/** Texels from one line of the hatching to the next. */
const HATCH = 11;
const TINT_ALPHA = 0.4;
const HATCH_ALPHA = 0.52;
const LINE_ALPHA = 0.95;
/** Points that a texel averages over, a side. */
const POINTS = 4;

/** Texels of a part of a tile: columns and rows from `left`, `top`, and up to `right`, `bottom`. */
export interface Part {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Levels as texels: texel (u, v) covers 2^level px of the picture's side from (u, v) * 2^level on.
 * Fills `out`, RIMMED wide, for the part and one texel around it; what is outside of the picture is
 * as its nearest pixel. Returns whether any is over 0.
 */
export function sample(
  levels: Levels,
  level: number,
  origin: { u: number; v: number },
  part: Part,
  out: Uint8Array,
): boolean {
  const { width, height, data } = levels;
  const size = 2 ** level;
  const points = level > 0 ? Math.min(size, POINTS) : 1;
  const step = size / points;
  const columns = new Int32Array((part.right - part.left + 2) * points);
  for (let i = 0; i < columns.length; i++) {
    const u = origin.u + part.left - 1 + Math.floor(i / points);
    columns[i] = clamp(Math.floor(u * size + (i % points) * step), width - 1);
  }
  let any = 0;
  for (let v = part.top - 1; v <= part.bottom; v++) {
    let at = (v + 1) * RIMMED + part.left;
    const y = (origin.v + v) * size;
    if (points === 1) {
      const row = clamp(Math.floor(y), height - 1) * width;
      for (let i = 0; i < columns.length; i++, at++) {
        const value = data[row + (columns[i] as number)] as number;
        out[at] = value;
        any |= value;
      }
      continue;
    }
    const rows = Array.from({ length: points }, (_, i) => clamp(y + i * step, height - 1) * width);
    for (let i = 0; i < columns.length; i += points, at++) {
      let sum = 0;
      for (let r = 0; r < points; r++) {
        const row = rows[r] as number;
        for (let c = 0; c < points; c++) sum += data[row + (columns[i + c] as number)] as number;
      }
      out[at] = (sum + points) / (points * points);
      any |= sum;
    }
  }
  return any !== 0;
}

/** Colours of a part of a tile, from samples of the mask (null: hidden) and of the sketch. */
export function shade(
  mask: Uint8Array | null,
  ink: Uint8Array | null,
  origin: { u: number; v: number },
  part: Part,
  tints: Tints,
  out: Uint8ClampedArray,
): void {
  for (let v = part.top; v < part.bottom; v++) {
    let at = (v + 1) * RIMMED + part.left + 1;
    let to = (v * TEXELS + part.left) * 4;
    for (let u = part.left; u < part.right; u++, at++, to += 4) {
      let colour: Rgb = tints.mark;
      let alpha = 0;
      if (mask) {
        const level = mask[at] as number;
        if (level >= EDGE) {
          if (beside(mask, at, EDGE, false)) [colour, alpha] = [tints.light, LINE_ALPHA];
          else alpha = TINT_ALPHA;
        } else if (beside(mask, at, EDGE, true)) [colour, alpha] = [tints.dark, LINE_ALPHA];
        else alpha = (TINT_ALPHA * level) / 255;
        if (colour === tints.mark && level > 0 && hatched(origin.u + u, origin.v + v)) {
          alpha = (HATCH_ALPHA * level) / 255;
          colour = tints.light;
        }
      }
      if (ink) {
        const level = (ink[at] as number) / 255;
        const rim = level < 0.5 && beside(ink, at, EDGE, true);
        if (level > 0 || rim) {
          const under = rim ? Math.max(alpha, 0.7) * (1 - level) : alpha * (1 - level);
          const below = rim ? tints.light : colour;
          const whole = level + under;
          out[to] = (tints.ink[0] * level + below[0] * under) / whole;
          out[to + 1] = (tints.ink[1] * level + below[1] * under) / whole;
          out[to + 2] = (tints.ink[2] * level + below[2] * under) / whole;
          out[to + 3] = whole * 255;
          continue;
        }
      }
      out[to] = colour[0];
      out[to + 1] = colour[1];
      out[to + 2] = colour[2];
      out[to + 3] = alpha * 255;
    }
  }
}

/** Whether one of the four texels beside is at least a level (or, with `over` false, under it). */
function beside(from: Uint8Array, at: number, level: number, over: boolean): boolean {
  return (
    (from[at - 1] as number) >= level === over ||
    (from[at + 1] as number) >= level === over ||
    (from[at - RIMMED] as number) >= level === over ||
    (from[at + RIMMED] as number) >= level === over
  );
}

function hatched(u: number, v: number): boolean {
  return (u + v) % HATCH === 0;
}

function clamp(value: number, most: number): number {
  return value < 0 ? 0 : Math.min(value, most);
}
