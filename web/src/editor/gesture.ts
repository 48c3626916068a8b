/** What the hand is doing with the chosen tool, from the press to the release. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Point } from "../state/types";
import type { Document } from "./document";
import type { Editor } from "./editor";
import type { Into, Operation } from "./operations";
import { Path } from "./path";
import { cornersOf } from "./polygon";
import type { Disc, Ink } from "./stroke";
import { type Layer, type Press, type Sample, SKETCH_TOOLS } from "./values";

/** A pen that barely touches draws with this share of the size. */
const LIGHTEST = 0.15;
/** Width of the rim that makes a sketch's lines smooth, px. */
const SMOOTH = 1.5;
/** So many widths of a rim there are: each has a table of its own. */
const RIMS = 32;
/** A rectangle or a lasso smaller than this was a slip of the hand, CSS px. */
const SLIP = 2;

interface Stroke {
  kind: "stroke";
  layer: Layer;
  path: Path;
  ink: Ink;
  last: Disc;
}

type Doing =
  | Stroke
  | { kind: "lasso" | "rectangle"; points: Point[]; layer: Layer; into: Into }
  | { kind: "touch"; layer: Layer; operation: Operation };

export class Gesture {
  readonly outline: ReadonlySignal<readonly Point[] | null> = signal(null);
  readonly drawing: ReadonlySignal<boolean> = signal(false);
  /** Settles when the wand's colours have been sent. */
  ready: Promise<void> = Promise.resolve();

  private doing: Doing | null = null;
  private lastEnd: { at: Disc; layer: Layer } | null = null;

  constructor(
    private readonly editor: Editor,
    private readonly document: Document,
  ) {}

  /** Another picture: where the last stroke ended was on the one before. */
  open(): void {
    this.cancel();
    this.lastEnd = null;
  }

  press(at: Sample, how: Press): void {
    this.cancel();
    const { editor } = this;
    const layer = editor.layer.value;
    const tool = how.erase ? "eraser" : editor.tool.value;
    if (layer === "sketch" && !SKETCH_TOOLS.has(tool)) return;
    const into: Into = editor.subtract.value !== (how.opposite ?? false) ? "subtract" : "add";
    switch (tool) {
      case "hand":
        return;
      case "brush":
      case "eraser":
        this.startStroke(at, layer, (tool === "eraser") !== (how.opposite ?? false), how.line);
        break;
      case "lasso":
      case "rectangle":
        this.doing = { kind: tool, points: [at], layer, into };
        break;
      case "wand":
      case "fill":
        // Taken at the release: the first of two fingers that come to zoom marks nothing.
        this.doing = this.touch(tool, at, layer, into);
        break;
    }
    set(this.drawing, this.doing !== null);
  }

  drag(samples: readonly Sample[]): void {
    const { doing } = this;
    if (!doing || doing.kind === "touch") return;
    for (const sample of samples) {
      if (doing.kind === "stroke") this.strokeTo(doing, sample);
      else if (doing.kind === "lasso") doing.points.push({ x: sample.x, y: sample.y });
      else doing.points = cornersOf(doing.points[0] as Point, sample);
    }
    if (doing.kind !== "stroke") set(this.outline, [...doing.points]);
  }

  /** The hand rests: a curve lags behind by half a report, so draw the rest of it. */
  rest(): void {
    const { doing } = this;
    if (doing?.kind !== "stroke") return;
    this.draw(doing, doing.path.finish());
  }

  release(): void {
    const { doing } = this;
    if (!doing) return;
    this.rest();
    this.end();
    if (doing.kind === "stroke") {
      this.document.commit();
      this.lastEnd = { at: doing.last, layer: doing.layer };
      return;
    }
    if (doing.kind === "touch") {
      const { picture } = this.editor;
      const touched = picture.value;
      void this.ready.then(() => {
        if (picture.value === touched) return this.document.run(doing.layer, doing.operation);
      });
      return;
    }
    const { points, layer, into } = doing;
    if (extent(points) * this.editor.camera.value.scale < SLIP) return;
    void this.document.run(layer, { kind: "polygon", points: clipped(this.editor, points), into });
  }

  /** Returns whether something was under way. */
  cancel(): boolean {
    const { doing } = this;
    if (!doing) return false;
    this.end();
    if (doing.kind === "stroke") this.document.cancel();
    return true;
  }

  private end(): void {
    this.doing = null;
    set(this.outline, null);
    set(this.drawing, false);
  }

  private startStroke(at: Sample, layer: Layer, erase: boolean, line = false): void {
    const { softness } = this.editor.brush.value;
    const start = this.disc(at);
    this.document.begin(layer);
    const from = line && this.lastEnd?.layer === layer ? this.lastEnd.at : start;
    const ink = { softness, erase };
    const stroke: Stroke = { kind: "stroke", layer, path: new Path(start), ink, last: start };
    this.draw(stroke, [[from, start]]);
    this.doing = stroke;
  }

  private draw({ layer, ink }: Stroke, pieces: ReadonlyArray<readonly [Disc, Disc]>): void {
    for (const [a, b] of pieces) {
      // A sketch's rim stays as wide as it is, however the pen's pressure changes the radius.
      const rim = layer === "sketch" ? SMOOTH / Math.max(a.radius, b.radius, SMOOTH) : 0;
      const softness = Math.max(ink.softness, Math.ceil(rim * RIMS) / RIMS);
      this.document.draw(a, b, { ...ink, softness });
    }
  }

  private strokeTo(doing: Stroke, sample: Sample): void {
    const next = this.disc(sample);
    const { last } = doing;
    const moved = Math.max(
      Math.hypot(next.x - last.x, next.y - last.y),
      Math.abs(next.radius - last.radius), // a pen that presses harder where it is
    );
    // Reports closer than this change nothing that is seen, but cost a piece each.
    if (moved < Math.max(0.5, next.radius / 32)) return;
    this.draw(doing, doing.path.add(next));
    doing.last = next;
  }

  private disc({ x, y, pressure }: Sample): Disc {
    const { size, pressure: sensitive } = this.editor.brush.value;
    const share = sensitive ? LIGHTEST + (1 - LIGHTEST) * pressure : 1;
    return { x, y, radius: Math.max(0.5, (size / 2) * share) };
  }

  private touch(tool: "wand" | "fill", { x, y }: Point, layer: Layer, into: Into): Doing | null {
    const { picture, tolerance, contiguous } = this.editor;
    const size = picture.value;
    if (!size || x < 0 || y < 0 || x >= size.width || y >= size.height) return null;
    const at = { x, y };
    const operation: Operation =
      tool === "fill"
        ? { kind: "fill", at, into }
        : { kind: "wand", at, tolerance: tolerance.value, contiguous: contiguous.value, into };
    return { kind: "touch", layer, operation };
  }
}

/** Points held near the picture, so that far ones cost nothing. */
function clipped({ picture }: Editor, points: readonly Point[]): Point[] {
  const { width, height } = picture.value ?? { width: 0, height: 0 };
  return points.map(({ x, y }) => ({
    x: Math.min(Math.max(x, -1), width + 1),
    y: Math.min(Math.max(y, -1), height + 1),
  }));
}

function extent(points: readonly Point[]): number {
  const first = points[0] as Point;
  return points.reduce((most, p) => Math.max(most, Math.hypot(p.x - first.x, p.y - first.y)), 0);
}

function set<T>(of: ReadonlySignal<T>, value: T): void {
  (of as Signal<T>).value = value;
}
