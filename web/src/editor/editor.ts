/** The painting table: mask and sketch of one picture, undo, camera, gestures. */
import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Point, Rect } from "../state/types";
import { fitCamera, held, nextScale, zoomed } from "./camera";
import { type Compute, workerCompute } from "./compute";
import { CrossHair } from "./crosshair";
import { Document } from "./document";
import { Gesture } from "./gesture";
import { readMask } from "./importing";
import type { Levels } from "./plane";
import { decodeGray } from "./png";
import type {
  BrushSettings,
  Camera,
  Comparison,
  Coverage,
  Inlay,
  Layer,
  MaskImport,
  Press,
  Sample,
  Saved,
  Tool,
} from "./values";

export * from "./values";

/** What each layer's brush is until it is changed. */
const BRUSHES: Record<Layer, BrushSettings> = {
  mask: { size: 64, softness: 0, pressure: true },
  sketch: { size: 6, softness: 0, pressure: true },
};

export class Editor {
  readonly tool = signal<Tool>("brush");
  readonly layer = signal<Layer>("mask");
  /** The brush of the layer that is drawn on; each layer keeps its own. */
  readonly brush = signal<BrushSettings>(BRUSHES.mask);
  /** How far a colour may be from the one that is touched, 0 to 255. */
  readonly tolerance = signal(24);
  /** Whether the wand takes what touches only, or the whole picture. */
  readonly contiguous = signal(true);
  /** Whether selecting tools (lasso, rectangle, wand, fill) take away instead of adding. */
  readonly subtract = signal(false);
  readonly showMask = signal(true);
  readonly showSketch = signal(true);

  readonly camera: ReadonlySignal<Camera> = signal({ scale: 1, x: 0, y: 0 });
  readonly coverage: ReadonlySignal<Coverage>;
  readonly hasSketch: ReadonlySignal<boolean>;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
  /** Counts the changes of mask and sketch; who keeps them listens. */
  readonly revision: ReadonlySignal<number>;
  /** Whether something is being worked out: wand, fill, grow, import. */
  readonly working: ReadonlySignal<boolean>;
  /** Where the pointer is over the picture, px. */
  readonly pointer: ReadonlySignal<Point | null> = signal(null);
  /** The keyboard's cross-hair, px; null while a pointer is used. */
  readonly cross: ReadonlySignal<Point | null>;
  /** The line that lasso and rectangle are drawing, px. */
  readonly outline: ReadonlySignal<readonly Point[] | null>;
  /** Whether a gesture is under way. */
  readonly drawing: ReadonlySignal<boolean>;
  readonly comparison = signal<Comparison | null>(null);
  readonly inlays = signal<Inlay[]>([]);
  /** While true, a comparison shows `before` alone. */
  readonly peeking = signal(false);
  /** While true (space bar), every tool is the hand. */
  readonly holdHand = signal(false);
  readonly picture: ReadonlySignal<ImageBitmap | null> = signal(null);

  readonly document: Document;
  private readonly compute: Compute;
  private readonly gesture: Gesture;
  private readonly crossHair = new CrossHair(this);
  /** The part of the view where the picture should lie, CSS px. */
  room: Readonly<Rect> = { x: 0, y: 0, width: 0, height: 0 };
  /** Device px of a CSS px. */
  private ratio = 1;
  /** Whether the camera still is as `fit` left it. */
  private fitted = true;
  private coloursOf: ImageBitmap | null = null;

  constructor(compute: Compute = workerCompute()) {
    this.compute = compute;
    this.document = new Document(compute);
    this.gesture = new Gesture(this, this.document);
    const { coverage, hasSketch, canUndo, canRedo, revision, working } = this.document;
    this.coverage = coverage;
    this.hasSketch = hasSketch;
    this.canUndo = canUndo;
    this.canRedo = canRedo;
    this.revision = revision;
    this.working = working;
    this.cross = this.crossHair.at;
    this.outline = this.gesture.outline;
    this.drawing = this.gesture.drawing;
    const brushes = { ...BRUSHES };
    let before: Layer = "mask";
    effect(() => {
      const layer = this.layer.value;
      if (layer === before) return;
      brushes[before] = this.brush.peek();
      before = layer;
      this.brush.value = brushes[layer];
    });
  }

  /** Another picture, or none: mask, sketch and undo are empty, the camera fits. */
  open(picture: ImageBitmap | null): void {
    this.gesture.open();
    set(this.picture, picture);
    this.crossHair.hide();
    set(this.pointer, null);
    this.comparison.value = null;
    this.inlays.value = [];
    if (this.coloursOf) void this.compute.picture(null);
    this.coloursOf = null;
    this.document.open(picture?.width ?? 0, picture?.height ?? 0);
    this.fit();
  }

  undo(): void {
    if (!this.gesture.cancel()) void this.document.undo();
  }

  redo(): void {
    if (!this.gesture.cancel()) void this.document.redo();
  }

  clear(): Promise<void> {
    return this.document.run("mask", { kind: "clear" });
  }

  invert(): Promise<void> {
    return this.document.run("mask", { kind: "invert" });
  }

  selectAll(): Promise<void> {
    return this.document.run("mask", { kind: "all" });
  }

  /** By so many px to all sides; shrink where it is negative. */
  grow(px: number): Promise<void> {
    return this.document.run("mask", { kind: "grow", px });
  }

  clearSketch(): Promise<void> {
    return this.document.run("sketch", { kind: "clear" });
  }

  /** The view changed: the picture should lie in `room`, CSS px, each of `ratio` device px. */
  setRoom(room: Rect, ratio = 1): void {
    const before = this.room;
    this.room = room;
    this.ratio = ratio;
    if (this.fitted || before.width === 0) this.fit();
    else this.panBy((room.width - before.width) / 2, (room.height - before.height) / 2);
  }

