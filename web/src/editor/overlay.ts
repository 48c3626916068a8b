/** What is marked and sketched, as tiles for the screen, made when they are first seen. */
import type { Rect } from "../state/types";
import { intersection, type Plane, union } from "./plane";
import { type Part, RIMMED, sample, shade, TEXELS, type Tints } from "./tint";

/** Tiles that are kept; a 4K screen shows about 150. */
const MOST_TILES = 240;

interface Tile {
  /** Null where nothing is marked. */
  context: CanvasRenderingContext2D | null;
  /** What changed since it was drawn, px of the picture. */
  stale: Rect | null;
  used: number;
}

export interface Layers {
  mask: Plane | null;
  sketch: Plane | null;
}

/** Picture px * scale + (x, y) are device px. */
export interface Lens {
  scale: number;
  x: number;
  y: number;
}

export class Overlay {
  /** By level, then by place. */
  private tiles = new Map<number, Map<number, Tile>>();
  private spare: CanvasRenderingContext2D[] = [];
  private count = 0;
  private frame = 0;
  private level = 0;
  private before: number | null = null;
  private readonly mask = new Uint8Array(RIMMED * RIMMED);
  private readonly sketch = new Uint8Array(RIMMED * RIMMED);
  private readonly texels = new ImageData(TEXELS, TEXELS);

  constructor(private readonly tints: () => Tints) {}

  /** Forget everything: another picture, another look. */
  reset(): void {
    for (const tiles of this.tiles.values()) for (const tile of tiles.values()) this.free(tile);
    this.tiles.clear();
    this.count = 0;
    this.before = null;
  }

  /** A part of the picture changed. */
  change(rect: Rect): void {
    for (const [level, tiles] of this.tiles) {
      for (const key of keysIn(rect, level, 1)) {
        const tile = tiles.get(key);
        if (!tile) continue;
        if (level === this.level) tile.stale = tile.stale ? union(tile.stale, rect) : rect;
        else this.drop(tiles, key, tile);
      }
    }
  }

  /**
   * Draw what lies in `seen` (px of the picture), a texel being `grain` to twice `grain` device px. New tiles are made until `until` (performance.now);
   * where one is missing then, those of the zoom before serve. Returns whether all are there.
   */
  draw(
    context: CanvasRenderingContext2D,
    layers: Layers,
    lens: Lens,
    seen: Rect,
    grain: number,
    until: number,
  ): boolean {
    this.frame++;
    const level = Math.ceil(Math.log2(grain / lens.scale) - 1e-6);
    if (level !== this.level) {
      this.before = this.level;
      this.level = level;
    }
    const tiles = this.at(level);
    const missing: number[] = [];
    for (const key of keysIn(seen, level, 0)) {
      let tile = tiles.get(key);
      if (!tile) {
        if (performance.now() > until && this.before !== null) {
          missing.push(key);
          continue;
        }
        tile = { context: null, stale: null, used: 0 };
        tiles.set(key, tile);
        this.count++;
        this.render(tile, key, layers, { left: 0, top: 0, right: TEXELS, bottom: TEXELS });
      } else if (tile.stale) {
        const part = partOf(tile.stale, key, level);
        tile.stale = null;
        if (part) this.render(tile, key, layers, part);
      }
      tile.used = this.frame;
      if (tile.context) paste(context, tile.context.canvas, key, level, lens);
    }
    for (const key of missing) this.drawBefore(context, placeOf(key, level), lens);
    if (missing.length === 0) this.before = null;
    this.trim();
    return missing.length === 0;
  }

  private at(level: number): Map<number, Tile> {
    let tiles = this.tiles.get(level);
    if (!tiles) {
      tiles = new Map();
      this.tiles.set(level, tiles);
    }
    return tiles;
  }

  private drawBefore(context: CanvasRenderingContext2D, hole: Rect, lens: Lens): void {
    const level = this.before;
    if (level === null) return;
    const tiles = this.at(level);
    context.save();
    context.beginPath();
    const { x, y, width, height } = snapped(hole, lens);
    context.rect(x, y, width, height);
    context.clip();
    for (const key of keysIn(hole, level, 0)) {
      const tile = tiles.get(key);
      if (tile?.context && !tile.stale) paste(context, tile.context.canvas, key, level, lens);
    }
    context.restore();
  }

