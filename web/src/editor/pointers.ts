/**
 * Pointers over the stage. Mouse and pen draw; the space bar, the middle button and the hand pan. One
 * finger draws (or pans, with the hand); two move and pinch the picture, and a stroke that the first
 * of them had only just begun is taken back. While a pen is near, fingers do nothing: they are a palm.
 */
import type { Point } from "../state/types";
import { toPicture } from "./camera";
import type { Editor } from "./editor";
import type { Sample } from "./values";

/** A second finger this soon after the first means that the picture is to be moved, ms. */
const SECOND_FINGER_MS = 250;
/** ... or while the first has moved less than this, CSS px. */
const SECOND_FINGER_PX = 12;
/** A pen keeps fingers out for so long after it was last seen, ms. */
const PEN_MS = 800;
/** A curve is finished when no report came for so long, ms. */
const REST_MS = 40;
const ERASER_BUTTON = 5;

interface Finger extends Point {
  /** Where and when it came down. */
  from: Point;
  since: number;
}

type Doing = { kind: "draw" | "pan"; id: number } | { kind: "pinch" } | { kind: "wait" } | null;

export class Pointers {
  private readonly fingers = new Map<number, Finger>();
  private doing: Doing = null;
  private last: Point = { x: 0, y: 0 };
  private penSeen = Number.NEGATIVE_INFINITY;
  private resting = 0;
  private readonly off = new AbortController();

  constructor(
    private readonly element: HTMLElement,
    private readonly editor: Editor,
  ) {
    const { signal } = this.off;
    element.addEventListener("pointerdown", (event) => this.down(event), { signal });
    element.addEventListener("pointermove", (event) => this.move(event), { signal });
    element.addEventListener("pointerup", (event) => this.up(event), { signal });
    element.addEventListener("pointercancel", (event) => this.cancel(event), { signal });
    element.addEventListener("pointerleave", (event) => this.leave(event), { signal });
    element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  }

  close(): void {
    clearTimeout(this.resting);
    this.off.abort();
  }

  private down(event: PointerEvent): void {
    const touch = event.pointerType === "touch";
    if (touch && this.palm(event)) return;
    if (event.pointerType === "mouse" && this.doing) return; // a hand is at work
    this.element.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.pen(event);
    const at = this.at(event);
    if (touch) {
      this.fingers.set(event.pointerId, { ...at, from: at, since: event.timeStamp });
      if (this.fingers.size > 1) {
        this.secondFinger(event);
        return;
      }
    }
    this.last = at;
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button
    const erase = event.button === ERASER_BUTTON || event.button === 2;
    if (event.button === 1 || this.pans()) {
      this.doing = { kind: "pan", id: event.pointerId };
      this.element.dataset.panning = "";
      return;
    }
    if (event.button !== 0 && !erase) return;
    this.doing = { kind: "draw", id: event.pointerId };
    this.editor.hover(toPicture(this.editor.camera.peek(), at));
    const { altKey: opposite, shiftKey: line } = event;
    this.editor.press(this.sample(event), { erase, opposite, line });
  }

  private move(event: PointerEvent): void {
    if (event.pointerType === "pen") this.penSeen = event.timeStamp;
    const at = this.at(event);
    const finger = this.fingers.get(event.pointerId);
    if (event.pointerType === "touch" && !finger) return;
    const draws = this.doing?.kind === "draw" && this.doing.id === event.pointerId;
    if (event.pointerType !== "touch" || draws) {
      this.editor.hover(toPicture(this.editor.camera.peek(), at));
    }
    if (this.doing?.kind === "pinch") {
      this.pinch(event.pointerId, at);
      return;
    }
    if (finger) Object.assign(finger, at);
    if (!this.doing || !("id" in this.doing) || this.doing.id !== event.pointerId) return;
    if (this.doing.kind === "pan") {
      this.editor.panBy(at.x - this.last.x, at.y - this.last.y);
      this.last = at;
      return;
    }
    const reports = event.getCoalescedEvents?.() ?? [];
    this.editor.drag((reports.length > 0 ? reports : [event]).map((one) => this.sample(one)));
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => this.editor.rest(), REST_MS);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.doing && "id" in this.doing && this.doing.id === event.pointerId) {
      if (this.doing.kind === "draw") {
        this.editor.drag([this.sample(event)]);
        this.editor.release();
      }
      this.finish();
    } else if (this.doing && !("id" in this.doing)) {
      // What is left of two fingers does not draw.
      this.doing = this.fingers.size > 0 ? { kind: "wait" } : null;
    }
    if (event.pointerType === "touch") this.editor.hover(null);
  }

  private cancel(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.doing && "id" in this.doing && this.doing.id === event.pointerId) {
      this.editor.cancelGesture();
      this.finish();
    } else if (this.doing && !("id" in this.doing) && this.fingers.size === 0) this.finish();
  }

  private leave(event: PointerEvent): void {
    if (!this.doing && event.pointerType !== "touch") this.editor.hover(null);
  }

  private finish(): void {
    clearTimeout(this.resting);
    this.doing = null;
    delete this.element.dataset.panning;
  }

  private pans(): boolean {
    const { tool, holdHand, comparison } = this.editor;
    return tool.peek() === "hand" || holdHand.peek() || comparison.peek() !== null;
  }

  /** A pen comes down: what a palm began is taken back. */
  private pen(event: PointerEvent): void {
    this.penSeen = event.timeStamp;
    this.fingers.clear();
    if (this.doing) this.editor.cancelGesture();
    this.finish();
  }

  private palm(event: PointerEvent): boolean {
    const drawing = this.doing?.kind === "draw" && this.fingers.size === 0;
    return drawing || event.timeStamp - this.penSeen < PEN_MS;
  }

  private secondFinger(event: PointerEvent): void {
    const [first] = this.fingers.values();
    if (!first || this.doing?.kind === "pinch") return;
    const moved = Math.hypot(first.x - first.from.x, first.y - first.from.y);
    const soon = event.timeStamp - first.since < SECOND_FINGER_MS || moved < SECOND_FINGER_PX;
    if (this.doing?.kind === "draw") {
      if (!soon) return; // a long stroke goes on; the other finger slipped
      this.editor.cancelGesture();
    }
    this.finish();
    this.editor.hover(null);
    this.doing = { kind: "pinch" };
  }

  /** Move the picture so that it stays under both fingers. */
  private pinch(id: number, at: Point): void {
    const moving = this.fingers.get(id);
    const [a, b] = this.fingers.values();
    if (!moving || !a || !b || (moving !== a && moving !== b)) return;
    const other = moving === a ? b : a;
    const before = Math.hypot(moving.x - other.x, moving.y - other.y);
    const middle = { x: (moving.x + other.x) / 2, y: (moving.y + other.y) / 2 };
    Object.assign(moving, at);
    const after = Math.hypot(at.x - other.x, at.y - other.y);
    const now = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.editor.panBy(now.x - middle.x, now.y - middle.y);
    const { scale } = this.editor.camera.peek();
    if (before > 0) this.editor.zoomTo((scale * after) / before, now);
  }

  private at(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private sample(event: PointerEvent): Sample {
    const at = toPicture(this.editor.camera.peek(), this.at(event));
    return { ...at, pressure: event.pointerType === "pen" ? event.pressure : 1 };
  }
}
