/** What the server takes of sizes, and the nearest size that it does take. */
import type { Limits } from "../state/types";

export interface Size {
  width: number;
  height: number;
}

export type Misfit = "large" | "small" | "long" | "heavy";

export type Bounds = Pick<Limits, "minSide" | "maxSide" | "maxBytes">;

/** Why a picture cannot be sent as it is; null: it can. "long": no scale makes it fit. */
export function misfit(size: Size, bytes: number, limits: Bounds): Misfit | null {
  const long = Math.max(size.width, size.height);
  const short = Math.min(size.width, size.height);
  if (long / short > limits.maxSide / limits.minSide) return "long";
  if (long > limits.maxSide) return "large";
  if (short < limits.minSide) return "small";
  return bytes > limits.maxBytes ? "heavy" : null;
}

/** The nearest size of the same shape whose sides are allowed; the shape may be off by a pixel. */
export function fitted(size: Size, limits: Bounds): Size {
  const long = Math.max(size.width, size.height);
  const short = Math.min(size.width, size.height);
  let scale = 1;
  if (long > limits.maxSide) scale = limits.maxSide / long;
  else if (short < limits.minSide) scale = limits.minSide / short;
  return scaled(size, scale, limits);
}

/** `size` times `scale`, whole pixels, within the limits. */
export function scaled(size: Size, scale: number, limits: Bounds): Size {
  const side = (value: number) =>
    Math.min(limits.maxSide, Math.max(limits.minSide, Math.round(value * scale)));
  return { width: side(size.width), height: side(size.height) };
}
