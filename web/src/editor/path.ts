/**
 * The hand's way as a smooth one: quadratic curves between the middles of what the pointer reports,
 * cut into short straight pieces.
 */
import type { Disc } from "./stroke";

export class Path {
  private last: Disc; // the newest report
  private end: Disc; // how far pieces were given out

  constructor(start: Disc) {
    this.last = start;
    this.end = start;
  }

  /** Pieces that a further report adds. */
  add(next: Disc): Array<[Disc, Disc]> {
    const middle = between(this.last, next, 0.5);
    const pieces = curve(this.end, this.last, middle);
    this.last = next;
    this.end = middle;
    return pieces;
  }

  /** The rest of the way, up to the newest report. */
  finish(): Array<[Disc, Disc]> {
    const rest: Array<[Disc, Disc]> = [[this.end, this.last]];
    this.end = this.last;
    return rest;
  }
}

function between(a: Disc, b: Disc, t: number): Disc {
  return {
    x: a.x + (b.x - a.x) * t,
    y: a.y + (b.y - a.y) * t,
    radius: a.radius + (b.radius - a.radius) * t,
  };
}

/** Straight pieces of a quadratic curve; more of them the more it bends. */
function curve(a: Disc, control: Disc, b: Disc): Array<[Disc, Disc]> {
  const bend = Math.hypot(a.x - 2 * control.x + b.x, a.y - 2 * control.y + b.y);
  // A piece is off the curve by bend / (4 n^2); a quarter of a pixel is not seen.
  const count = Math.min(32, Math.max(1, Math.ceil(Math.sqrt(bend))));
  const pieces: Array<[Disc, Disc]> = [];
  let from = a;
  for (let i = 1; i <= count; i++) {
    const t = i / count;
    const to = between(between(a, control, t), between(control, b, t), t);
    pieces.push([from, to]);
    from = to;
  }
  return pieces;
}
