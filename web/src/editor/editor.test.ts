import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Compute, directCompute } from "./compute";
import { Editor, type MaskError, type Sample } from "./editor";
import { encodeGray } from "./png";

const WIDTH = 300;
const HEIGHT = 200;

/** All that the editor asks of a picture when nobody looks at it. */
function picture(width = WIDTH, height = HEIGHT): ImageBitmap {
  return { width, height, close: () => undefined } as ImageBitmap;
}

function at(x: number, y: number): Sample {
  return { x, y, pressure: 1 };
}

let editor: Editor;

beforeEach(() => {
  editor = new Editor(directCompute());
  editor.setRoom({ x: 0, y: 0, width: 600, height: 600 });
  editor.open(picture());
  editor.brush.value = { size: 20, softness: 0, pressure: true };
});

function stroke(...points: Array<[number, number]>): void {
  const [first, ...rest] = points.map(([x, y]) => at(x, y));
  editor.press(first as Sample);
  editor.drag(rest);
  editor.release();
}

async function idle(): Promise<void> {
  do await new Promise((go) => setTimeout(go, 0));
  while (editor.working.value);
}

function levels(): Uint8Array {
  return editor.document.planes.mask.data;
}

describe("strokes", () => {
  it("mark, and are taken back and made again one by one", async () => {
    stroke([50, 50], [100, 60]);
    const first = levels().slice();
    stroke([150, 150], [200, 100], [250, 150]);
    const second = levels().slice();
    expect(editor.coverage.value.soft).toBe(false);
    editor.undo();
    expect(Buffer.from(first).equals(levels())).toBe(true);
    editor.undo();
    expect(editor.coverage.value.marked).toBe(0);
    expect(editor.canUndo.value).toBe(false);
    editor.redo();
    editor.redo();
    expect(Buffer.from(second).equals(levels())).toBe(true);
    expect(editor.canRedo.value).toBe(false);
  });

  it("that are cancelled leave no trace", () => {
    stroke([50, 50], [100, 60]);
    const before = levels().slice();
    const { revision } = editor;
    const count = revision.value;
    editor.press(at(10, 10));
    editor.drag([at(200, 180)]);
    expect(Buffer.from(before).equals(levels())).toBe(false);
    expect(editor.cancelGesture()).toBe(true);
    expect(Buffer.from(before).equals(levels())).toBe(true);
    expect(revision.value).toBe(count);
    expect(editor.cancelGesture()).toBe(false);
  });

  it("of a pen are thinner where it presses less, unless that is switched off", () => {
    const marked = (pressure: number) => {
      editor.press({ ...at(100, 100), pressure });
      editor.release();
      const { marked } = editor.coverage.value;
      editor.undo();
      return marked;
    };
    expect(marked(0.2)).toBeLessThan(marked(1) / 2);
    editor.brush.value = { ...editor.brush.value, pressure: false };
    expect(marked(0.2)).toBe(marked(1));
  });

  it("of a pen that presses harder where it is grow there", () => {
    editor.press({ ...at(50, 100), pressure: 0.02 });
    editor.drag([at(50, 100)]);
    editor.release();
    expect(editor.coverage.value.box).toEqual({ x: 40, y: 90, width: 20, height: 20 });
  });

  it("with the eraser, a pen's other end or the opposite take away", () => {
    const drawn = () => editor.coverage.value.marked;
    stroke([100, 100]);
    editor.press(at(100, 100), { erase: true });
    editor.release();
    expect(drawn()).toBe(0);
    stroke([100, 100]);
    editor.press(at(100, 100), { opposite: true });
    editor.release();
    expect(drawn()).toBe(0);
    stroke([100, 100]);
    editor.tool.value = "eraser";
    stroke([100, 100]);
    expect(drawn()).toBe(0);
  });

  it("with line go straight from where the last one ended", () => {
    stroke([50, 50]);
    editor.press(at(150, 50), { line: true });
    editor.release();
    expect(editor.coverage.value.box).toEqual({ x: 40, y: 40, width: 120, height: 20 });
    editor.open(picture()); // where nothing has ended yet
    editor.press(at(150, 50), { line: true });
    editor.release();
    expect(editor.coverage.value.box).toEqual({ x: 140, y: 40, width: 20, height: 20 });
  });

  it("on the sketch leave the mask alone, and each layer keeps its own brush", () => {
    editor.layer.value = "sketch";
    expect(editor.brush.value.size).toBeLessThan(20);
    stroke([50, 50], [90, 90]);
    expect(editor.hasSketch.value).toBe(true);
    expect(editor.coverage.value.marked).toBe(0);
    editor.layer.value = "mask";
    expect(editor.brush.value.size).toBe(20);
    editor.undo();
    expect(editor.hasSketch.value).toBe(false);
  });

  it("on the sketch have a rim of one width, however hard the pen presses", () => {
    editor.layer.value = "sketch";
    editor.brush.value = { size: 60, softness: 0, pressure: true };
    editor.press({ ...at(50, 100), pressure: 0.02 });
    editor.drag([{ ...at(60, 100), pressure: 0.5 }, at(120, 100), at(200, 100)]);
    editor.release();
    const { data } = editor.document.planes.sketch;
    const column = Array.from({ length: 100 }, (_, y) => data[y * WIDTH + 170] as number);
    expect(column.filter((level) => level > 0 && level < 255).length).toBeLessThan(4);
  });

  it("that begin while a step is fetched to be taken back are not mixed with it", async () => {
    stroke([50, 50]);
    const { history } = editor.document;
    const undo = history.undo.bind(history);
    vi.spyOn(history, "undo").mockImplementationOnce(async () => undo() as never);
    editor.undo();
    editor.press(at(60, 50));
    editor.drag([at(90, 50)]);
    await new Promise((go) => setTimeout(go, 0));
    editor.release();
    await idle();
    editor.undo();
    expect(editor.coverage.value.marked).toBe(0);
  });
});

