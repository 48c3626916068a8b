import { beforeEach, expect, it, vi } from "vitest";
import { directCompute } from "./compute";
import { Editor } from "./editor";
import { Pointers } from "./pointers";

/** All that pointers ask of the stage's element. */
class Stage extends EventTarget {
  readonly dataset: Record<string, string> = {};
  getBoundingClientRect = () => ({ left: 0, top: 0 });
  setPointerCapture = () => undefined;
}

let stage: Stage;
let editor: Editor;

beforeEach(() => {
  vi.stubGlobal("window", globalThis);
  editor = new Editor(directCompute());
  editor.setRoom({ x: 0, y: 0, width: 300, height: 200 });
  editor.open({ width: 300, height: 200 } as ImageBitmap);
  editor.brush.value = { size: 20, softness: 0, pressure: false };
  stage = new Stage();
  new Pointers(stage as unknown as HTMLElement, editor);
});

function send(type: string, pointerId: number, pointerType: string, x: number, y: number): void {
  const more = { pointerId, pointerType, clientX: x, clientY: y, button: 0, pressure: 0.5 };
  stage.dispatchEvent(Object.assign(new Event(`pointer${type}`), more));
}

async function idle(): Promise<void> {
  do await new Promise((go) => setTimeout(go, 0));
  while (editor.working.value);
}

const right = () => {
  const { box } = editor.coverage.value;
  return box && box.x + box.width;
};

it("a stroke goes on when a palm beside it is called off", () => {
  send("down", 1, "pen", 50, 50);
  send("move", 1, "pen", 100, 50);
  send("down", 2, "touch", 200, 150);
  send("cancel", 2, "touch", 200, 150);
  send("move", 1, "pen", 150, 50);
  send("up", 1, "pen", 150, 50);
  expect(editor.drawing.value).toBe(false);
  expect(right()).toBe(160);
});

it("a pen takes over from a palm that began to draw", () => {
  send("down", 2, "touch", 200, 150);
  send("move", 2, "touch", 220, 150);
  send("down", 1, "pen", 50, 50);
  send("move", 2, "touch", 240, 150);
  expect(editor.pointer.value).toEqual({ x: 50, y: 50 });
  send("move", 1, "pen", 100, 50);
  send("up", 2, "touch", 240, 150);
  send("up", 1, "pen", 100, 50);
  expect(editor.coverage.value.box).toEqual({ x: 40, y: 40, width: 70, height: 20 });
});

it("two fingers take back the stroke of the first, and move the picture", () => {
  send("down", 1, "touch", 100, 100);
  send("move", 1, "touch", 105, 100);
  send("down", 2, "touch", 200, 100);
  send("move", 2, "touch", 240, 100);
  send("up", 1, "touch", 105, 100);
  send("move", 2, "touch", 280, 180);
  send("up", 2, "touch", 280, 180);
  expect(editor.coverage.value.marked).toBe(0);
  expect(editor.canUndo.value).toBe(false);
  expect(editor.camera.value.scale).toBeGreaterThan(1);
});

it.each(["fill", "wand"] as const)("two fingers mark nothing with %s", async (tool) => {
  editor = new Editor(
    directCompute({ width: 300, height: 200, data: new Uint8Array(300 * 200 * 4) }),
  );
  vi.stubGlobal("createImageBitmap", async () => null);
  editor.setRoom({ x: 0, y: 0, width: 300, height: 200 });
  editor.open({ width: 300, height: 200 } as ImageBitmap);
  stage = new Stage();
  new Pointers(stage as unknown as HTMLElement, editor);
  editor.tool.value = tool;
  send("down", 1, "touch", 100, 100);
  send("down", 2, "touch", 200, 100);
  send("up", 1, "touch", 100, 100);
  send("up", 2, "touch", 200, 100);
  await idle();
  expect(editor.coverage.value.marked).toBe(0);
  send("down", 3, "touch", 100, 100);
  send("up", 3, "touch", 100, 100);
  await idle();
  expect(editor.coverage.value.marked).toBe(300 * 200);
});