  private render(tile: Tile, key: number, { mask, sketch }: Layers, part: Part): void {
    const origin = originOf(key);
    const { level } = this;
    const place = widened(placeOf(key, level), 2 ** level);
    const take = (plane: Plane | null, out: Uint8Array) =>
      plane !== null && !plane.blank(place) && sample(plane, level, origin, part, out);
    const marked = take(mask, this.mask);
    const drawn = take(sketch, this.sketch);
    if (!marked && !drawn && !tile.context) return;
    tile.context ??= this.canvas();
    shade(
      marked ? this.mask : null,
      drawn ? this.sketch : null,
      origin,
      part,
      this.tints(),
      this.texels.data,
    );
    const { left, top, right, bottom } = part;
    tile.context.putImageData(this.texels, 0, 0, left, top, right - left, bottom - top);
  }

  private canvas(): CanvasRenderingContext2D {
    const spare = this.spare.pop();
    if (spare) {
      spare.clearRect(0, 0, TEXELS, TEXELS);
      return spare;
    }
    const canvas = document.createElement("canvas");
    canvas.width = TEXELS;
    canvas.height = TEXELS;
    return canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  }

  private drop(tiles: Map<number, Tile>, key: number, tile: Tile): void {
    tiles.delete(key);
    this.count--;
    this.free(tile);
  }

  private free(tile: Tile): void {
    if (tile.context && this.spare.length < 32) this.spare.push(tile.context);
  }

  /** Let go of what was not seen for longest. */
  private trim(): void {
    if (this.count <= MOST_TILES) return;
    const all = [...this.tiles.values()].flatMap((tiles) =>
      [...tiles].map(([key, tile]) => ({ tiles, key, tile })),
    );
    all.sort((a, b) => a.tile.used - b.tile.used);
    for (const { tiles, key, tile } of all.slice(0, this.count - MOST_TILES / 2)) {
      if (tile.used < this.frame) this.drop(tiles, key, tile);
    }
  }
}

/** A tile's place as one number; a picture has less than 2^11 tiles a side at the largest zoom. */
const ROW = 1 << 12;

function originOf(key: number): { u: number; v: number } {
  return { u: (key % ROW) * TEXELS, v: Math.floor(key / ROW) * TEXELS };
}

/** What a tile covers, px of the picture. */
function placeOf(key: number, level: number): Rect {
  const side = TEXELS * 2 ** level;
  return { x: (key % ROW) * side, y: Math.floor(key / ROW) * side, width: side, height: side };
}

/** The tiles that a rectangle, widened by so many texels, touches. */
function* keysIn(rect: Rect, level: number, texels: number): Generator<number> {
  const texel = 2 ** level;
  const side = TEXELS * texel;
  const by = texels * texel;
  const right = rect.x + rect.width + by;
  const bottom = rect.y + rect.height + by;
  const left = Math.max(0, Math.floor((rect.x - by) / side));
  for (let row = Math.max(0, Math.floor((rect.y - by) / side)); row * side < bottom; row++) {
    for (let column = left; column * side < right; column++) yield row * ROW + column;
  }
}

/** The texels of a tile that a change touches, edges with it. */
function partOf(rect: Rect, key: number, level: number): Part | null {
  const place = placeOf(key, level);
  const texel = 2 ** level;
  const both = intersection(widened(rect, texel * 2), place);
  if (!both) return null;
  return {
    left: Math.floor((both.x - place.x) / texel),
    top: Math.floor((both.y - place.y) / texel),
    right: Math.min(TEXELS, Math.ceil((both.x + both.width - place.x) / texel)),
    bottom: Math.min(TEXELS, Math.ceil((both.y + both.height - place.y) / texel)),
  };
}

function widened({ x, y, width, height }: Rect, by: number): Rect {
  return { x: x - by, y: y - by, width: width + by * 2, height: height + by * 2 };
}

/** Edges on whole device px, so that neighbours meet without a seam. */
function snapped({ x, y, width, height }: Rect, { scale, x: dx, y: dy }: Lens): Rect {
  const left = Math.round(x * scale + dx);
  const top = Math.round(y * scale + dy);
  return {
    x: left,
    y: top,
    width: Math.round((x + width) * scale + dx) - left,
    height: Math.round((y + height) * scale + dy) - top,
  };
}

function paste(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  key: number,
  level: number,
  lens: Lens,
): void {
  const { x, y, width, height } = snapped(placeOf(key, level), lens);
  context.drawImage(canvas, x, y, width, height);
}