describe("steps that are worked out", () => {
  it("come one after the other and can be taken back", async () => {
    stroke([100, 100]);
    const drawn = editor.coverage.value.marked;
    void editor.invert();
    void editor.grow(-3);
    editor.undo();
    await idle();
    expect(editor.coverage.value.marked).toBe(WIDTH * HEIGHT - drawn);
    editor.undo();
    await idle();
    expect(editor.coverage.value.marked).toBe(drawn);
  });

  describe("that take long", () => {
    let open: () => void;

    beforeEach(() => {
      const direct = directCompute();
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const slow: Compute = {
        ...direct,
        outcome: async (of, operation) => {
          const made = await direct.outcome(of, operation);
          await gate;
          return made;
        },
      };
      editor = new Editor(slow);
      editor.open(picture());
    });

    async function begun(): Promise<void> {
      await new Promise((go) => setTimeout(go, 0));
    }

    it("leave what is drawn meanwhile as it was drawn", async () => {
      stroke([30, 30]);
      const done = editor.clear();
      await begun();
      stroke([100, 100]);
      stroke([200, 100]);
      editor.layer.value = "sketch";
      stroke([50, 50], [80, 80]);
      editor.layer.value = "mask";
      open();
      await done;
      expect(editor.coverage.value.box).toEqual({ x: 68, y: 68, width: 164, height: 64 });
      expect(editor.hasSketch.value).toBe(true);
    });

    it("wait for a stroke that began where another was broken off", async () => {
      stroke([30, 30]);
      const done = editor.clear();
      await begun();
      editor.press(at(60, 60));
      open();
      await begun();
      editor.press(at(100, 100)); // without a release: the first is cancelled
      await begun();
      expect(editor.working.value).toBe(true);
      editor.drag([at(200, 100)]);
      editor.release();
      await done;
      expect(editor.coverage.value.box).toEqual({ x: 68, y: 68, width: 164, height: 64 });
    });

    it("are a step before what is drawn meanwhile", async () => {
      const done = editor.invert();
      await begun();
      stroke([100, 100]);
      editor.brush.value = { ...editor.brush.value, size: 40 };
      editor.tool.value = "eraser";
      editor.press(at(200, 100)); // the hand is still down when the step is there
      open();
      await begun();
      expect(editor.working.value).toBe(true);
      editor.release();
      await done;
      await idle();
      const { marked } = editor.coverage.value;
      expect(marked).toBeLessThan(WIDTH * HEIGHT - 1000);
      const after = levels().slice();
      editor.undo();
      expect(editor.coverage.value.marked).toBe(WIDTH * HEIGHT); // the brush added nothing
      editor.undo();
      expect(editor.coverage.value.marked).toBe(0);
      expect(editor.canUndo.value).toBe(false);
      editor.redo();
      editor.redo();
      expect(Buffer.from(after).equals(levels())).toBe(true);
    });
  });

  it("of another picture are let go", async () => {
    const late = editor.selectAll();
    editor.open(picture(40, 40));
    await late;
    expect(editor.coverage.value.marked).toBe(0);
    expect(editor.canUndo.value).toBe(false);
  });
});

