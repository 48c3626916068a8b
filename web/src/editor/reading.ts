/**
 * What a picture says as a mask. The rules, as the command line and the API have them where both can
 * read a file:
 *
 * - "light": a pixel's level is its smallest channel, laid over black where it is clear; white marks.
 * - "alpha": what is clear marks (as OpenAI's API has it), to the degree that it is clear.
 * - "auto": an opaque picture is read by light. One with clear parts: by opacity if what is opaque
 *   has one colour that is not dark (strokes on a clear canvas); by light if all of it is gray; else
 *   what is clear marks (a photograph with a hole, or black strokes as other programs mean them).
 *
 * Levels of 0 and 1 alone are 0 and 255. In a JPEG, levels under 16 and over 239 are 0 and 255.
 */
import type { Colours } from "./flood";
import type { Levels } from "./plane";

export type Reading = "auto" | "light" | "alpha";

/** Under this, a stroke's brightest channel is dark. */
const DARK = 64;
const LOSSY_LEVELS = 16;

/** Levels of a picture's pixels, read as a mask. */
export function readLevels(colours: Colours, read: Reading, lossy: boolean): Levels {
  const { width, height, data } = colours;
  const how = read === "auto" ? judge(data) : read;
  const levels = new Uint8Array(width * height);
  let most = 0;
  for (let i = 0; i < levels.length; i++) {
    const p = i * 4;
    const alpha = data[p + 3] as number;
    let level: number;
    if (how === "opacity") level = alpha;
    else if (how === "alpha") level = 255 - alpha;
    else {
      const least = Math.min(data[p] as number, data[p + 1] as number, data[p + 2] as number);
      level = Math.round((least * alpha) / 255);
    }
    levels[i] = level;
    if (level > most) most = level;
  }
  if (most === 1) for (let i = 0; i < levels.length; i++) levels[i] = (levels[i] as number) * 255;
  if (lossy) {
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as number;
      if (level < LOSSY_LEVELS) levels[i] = 0;
      else if (level > 255 - LOSSY_LEVELS) levels[i] = 255;
    }
  }
  return { width, height, data: levels };
}

function judge(data: Colours["data"]): "light" | "alpha" | "opacity" {
  let clear = false;
  let gray = true;
  let one = true;
  let first = -1;
  for (let p = 0; p < data.length; p += 4) {
    const alpha = data[p + 3] as number;
    if (alpha < 255) clear = true;
    if (alpha < 250) continue; // colours of half-clear pixels are rounded
    const [r, g, b] = [data[p] as number, data[p + 1] as number, data[p + 2] as number];
    if (r !== g || g !== b) gray = false;
    if (first < 0) first = p;
    else if (one) one = r === data[first] && g === data[first + 1] && b === data[first + 2];
    if (clear && !gray && !one) return "alpha";
  }
  if (!clear) return "light";
  if (first < 0) return "alpha";
  const bright = Math.max(
    data[first] as number,
    data[first + 1] as number,
    data[first + 2] as number,
  );
  if (one) return bright >= DARK ? "opacity" : "alpha";
  return gray ? "light" : "alpha";
}

/** Whether two sizes have one aspect, but for rounding to whole pixels. */
export function sameAspect(
  a: { width: number; height: number },
  b: { width: number; height: number },
): boolean {
  const width = (a.width * b.height) / a.height;
  const height = (a.height * b.width) / a.width;
  return Math.abs(width - b.width) <= 1 || Math.abs(height - b.height) <= 1;
}

/**
 * Levels of another size: nearest for hard ones, which stay hard; for soft ones between the four
 * nearest.
 */
export function scaleLevels(levels: Levels, width: number, height: number): Levels {
  if (levels.width === width && levels.height === height) return levels;
  const { data } = levels;
  const soft = data.some((level) => level !== 0 && level !== 255);
  const out = new Uint8Array(width * height);
  const sx = levels.width / width;
  const sy = levels.height / height;
  for (let y = 0; y < height; y++) {
    const v = (y + 0.5) * sy;
    for (let x = 0; x < width; x++) {
      const u = (x + 0.5) * sx;
      out[y * width + x] = soft
        ? between(levels, u - 0.5, v - 0.5)
        : (data[Math.floor(v) * levels.width + Math.floor(u)] as number);
    }
  }
  return { width, height, data: out };
}

function between({ data, width, height }: Levels, u: number, v: number): number {
  const x0 = Math.max(0, Math.floor(u));
  const y0 = Math.max(0, Math.floor(v));
  const x1 = Math.min(width - 1, x0 + 1);
  const y1 = Math.min(height - 1, y0 + 1);
  const fx = Math.min(1, Math.max(0, u - x0));
  const fy = Math.min(1, Math.max(0, v - y0));
  const top = (data[y0 * width + x0] as number) * (1 - fx) + (data[y0 * width + x1] as number) * fx;
  const foot =
    (data[y1 * width + x0] as number) * (1 - fx) + (data[y1 * width + x1] as number) * fx;
  return Math.round(top * (1 - fy) + foot * fy);
}
