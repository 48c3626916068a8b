/** The stage by keyboard, while it has the focus: arrows, space and Enter draw. */
import type { Editor } from "./editor";

/** How far the cross-hair goes, CSS px; with Shift, and with Ctrl. */
const STEP = 8;
const FAR = 48;
const NEAR = 1;

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Returns whether the key was for the stage. */
export function onKeyDown(event: KeyboardEvent, editor: Editor): boolean {
  if (event.altKey || event.metaKey) return false;
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = event.shiftKey ? FAR : event.ctrlKey ? NEAR : STEP;
    if (editor.tool.peek() === "hand" || editor.comparison.peek()) {
      editor.panBy(-arrow[0] * step * 4, -arrow[1] * step * 4);
    } else editor.nudge(arrow[0] * step, arrow[1] * step);
    return true;
  }
  if (event.key === " ") {
    if (event.repeat) return true;
    // With a pointer over the picture, space is the hand; else it draws.
    if (editor.cross.peek()) editor.stamp();
    else if (editor.pointer.peek()) editor.holdHand.value = true;
    else editor.stamp();
    return true;
  }
  if (event.key === "Enter" && !event.ctrlKey && !event.repeat) {
    editor.penDown();
    return true;
  }
  if (event.key === "Escape") return editor.cancelGesture();
  return false;
}