describe("lasso and rectangle", () => {
  it("mark what they go round, or take it away", async () => {
    editor.tool.value = "rectangle";
    stroke([200, 120], [100, 20]);
    await idle();
    expect(editor.coverage.value.box).toEqual({ x: 100, y: 20, width: 100, height: 100 });
    expect(editor.coverage.value.marked).toBe(10_000);
    editor.tool.value = "lasso";
    editor.subtract.value = true;
    stroke([100, 20], [200, 20], [200, 70], [100, 70]);
    await idle();
    expect(editor.coverage.value.marked).toBe(5000);
  });

  it("do nothing for a slip of the hand", async () => {
    editor.tool.value = "rectangle";
    stroke([100, 100], [101, 100]);
    await idle();
    expect(editor.canUndo.value).toBe(false);
  });

  it("mark a pixel where it is looked at closely", async () => {
    editor.tool.value = "rectangle";
    editor.zoomTo(32);
    stroke([10, 10], [11, 11]);
    await idle();
    expect(editor.coverage.value.marked).toBe(1);
  });
});

it("calls 100 % what shows a pixel as one of the screen's", () => {
  editor.setRoom({ x: 0, y: 0, width: 600, height: 600 }, 3);
  editor.actualSize();
  expect(editor.camera.value.scale).toBeCloseTo(1 / 3);
  editor.zoomIn();
  expect(editor.camera.value.scale * 3).toBeCloseTo(1.5);
  editor.zoomOut();
  expect(editor.camera.value.scale * 3).toBeCloseTo(1);
});

describe("the keyboard", () => {
  it("moves the cross-hair from the middle, dots, and draws while the pen is down", () => {
    editor.nudge(0, 0);
    expect(editor.cross.value).toEqual({ x: 150, y: 100 });
    const { scale } = editor.camera.value;
    editor.nudge(20 * scale, 0);
    expect(editor.cross.value?.x).toBeCloseTo(170);
    editor.stamp();
    expect(editor.coverage.value.box).toEqual({ x: 160, y: 90, width: 20, height: 20 });
    editor.penDown();
    editor.nudge(0, 30 * scale);
    editor.penDown();
    expect(editor.coverage.value.box).toEqual({ x: 160, y: 90, width: 20, height: 50 });
    editor.nudge(-9999, 0);
    expect(editor.cross.value?.x).toBe(0);
  });

  it("sets the corners of a rectangle with two stamps", async () => {
    editor.tool.value = "rectangle";
    const { scale } = editor.camera.value;
    editor.nudge(0, 0);
    editor.stamp();
    editor.nudge(40 * scale, 30 * scale);
    editor.stamp();
    await idle();
    expect(editor.coverage.value.marked).toBe(40 * 30);
  });
});

