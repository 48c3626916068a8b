/** Where the heavy steps run, so that the hand is never held up. */
import type { Colours } from "./flood";
import { type Operation, outcome } from "./operations";
import type { Levels } from "./plane";
import { encodeGray } from "./png";
import { type Reading, readLevels, scaleLevels } from "./reading";

/** What the page asks; every question has a number that its answer bears. */
export type Question =
  | { kind: "picture"; bitmap: ImageBitmap | null }
  | { kind: "outcome"; levels: Levels; operation: Operation }
  | { kind: "encode"; levels: Levels; negative: boolean }
  | {
      kind: "read";
      colours: Colours;
      read: Reading;
      lossy: boolean;
      width: number;
      height: number;
    };

export type Message = { id: number; question: Question };
export type Reply = { id: number; answer?: unknown; error?: string };

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Message>) => void) | null;
  postMessage(reply: Reply, transfer: Transferable[]): void;
};

let colours: Colours | null = null;

scope.onmessage = async ({ data: { id, question } }) => {
  try {
    const [answer, transfer] = await work(question);
    scope.postMessage({ id, answer }, transfer);
  } catch (error) {
    scope.postMessage({ id, error: String(error) }, []);
  }
};

async function work(question: Question): Promise<[unknown, Transferable[]]> {
  switch (question.kind) {
    case "picture":
      colours = question.bitmap && coloursOf(question.bitmap);
      return [null, []];
    case "outcome": {
      const made = outcome(question.levels, question.operation, colours);
      return [made, [made.data.buffer, made.delta.buffer]];
    }
    case "encode":
      return [await encodeGray(question.levels, question.negative), []];
    case "read": {
      const read = readLevels(question.colours, question.read, question.lossy);
      const scaled = scaleLevels(read, question.width, question.height);
      return [scaled, [scaled.data.buffer]];
    }
  }
}

/** A picture's pixels; takes the bitmap. */
function coloursOf(bitmap: ImageBitmap): Colours {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser gives no canvas here.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
