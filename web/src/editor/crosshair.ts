/** The keyboard's hand: a cross-hair over the picture that arrows move. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Point } from "../state/types";
import { type Size, toPicture, toView } from "./camera";
import type { Editor } from "./editor";

/** How far from the view's rim it stays, CSS px. */
const RIM = 32;

export class CrossHair {
  /** Where it is, px of the picture; null while a pointer is used. */
  readonly at: ReadonlySignal<Point | null> = signal(null);

  constructor(private readonly editor: Editor) {}

  hide(): void {
    this.put(null);
  }

  nudge(dx: number, dy: number): void {
    const { editor } = this;
    const { value: picture } = editor.picture;
    if (!picture) return;
    const { value: camera } = editor.camera;
    const from = this.at.value ?? editor.pointer.value ?? toPicture(camera, editor.middle());
    const to = within(picture, { x: from.x + dx / camera.scale, y: from.y + dy / camera.scale });
    this.put(to);
    if (editor.drawing.value) editor.drag([{ ...to, pressure: 1 }]);
    this.follow(to);
  }

  stamp(): void {
    const { editor } = this;
    if (!this.at.value) this.nudge(0, 0);
    const dots = editor.tool.value !== "lasso" && editor.tool.value !== "rectangle";
    if (editor.drawing.value) editor.release();
    else this.penDown();
    if (dots) editor.release();
  }

  penDown(): void {
    const { editor } = this;
    const { value: at } = this.at;
    if (editor.drawing.value) editor.release();
    else if (at) {
      editor.press({ ...at, pressure: 1 });
      const { value: tool } = editor.tool;
      if (tool === "wand" || tool === "fill") editor.release(); // there is nothing to draw
    } else this.nudge(0, 0);
  }

  /** Keep it in the view. */
  private follow(at: Point): void {
    const { room, camera } = this.editor;
    const { x, y } = toView(camera.value, at);
    const dx = over(x, room.x + RIM, room.x + room.width - RIM);
    const dy = over(y, room.y + RIM, room.y + room.height - RIM);
    if (dx !== 0 || dy !== 0) this.editor.panBy(dx, dy);
  }

  private put(at: Point | null): void {
    (this.at as Signal<Point | null>).value = at;
  }
}

/** How far back it is into a range. */
function over(value: number, least: number, most: number): number {
  if (value < least) return least - value;
  return value > most ? most - value : 0;
}

function within(size: Size, { x, y }: Point): Point {
  return {
    x: Math.min(Math.max(x, 0), size.width - 0.5),
    y: Math.min(Math.max(y, 0), size.height - 0.5),
  };
}