describe("files", () => {
  it("keep mask and sketch exactly over a reload", async () => {
    editor.brush.value = { size: 60, softness: 1, pressure: true };
    stroke([100, 100], [200, 120]);
    editor.layer.value = "sketch";
    stroke([10, 10], [90, 90]);
    const saved = await editor.save();
    const mask = levels().slice();
    const sketch = editor.document.planes.sketch.data.slice();
    editor.open(picture());
    await editor.restore(saved);
    expect(Buffer.from(mask).equals(levels())).toBe(true);
    expect(Buffer.from(sketch).equals(editor.document.planes.sketch.data)).toBe(true);
    expect(editor.canUndo.value).toBe(false);
    expect((await editor.maskBlob())?.soft).toBe(true);
  });

  it("are nothing where nothing is drawn", async () => {
    expect(await editor.maskBlob()).toBeNull();
    expect(await editor.save()).toEqual({ mask: null, sketch: null });
  });

  it("wait for what is being worked out", async () => {
    stroke([50, 50]);
    const { marked } = editor.coverage.value;
    void editor.invert();
    const saved = await editor.save();
    editor.open(picture());
    await editor.restore(saved);
    expect(editor.coverage.value.marked).toBe(WIDTH * HEIGHT - marked);
  });

  it("that come back over other work are a step of it, and all there is", async () => {
    stroke([50, 50]);
    const { box } = editor.coverage.value;
    const saved = await editor.save();
    editor.undo();
    stroke([150, 100]);
    stroke([150, 150]);
    const before = levels().slice();
    editor.layer.value = "sketch";
    stroke([50, 50]);
    await editor.restore(saved);
    expect(editor.coverage.value.box).toEqual(box);
    expect(editor.hasSketch.value).toBe(false);
    editor.undo();
    expect(editor.hasSketch.value).toBe(true);
    editor.undo();
    expect(Buffer.from(before).equals(levels())).toBe(true);
    while (editor.canUndo.value) editor.undo();
    expect(editor.coverage.value.marked).toBe(0);
  });

  it("heed a stroke that was drawn before they were read", async () => {
    stroke([50, 50]);
    const saved = await editor.save();
    editor.open(picture());
    const restored = editor.restore(saved);
    stroke([55, 50]);
    await restored;
    while (editor.canUndo.value) editor.undo();
    expect(editor.coverage.value.marked).toBe(0);
  });

  it("of another size of the same aspect are scaled, and meet what is there", async () => {
    const half = { width: 150, height: 100, data: new Uint8Array(150 * 100) };
    half.data.fill(255, 0, 150 * 50);
    const file = await encodeGray(half);
    await editor.importMask(file, { read: "auto", into: "replace" });
    expect(editor.coverage.value.box).toEqual({ x: 0, y: 0, width: 300, height: 100 });
    stroke([150, 150]);
    await editor.importMask(file, { read: "light", into: "subtract" });
    expect(editor.coverage.value.box).toEqual({ x: 140, y: 140, width: 20, height: 20 });
  });

  it.each([
    ["aspect", { width: 200, height: 300, data: new Uint8Array(60_000).fill(255) }],
    ["empty", { width: WIDTH, height: HEIGHT, data: new Uint8Array(WIDTH * HEIGHT) }],
  ] as const)("are refused: %s", async (code, of) => {
    stroke([50, 50]);
    const before = editor.coverage.value;
    const refusal = editor.importMask(await encodeGray(of), { read: "auto", into: "replace" });
    await expect(refusal).rejects.toMatchObject({
      code,
      width: of.width,
    } satisfies Partial<MaskError>);
    expect(editor.coverage.value).toBe(before);
  });

  it("that are no pictures are refused", async () => {
    const refusal = editor.importMask(new Blob(["hello"]), { read: "auto", into: "add" });
    await expect(refusal).rejects.toMatchObject({ code: "unreadable" });
  });
});
