/** Mask and sketch of one picture, and every step that led to them. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Rect } from "../state/types";
import type { Compute } from "./compute";
import { applyDelta, copyTile, makeDelta, pasteTile } from "./delta";
import { History, type Step } from "./history";
import type { Operation } from "./operations";
import { type Coverage, NOTHING, Plane, tileRect, tilesIn, union } from "./plane";
import { capsuleBox, type Disc, drawCapsule, type Ink } from "./stroke";
import type { Layer } from "./values";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A piece of a stroke, from one place of the hand to the next. */
type Piece = readonly [a: Disc, b: Disc, ink: Ink];

interface Stroke {
  layer: Layer;
  /** Tiles as they were, copied when they were first touched. */
  before: Map<number, Uint8Array>;
  pieces: Piece[];
}

/** A stroke that was drawn; a step, unless its delta is empty. */
interface Drawn extends Step {
  pieces: readonly Piece[];
}

export class Document {
  readonly coverage: ReadonlySignal<Coverage> = signal(NOTHING);
  readonly hasSketch: ReadonlySignal<boolean> = signal(false);
  readonly canUndo: ReadonlySignal<boolean> = signal(false);
  readonly canRedo: ReadonlySignal<boolean> = signal(false);
  readonly revision: ReadonlySignal<number> = signal(0);
  readonly working: ReadonlySignal<boolean> = signal(false);
  readonly planes: Readonly<Record<Layer, Plane>>;
  readonly history = new History();

  private readonly watchers = new Set<(rect: Rect) => void>();
  private stroke: Stroke | null = null;
  /** Strokes drawn since the step that is being worked out was begun. */
  private since: Drawn[] = [];
  private jobs = 0;
  private tail: Promise<unknown> = Promise.resolve();
  private afterStroke: Array<() => void> = [];

  constructor(private readonly compute: Compute) {
    this.planes = { mask: new Plane(0, 0), sketch: new Plane(0, 0) };
  }

  /** Call `watch` with each part of the picture where a layer's pixels change. */
  watch(watch: (rect: Rect) => void): () => void {
    this.watchers.add(watch);
    return () => this.watchers.delete(watch);
  }

  /** Empty layers of a size. */
  open(width: number, height: number): void {
    this.stroke = null;
    this.release();
    this.history.clear();
    const planes = this.planes as Writable<typeof this.planes>;
    planes.mask = new Plane(width, height);
    planes.sketch = new Plane(width, height);
    this.changed("mask", null);
    this.changed("sketch", null);
  }

