/** Draws the stage: picture, marks, paintings under way, comparison. Nothing but what changed. */
import type { Rect } from "../state/types";
import { CRISP_SCALE } from "./camera";
import { type Colours, readColours } from "./colours";
import type { Editor } from "./editor";
import { Mips } from "./mips";
import { type Lens, Overlay } from "./overlay";
import { intersection, union } from "./plane";

/** Time for new tiles in a frame while the camera moves, ms. */
const TILES_MS = 5;
/** From so many device px a CSS px on, marks are drawn coarser than the screen. */
const FINE_RATIO = 1.5;
/** Squares of the checker that shows what is clear, CSS px. */
const CHECK = 8;

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly overlay: Overlay;
  private colours: Colours = readColours();
  private picture: ImageBitmap | null = null;
  private mips: Mips | null = null;
  private after: { picture: ImageBitmap; mips: Mips } | null = null;
  private checker: CanvasPattern | null = null;
  private ratio = 1;
  /** What is to be drawn, device px; null: nothing. */
  private due: Rect | null = null;
  private request = 0;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly editor: Editor,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("This browser gives no canvas.");
    this.context = context;
    this.overlay = new Overlay(() => this.colours);
  }

  /** The canvas' size, device px, and how many of them a CSS px is. */
  resize(width: number, height: number, ratio: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.ratio = ratio;
    this.checker = null;
    this.everything();
    this.now(); // a resized canvas is empty until it is drawn
  }

  /** Colours changed. */
  recolour(): void {
    this.colours = readColours();
    this.checker = null;
    this.refresh();
  }

  /** All of the marks look different. */
  refresh(): void {
    this.overlay.reset();
    this.everything();
  }

  /** A part of a layer changed, px of the picture. */
  change(rect: Rect): void {
    this.overlay.change(rect);
    const { scale, x, y } = this.lens();
    // Two texels for the edges beside, of up to two device px each and coarser on dense screens.
    const by = 2 + Math.ceil(4 * Math.max(1, this.ratio));
    const left = Math.floor(rect.x * scale + x) - by;
    const top = Math.floor(rect.y * scale + y) - by;
    const right = Math.ceil((rect.x + rect.width) * scale + x) + by;
    const bottom = Math.ceil((rect.y + rect.height) * scale + y) + by;
    this.add({ x: left, y: top, width: right - left, height: bottom - top });
  }

  everything(): void {
    this.add({ x: 0, y: 0, width: this.canvas.width, height: this.canvas.height });
  }

  close(): void {
    cancelAnimationFrame(this.request);
    this.mips?.close();
    this.after?.mips.close();
  }

  private add(rect: Rect): void {
    const { width, height } = this.canvas;
    const seen = intersection(rect, { x: 0, y: 0, width, height });
    if (!seen) return;
    this.due = this.due ? union(this.due, seen) : seen;
    this.request ||= requestAnimationFrame(() => this.now());
  }

  private now(): void {
    cancelAnimationFrame(this.request);
    this.request = 0;
    const { due } = this;
    this.due = null;
    if (!due) return;
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(due.x, due.y, due.width, due.height);
    context.clip();
    context.fillStyle = this.colours.table;
    context.fillRect(due.x, due.y, due.width, due.height);
    this.follow();
    if (this.picture) this.draw(this.picture, due);
    context.restore();
  }

  /** Take the editor's pictures as they are. */
  private follow(): void {
    const picture = this.editor.picture.peek();
    if (picture !== this.picture) {
      this.picture = picture;
      this.mips?.close();
      this.mips = picture && this.halve(picture);
      this.overlay.reset();
    }
    const after = this.editor.comparison.peek()?.after ?? null;
    if (after !== (this.after?.picture ?? null)) {
      this.after?.mips.close();
      this.after = after && { picture: after, mips: this.halve(after) };
    }
  }

  private halve(picture: ImageBitmap): Mips {
    const mips = new Mips(picture);
    void mips.ready.then(() => this.everything());
    return mips;
  }

  /** The camera in device px; from a whole one on, or 100 % would be a blur. */
  private lens(): Lens {
    const { scale, x, y } = this.editor.camera.peek();
    const { ratio } = this;
    return { scale: scale * ratio, x: Math.round(x * ratio), y: Math.round(y * ratio) };
  }

  private draw(picture: ImageBitmap, due: Rect): void {
    const { context, editor } = this;
    const lens = this.lens();
    const whole = {
      x: lens.x,
      y: lens.y,
      width: picture.width * lens.scale,
      height: picture.height * lens.scale,
    };
    const seen = intersection(whole, due);
    const comparison = editor.comparison.peek();
    const split = editor.peeking.peek() ? 1 : (comparison?.split ?? 1);
    context.imageSmoothingEnabled = lens.scale <= CRISP_SCALE;
    context.fillStyle = this.check();
    if (seen) this.fillInside(seen);
    this.put(this.mips, whole, { ...whole, width: whole.width * split }, lens.scale);
    if (comparison && split < 1) {
      const x = whole.x + whole.width * split;
      const rest = { ...whole, x, width: whole.x + whole.width - x };
      const scale = whole.width / comparison.after.width;
      this.put(this.after?.mips ?? null, whole, rest, scale);
    }
    // Who draws sees the marks; else the paintings under way lie over them.
    const drawing = editor.drawing.peek();
    if (drawing) this.drawInlays(lens);
    if (!comparison && seen) this.drawMarks(lens, seen, due);
    if (!drawing) this.drawInlays(lens);
  }

  /** Fill whole device pixels only: at the picture's own edge the checker would show as a line. */
  private fillInside({ x, y, width, height }: Rect): void {
    const [left, top] = [Math.ceil(x), Math.ceil(y)];
    const across = Math.floor(x + width) - left;
    this.context.fillRect(left, top, across, Math.floor(y + height) - top);
  }

  private drawInlays({ scale, x, y }: Lens): void {
    const { context, editor } = this;
    context.imageSmoothingEnabled = true;
    for (const { image, box } of editor.inlays.peek()) {
      context.drawImage(
        image,
        box.x * scale + x,
        box.y * scale + y,
        box.width * scale,
        box.height * scale,
      );
    }
  }

  private drawMarks(lens: Lens, seen: Rect, due: Rect): void {
    const { editor } = this;
    const { mask, sketch } = editor.document.planes;
    this.context.imageSmoothingEnabled = true;
    const part = {
      x: (seen.x - lens.x) / lens.scale,
      y: (seen.y - lens.y) / lens.scale,
      width: seen.width / lens.scale,
      height: seen.height / lens.scale,
    };
    const layers = {
      mask: editor.showMask.peek() ? mask : null,
      sketch: editor.showSketch.peek() ? sketch : null,
    };
    const moving = due.width === this.canvas.width && due.height === this.canvas.height;
    const until = moving ? performance.now() + TILES_MS : Number.POSITIVE_INFINITY;
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(seen.x, seen.y, seen.width, seen.height);
    context.clip();
    // On a dense screen lines of one device px would be too fine to see.
    const grain = Math.max(1, this.ratio / FINE_RATIO);
    const whole = this.overlay.draw(context, layers, lens, part, grain, until);
    context.restore();
    if (!whole) this.everything();
  }

  /** Draw the part of a picture that lies in `part` of where the whole one lies. */
  private put(mips: Mips | null, whole: Rect, part: Rect, scale: number): void {
    const image = mips?.at(scale);
    const { width, height } = this.canvas;
    // Whole pixels of the picture around what is seen: less to read, and the same outcome.
    const seen = intersection(part, { x: 0, y: 0, width, height });
    if (!image || !seen) return;
    const { context } = this;
    const across = image.width / whole.width;
    const down = image.height / whole.height;
    const left = Math.max(0, Math.floor((seen.x - whole.x) * across) - 1);
    const top = Math.max(0, Math.floor((seen.y - whole.y) * down) - 1);
    const right = Math.min(image.width, Math.ceil((seen.x + seen.width - whole.x) * across) + 1);
    const bottom = Math.min(image.height, Math.ceil((seen.y + seen.height - whole.y) * down) + 1);
    context.save();
    context.beginPath();
    context.rect(part.x, part.y, part.width, part.height);
    context.clip();
    context.drawImage(
      image,
      left,
      top,
      right - left,
      bottom - top,
      whole.x + left / across,
      whole.y + top / down,
      (right - left) / across,
      (bottom - top) / down,
    );
    context.restore();
  }

  private check(): CanvasPattern | string {
    if (this.checker) return this.checker;
    const side = Math.round(CHECK * this.ratio);
    const tile = new OffscreenCanvas(side * 2, side * 2);
    const context = tile.getContext("2d");
    if (!context) return this.colours.check[0];
    context.fillStyle = this.colours.check[0];
    context.fillRect(0, 0, side * 2, side * 2);
    context.fillStyle = this.colours.check[1];
    context.fillRect(side, 0, side, side);
    context.fillRect(0, side, side, side);
    this.checker = this.context.createPattern(tile, "repeat");
    return this.checker ?? this.colours.check[0];
  }
}