  zoomIn(): void {
    this.zoomTo(nextScale(this.camera.value.scale * this.ratio, 1) / this.ratio);
  }

  zoomOut(): void {
    this.zoomTo(nextScale(this.camera.value.scale * this.ratio, -1) / this.ratio);
  }

  fit(): void {
    const picture = this.picture.value;
    if (picture && this.room.width > 0) set(this.camera, fitCamera(picture, this.room));
    this.fitted = true;
  }

  /** 100 %: a pixel of the picture is one of the screen. */
  actualSize(): void {
    this.zoomTo(1 / this.ratio);
  }

  /** To a scale (1: a picture's pixel is a CSS pixel), with the view's point `at` staying. */
  zoomTo(scale: number, at: Point = this.middle()): void {
    const { value: picture } = this.picture;
    if (!picture) return;
    this.fitted = false;
    set(this.camera, zoomed(this.camera.value, scale, at, picture, this.room));
  }

  panBy(dx: number, dy: number): void {
    const { value: picture } = this.picture;
    if (!picture) return;
    this.fitted = false;
    const { scale, x, y } = this.camera.value;
    set(this.camera, held({ scale, x: x + dx, y: y + dy }, picture, this.room));
  }

  /** The middle of the room, CSS px. */
  middle(): Point {
    return { x: this.room.x + this.room.width / 2, y: this.room.y + this.room.height / 2 };
  }

  /** Where the pointer is, in the picture's px; null: elsewhere. */
  hover(at: Point | null): void {
    set(this.pointer, at);
    if (at) this.crossHair.hide();
  }

  /** A gesture of the tool begins, goes on and ends: by pointer or by keyboard. */
  press(at: Sample, how: Press = {}): void {
    if (!this.picture.value || this.comparison.value) return;
    if (this.tool.value === "wand") this.showColours();
    this.gesture.press(at, how);
  }

  drag(samples: readonly Sample[]): void {
    this.gesture.drag(samples);
  }

  /** The hand rests: draw up to where it is. */
  rest(): void {
    this.gesture.rest();
  }

  release(): void {
    this.gesture.release();
  }

  /** Take back the gesture that is under way. Returns whether there was one. */
  cancelGesture(): boolean {
    return this.gesture.cancel();
  }

  /** The wand's worker gets the picture's colours when they are first asked for. */
  private showColours(): void {
    const { value: picture } = this.picture;
    if (!picture || this.coloursOf === picture) return;
    this.coloursOf = picture;
    // Questions are answered in turn, so what is asked next waits for this.
    this.gesture.ready = createImageBitmap(picture).then((copy) => this.compute.picture(copy));
  }

  /** Move the keyboard's cross-hair by so many CSS px, and draw if a gesture is under way. */
  nudge(dx: number, dy: number): void {
    this.crossHair.nudge(dx, dy);
  }

  /** What a click does, at the cross-hair: a dot, a fill, a corner. */
  stamp(): void {
    this.crossHair.stamp();
  }

  /** Put the keyboard's pen down or lift it. */
  penDown(): void {
    this.crossHair.penDown();
  }

  /** The mask as a gray PNG of the picture's size, white = repaint; null where nothing is marked. */
  async maskBlob(): Promise<{ blob: Blob; soft: boolean } | null> {
    const { mask } = this.document.planes;
    await this.document.settled();
    const { marked, soft } = this.coverage.value;
    if (marked === 0 || this.document.planes.mask !== mask) return null;
    return { blob: await this.compute.encode(mask, false), soft };
  }

  /** The sketch as a gray PNG of the picture's size, dark lines on white; null where there is none. */
  async sketchBlob(): Promise<Blob | null> {
    const { sketch } = this.document.planes;
    await this.document.settled();
    if (!this.hasSketch.value || this.document.planes.sketch !== sketch) return null;
    return this.compute.encode(sketch, true);
  }

  /** Marks from a file; see reading.ts. Raises MaskError. */
  async importMask(file: Blob, { read, into }: MaskImport): Promise<Coverage> {
    const { mask } = this.document.planes;
    const { data } = await readMask(file, read, mask, this.compute);
    if (this.document.planes.mask === mask) {
      await this.document.run("mask", { kind: "lay", levels: data, into });
    }
    return this.coverage.value;
  }

  /** Both layers, exactly, for after a reload. */
  async save(): Promise<Saved> {
    const mask = await this.maskBlob();
    return { mask: mask?.blob ?? null, sketch: await this.sketchBlob() };
  }

  /** What was saved of this picture, and no more; files that do not fit it are passed over. */
  async restore({ mask, sketch }: Saved): Promise<void> {
    const { document } = this;
    const of = document.planes.mask;
    const marks = mask && (await decodeGray(mask));
    const lines = sketch && (await decodeGray(sketch));
    if (document.planes.mask !== of) return; // another picture meanwhile
    if (lines) {
      const { data } = lines;
      for (let i = 0; i < data.length; i++) data[i] = 255 - (data[i] as number);
    }
    const take = async (layer: Layer, file: Blob | null, read: Levels | null) => {
      const plane = document.planes[layer];
      if (!file && plane.coverage().marked > 0) {
        await document.load(layer, new Uint8Array(plane.data.length));
      } else if (read?.width === plane.width && read.height === plane.height) {
        await document.load(layer, read.data);
      }
    };
    await Promise.all([take("mask", mask, marks), take("sketch", sketch, lines)]);
  }
}

function set<T>(of: ReadonlySignal<T>, value: T): void {
  (of as Signal<T>).value = value;
}
