/** One layer of levels, kept with what is known of each of its tiles. */
import type { Rect } from "../state/types";

/** Side of a tile, px: the piece that undo keeps and counts are made of. */
export const TILE = 256;

/** How much is marked. */
export interface Coverage {
  /** Pixels whose level is over 0. */
  marked: number;
  /** The smallest rectangle that holds them; null where there are none. */
  box: Rect | null;
  /** Whether there are levels between 0 and 255. */
  soft: boolean;
}

export const NOTHING: Coverage = { marked: 0, box: null, soft: false };

/** Levels 0 to 255 of a picture's pixels, row by row. */
export interface Levels {
  readonly width: number;
  readonly height: number;
  data: Uint8Array<ArrayBuffer>;
}

/** Numbers of the tiles that touch a rectangle, row by row. */
export function* tilesIn(size: { width: number; height: number }, rect: Rect): Generator<number> {
  const columns = Math.ceil(size.width / TILE);
  const left = Math.max(0, Math.floor(rect.x / TILE));
  const top = Math.max(0, Math.floor(rect.y / TILE));
  const right = Math.min(size.width, rect.x + rect.width);
  const bottom = Math.min(size.height, rect.y + rect.height);
  for (let row = top; row * TILE < bottom; row++) {
    for (let column = left; column * TILE < right; column++) yield row * columns + column;
  }
}

/** Where a tile lies; those at the right and the foot are cut. */
export function tileRect(size: { width: number; height: number }, tile: number): Rect {
  const columns = Math.ceil(size.width / TILE);
  const x = (tile % columns) * TILE;
  const y = Math.floor(tile / columns) * TILE;
  return { x, y, width: Math.min(TILE, size.width - x), height: Math.min(TILE, size.height - y) };
}

export class Plane implements Levels {
  data: Uint8Array<ArrayBuffer>;
  private readonly tiles: Coverage[];
  /** Tiles that may hold something, also while they are not counted yet. */
  private readonly live: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8Array(width * height);
    const count = Math.ceil(width / TILE) * Math.ceil(height / TILE);
    this.tiles = new Array<Coverage>(count).fill(NOTHING);
    this.live = new Uint8Array(count);
  }

  get tileCount(): number {
    return this.tiles.length;
  }

  /** Take tiles' counts anew, after their pixels changed; all of them by default. */
  recount(tiles: Iterable<number> = this.tiles.keys()): void {
    for (const tile of tiles) this.tell(tile, countTile(this, tile));
  }

  /** A tile's counts, taken elsewhere. */
  tell(tile: number, counted: Coverage): void {
    this.tiles[tile] = counted;
    this.live[tile] = counted.marked > 0 ? 1 : 0;
  }

  /** A tile is being drawn on. */
  touch(tile: number): void {
    this.live[tile] = 1;
  }

  /** Whether a part certainly holds nothing. */
  blank(rect: Rect): boolean {
    for (const tile of tilesIn(this, rect)) if (this.live[tile] !== 0) return false;
    return true;
  }

  /** What the tiles add up to. */
  coverage(): Coverage {
    let marked = 0;
    let soft = false;
    let box: Rect | null = null;
    for (const tile of this.tiles) {
      if (!tile.box) continue;
      marked += tile.marked;
      soft ||= tile.soft;
      box = box ? union(box, tile.box) : tile.box;
    }
    return { marked, box, soft };
  }
}

/** What is marked of a tile. */
export function countTile(levels: Levels, tile: number): Coverage {
  const { data, width } = levels;
  const rect = tileRect(levels, tile);
  const right = rect.x + rect.width;
  const bottom = rect.y + rect.height;
  let marked = 0;
  let soft = false;
  let [x0, y0, x1, y1] = [right, bottom, rect.x, rect.y];
  for (let y = rect.y; y < bottom; y++) {
    const row = y * width;
    let first = -1;
    let last = -1;
    for (let x = rect.x; x < right; x++) {
      const level = data[row + x] as number;
      if (level === 0) continue;
      marked++;
      if (level !== 255) soft = true;
      if (first < 0) first = x;
      last = x;
    }
    if (first < 0) continue;
    if (first < x0) x0 = first;
    if (last >= x1) x1 = last + 1;
    if (y < y0) y0 = y;
    y1 = y + 1;
  }
  if (marked === 0) return NOTHING;
  return { marked, soft, box: { x: x0, y: y0, width: x1 - x0, height: y1 - y0 } };
}

/** The smallest rectangle that holds both. */
export function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** What both hold, or null. */
export function intersection(a: Rect, b: Rect): Rect | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}