  /** Take levels as they are: where this picture's work begins or, if it has begun, as a step. */
  async load(layer: Layer, data: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.stroke || this.jobs > 0 || this.history.canUndo || this.history.canRedo) {
      return this.run(layer, { kind: "lay", levels: data, into: "replace" });
    }
    const plane = this.planes[layer];
    plane.data = data;
    plane.recount();
    this.changed(layer, { x: 0, y: 0, width: plane.width, height: plane.height });
  }

  begin(layer: Layer): void {
    this.cancel();
    this.stroke = { layer, before: new Map(), pieces: [] };
  }

  /** Draw a piece of the stroke. */
  draw(a: Disc, b: Disc, ink: Ink): void {
    if (!this.stroke) return;
    const plane = this.planes[this.stroke.layer];
    const box = capsuleBox(plane, a, b);
    if (!box) return;
    for (const tile of tilesIn(plane, box)) {
      if (this.stroke.before.has(tile)) continue;
      this.stroke.before.set(tile, copyTile(plane, tile));
      plane.touch(tile);
    }
    drawCapsule(plane, a, b, ink);
    this.stroke.pieces.push([a, b, ink]);
    this.tell(box);
  }

  /** The stroke is a step. */
  commit(): void {
    if (!this.stroke) return;
    const { layer, before, pieces } = this.stroke;
    this.stroke = null;
    const delta = makeDelta(this.planes[layer], before);
    // Also one that changes nothing now: it may on what is being worked out.
    if (this.jobs > 0) this.since.push({ layer, delta, pieces });
    if (delta.length > 0) {
      this.planes[layer].recount(before.keys());
      this.history.push({ layer, delta });
      this.changed(layer, null);
    }
    this.release();
  }

  /** The stroke never was. */
  cancel(): void {
    if (!this.stroke) return;
    const { layer, before } = this.stroke;
    this.stroke = null;
    const plane = this.planes[layer];
    for (const [tile, copy] of before) pasteTile(plane, tile, copy);
    plane.recount(before.keys());
    for (const tile of before.keys()) this.tell(tileRect(plane, tile));
    this.release();
  }

  /** Work a step out and take it. One at a time; strokes that are drawn meanwhile lie on top. */
  run(layer: Layer, operation: Operation): Promise<void> {
    const plane = this.planes[layer];
    return this.enqueue(async () => {
      await this.strokeEnds();
      if (this.planes[layer] !== plane) return; // another picture
      this.since = [];
      const { data, delta, tiles } = await this.compute.outcome(plane, operation);
      await this.strokeEnds();
      if (this.planes[layer] !== plane || delta.length === 0) return;
      const later = this.lift();
      plane.data = data;
      this.history.push({ layer, delta });
      for (const [tile, counted] of tiles) plane.tell(tile, counted);
      this.settle(
        layer,
        tiles.map(([tile]) => tile),
      );
      for (const drawn of later) {
        this.begin(drawn.layer);
        for (const piece of drawn.pieces) this.draw(...piece);
        this.commit();
      }
    });
  }

  /** Take back the strokes that were drawn since, and forget that they were steps. */
  private lift(): Drawn[] {
    const later = this.since;
    this.since = [];
    const steps = later.filter(({ delta }) => delta.length > 0);
    this.history.drop(steps.length);
    for (const step of steps) this.flip(step);
    return later;
  }

  undo(): Promise<void> {
    return this.move("undo");
  }

  redo(): Promise<void> {
    return this.move("redo");
  }

  private move(way: "undo" | "redo"): Promise<void> {
    this.cancel();
    const { mask } = this.planes;
    const step = () => {
      const found = this.planes.mask === mask ? this.history[way]() : null;
      if (!(found instanceof Promise)) return found && this.flip(found);
      return found.then(async (one) => {
        await this.strokeEnds(); // one that was begun meanwhile
        if (this.planes.mask === mask) this.flip(one);
      });
    };
    if (this.jobs > 0) return this.enqueue(async () => void (await step()));
    const waits = step();
    return waits instanceof Promise ? this.enqueue(() => waits) : Promise.resolve();
  }

  private flip({ layer, delta }: Step): void {
    const tiles = applyDelta(this.planes[layer], delta);
    this.planes[layer].recount(tiles);
    this.settle(layer, tiles);
  }

  private settle(layer: Layer, tiles: readonly number[]): void {
    const rects = tiles.map((tile) => tileRect(this.planes[layer], tile));
    this.changed(layer, rects.length > 0 ? rects.reduce(union) : null);
  }

  private changed(layer: Layer, rect: Rect | null): void {
    const coverage = this.planes[layer].coverage();
    if (layer === "mask") (this.coverage as { value: Coverage }).value = coverage;
    else (this.hasSketch as { value: boolean }).value = coverage.marked > 0;
    (this.canUndo as { value: boolean }).value = this.history.canUndo;
    (this.canRedo as { value: boolean }).value = this.history.canRedo;
    (this.revision as { value: number }).value++;
    if (rect) this.tell(rect);
  }

  private tell(rect: Rect): void {
    for (const watch of this.watchers) watch(rect);
  }

  /** Settles when what is being worked out is there. */
  async settled(): Promise<void> {
    if (this.jobs > 0) await this.tail;
  }

  /** Settles when the hand is up: a stroke that ends may end in the next one's beginning. */
  private async strokeEnds(): Promise<void> {
    while (this.stroke) await new Promise<void>((resolve) => this.afterStroke.push(resolve));
  }

  private release(): void {
    for (const go of this.afterStroke.splice(0)) go();
  }

  private enqueue(job: () => Promise<void>): Promise<void> {
    this.count(1);
    const done = this.tail.then(job);
    this.tail = done.catch(() => undefined).then(() => this.count(-1));
    return done;
  }

  private count(by: number): void {
    this.jobs += by;
    if (this.jobs === 0) this.since = []; // nobody will lift them
    (this.working as { value: boolean }).value = this.jobs > 0;
  }
}
