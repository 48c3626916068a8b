/** Wheels and trackpads: a wheel zooms about the pointer, two fingers on a trackpad pan and pinch. */
import type { Editor } from "./editor";

/** One notch of a wheel, as `wheelDelta` has it everywhere. */
const NOTCH = 120;
/** Zoom of a notch, and of a pinch's delta of 1. */
const NOTCH_ZOOM = 1.2;
const PINCH_ZOOM = 1.01;
const LINE_PX = 16;

/** Zoom or pan as a wheel event says. */
export function onWheel(event: WheelEvent, editor: Editor, element: HTMLElement): void {
  event.preventDefault();
  const box = element.getBoundingClientRect();
  const at = { x: event.clientX - box.left, y: event.clientY - box.top };
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  const { scale } = editor.camera.peek();
  if (notched(event)) {
    if (event.shiftKey) editor.panBy(-(dx || dy), 0);
    else if (dx !== 0) editor.panBy(-dx, 0);
    else editor.zoomTo(scale * NOTCH_ZOOM ** -notches(event, dy), at);
  } else if (event.ctrlKey) {
    editor.zoomTo(scale * PINCH_ZOOM ** -dy, at); // browsers report a pinch so
  } else {
    editor.panBy(-dx, -dy);
  }
}

/** Whether it comes from a wheel, whose deltas are whole notches; a trackpad's are not. */
function notched(event: WheelEvent): boolean {
  if (event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL) return true;
  const delta = wheelDelta(event);
  return delta !== 0 && delta % NOTCH === 0;
}

function notches(event: WheelEvent, dy: number): number {
  const delta = wheelDelta(event);
  const count = delta === 0 ? dy / 100 : -delta / NOTCH;
  return Math.max(-3, Math.min(3, count));
}

/** Not in the standard, but in every browser. */
function wheelDelta(event: WheelEvent): number {
  const { wheelDeltaX = 0, wheelDeltaY = 0 } = event as {
    wheelDeltaX?: number;
    wheelDeltaY?: number;
  };
  return wheelDeltaY || wheelDeltaX;
}
