/** What a touch takes: by colour (wand), or what lines enclose (fill). */
import type { Point } from "../state/types";
import type { Levels } from "./plane";

/** A picture's colours: red, green, blue, alpha, 0 to 255. */
export interface Colours {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Levels from here on are a line that a fill does not cross. */
const LINE = 128;

/**
 * Pixels whose colour is at most `tolerance` from the touched one's in each channel; with
 * `contiguous`, those that touch it side by side. 255 where taken, else 0.
 */
export function wand(
  colours: Colours,
  at: Point,
  tolerance: number,
  contiguous: boolean,
): Uint8Array<ArrayBuffer> {
  const { width, height, data } = colours;
  const out = new Uint8Array(width * height);
  const seed = (Math.floor(at.y) * width + Math.floor(at.x)) * 4;
  const [r, g, b, a] = data.subarray(seed, seed + 4) as unknown as [number, number, number, number];
  const like = (pixel: number) => {
    const i = pixel * 4;
    return (
      Math.abs((data[i] as number) - r) <= tolerance &&
      Math.abs((data[i + 1] as number) - g) <= tolerance &&
      Math.abs((data[i + 2] as number) - b) <= tolerance &&
      Math.abs((data[i + 3] as number) - a) <= tolerance
    );
  };
  if (contiguous) {
    flood(width, height, at, like, out);
  } else {
    for (let i = 0; i < out.length; i++) if (like(i)) out[i] = 255;
  }
  return out;
}

/**
 * The unmarked region around a point, up to the lines that enclose it; or the marked one where the
 * point is marked. A line's soft rim on this side is taken with it, up to its ridge.
 */
export function enclosed(levels: Levels, at: Point): Uint8Array<ArrayBuffer> {
  const { width, height, data } = levels;
  const out = new Uint8Array(width * height);
  const seed = data[Math.floor(at.y) * width + Math.floor(at.x)] as number;
  if (seed >= LINE) {
    flood(width, height, at, (i) => (data[i] as number) > 0, out);
    return out;
  }
  flood(width, height, at, (i) => (data[i] as number) < LINE, out);
  climb(levels, out);
  return out;
}

/** Take the rims: from what is taken, on to neighbours of a higher level that is not yet full. */
function climb({ width, height, data }: Levels, out: Uint8Array): void {
  const stack: number[] = [];
  const look = (from: number, to: number) => {
    const level = data[to] as number;
    if (out[to] === 0 && level < 255 && level > (data[from] as number)) {
      out[to] = 255;
      stack.push(to);
    }
  };
  const around = (i: number) => {
    const x = i % width;
    if (x > 0) look(i, i - 1);
    if (x < width - 1) look(i, i + 1);
    if (i >= width) look(i, i - width);
    if (i < width * (height - 1)) look(i, i + width);
  };
  for (let i = 0; i < out.length; i++) {
    if (out[i] !== 0 && (data[i] as number) > 0) around(i);
  }
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) around(i);
}

/** Scan lines: runs are taken whole, and one seed a run is kept for the rows beside. */
function flood(
  width: number,
  height: number,
  at: Point,
  take: (pixel: number) => boolean,
  out: Uint8Array,
): void {
  const stack: number[] = [Math.floor(at.y) * width + Math.floor(at.x)];
  for (let seed = stack.pop(); seed !== undefined; seed = stack.pop()) {
    if (out[seed] !== 0 || !take(seed)) continue;
    const row = seed - (seed % width);
    let left = seed;
    while (left > row && out[left - 1] === 0 && take(left - 1)) left--;
    let right = seed;
    while (right < row + width - 1 && out[right + 1] === 0 && take(right + 1)) right++;
    out.fill(255, left, right + 1);
    for (const beside of [-width, width]) {
      if (row + beside < 0 || row + beside >= width * height) continue;
      let inside = false;
      for (let i = left + beside; i <= right + beside; i++) {
        const fits = out[i] === 0 && take(i);
        if (fits && !inside) stack.push(i);
        inside = fits;
      }
    }
  }
}
