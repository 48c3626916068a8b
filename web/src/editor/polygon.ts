/** Shapes that are drawn round something. */
import type { Point, Rect } from "../state/types";

/** Corners of a rectangle between two points, as a polygon. */
export function cornersOf(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** The pixels whose centres lie in a closed polygon, even where it crosses itself: 255, else 0. */
export function polygon(
  width: number,
  height: number,
  points: readonly Point[],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(width * height);
  const edges = points.map((p, i) => [p, points[(i + 1) % points.length] as Point] as const);
  const box = boxOf(points);
  const first = Math.max(0, Math.ceil(box.y - 0.5));
  const last = Math.min(height - 1, Math.floor(box.y + box.height - 0.5));
  for (let y = first; y <= last; y++) {
    const middle = y + 0.5;
    const crossings: Array<{ x: number; turn: number }> = [];
    for (const [a, b] of edges) {
      if (a.y <= middle === b.y <= middle) continue;
      const x = a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x);
      crossings.push({ x, turn: a.y < b.y ? 1 : -1 });
    }
    crossings.sort((a, b) => a.x - b.x);
    let turns = 0;
    for (let i = 0; i + 1 < crossings.length; i++) {
      turns += (crossings[i] as { turn: number }).turn;
      if (turns === 0) continue; // outside
      const from = Math.max(0, Math.ceil((crossings[i] as { x: number }).x - 0.5));
      const to = Math.min(width, Math.ceil((crossings[i + 1] as { x: number }).x - 0.5));
      if (to > from) out.fill(255, y * width + from, y * width + to);
    }
  }
  return out;
}

function boxOf(points: readonly Point[]): Rect {
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const [x, y] = [least(xs), least(ys)];
  return { x, y, width: most(xs) - x, height: most(ys) - y };
}
