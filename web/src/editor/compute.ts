/** The page's side of the worker. */
import type { Colours } from "./flood";
import { type Operation, type Outcome, outcome } from "./operations";
import type { Message, Question, Reply } from "./pixels.worker";
import type { Levels } from "./plane";
import { encodeGray } from "./png";
import { type Reading, readLevels, scaleLevels } from "./reading";

/** Heavy steps, done elsewhere. Levels that are given are copied. */
export interface Compute {
  /** The picture whose colours the wand reads; taken. */
  picture(bitmap: ImageBitmap | null): Promise<void>;
  outcome(levels: Levels, operation: Operation): Promise<Outcome>;
  encode(levels: Levels, negative: boolean): Promise<Blob>;
  read(
    colours: Colours,
    read: Reading,
    lossy: boolean,
    to: { width: number; height: number },
  ): Promise<Levels>;
}

/** In a worker, which starts when it is first asked. */
export function workerCompute(): Compute {
  let worker: Worker | null = null;
  let next = 1;
  const open = new Map<number, { resolve: (value: never) => void; reject: (e: Error) => void }>();

  const start = () => {
    const made = new Worker(new URL("./pixels.worker.ts", import.meta.url), { type: "module" });
    made.onmessage = ({ data: { id, answer, error } }: MessageEvent<Reply>) => {
      const waiting = open.get(id);
      open.delete(id);
      if (error === undefined) waiting?.resolve(answer as never);
      else waiting?.reject(new Error(error));
    };
    made.onerror = (event) => {
      worker = null; // the next question starts a new one
      for (const { reject } of open.values()) reject(new Error(event.message));
      open.clear();
    };
    return made;
  };

  const ask = <T>(question: Question, transfer: Transferable[] = []): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const id = next++;
      open.set(id, { resolve, reject });
      worker ??= start();
      worker.postMessage({ id, question } satisfies Message, transfer);
    });

  const copy = ({ width, height, data }: Levels): Levels => ({ width, height, data: data.slice() });

  return {
    picture: (bitmap) => ask({ kind: "picture", bitmap }, bitmap ? [bitmap] : []),
    outcome: (levels, operation) => {
      const sent = copy(levels);
      return ask({ kind: "outcome", levels: sent, operation }, [sent.data.buffer]);
    },
    encode: (levels, negative) => {
      const sent = copy(levels);
      return ask({ kind: "encode", levels: sent, negative }, [sent.data.buffer]);
    },
    read: (colours, read, lossy, to) =>
      ask({ kind: "read", colours, read, lossy, ...to }, [colours.data.buffer as ArrayBuffer]),
  };
}

/** The same, here and now; for where there are no workers. */
export function directCompute(colours: Colours | null = null): Compute {
  return {
    picture: async () => {},
    outcome: async (levels, operation) => outcome(levels, operation, colours),
    encode: encodeGray,
    read: async (of, read, lossy, to) =>
      scaleLevels(readLevels(of, read, lossy), to.width, to.height),
  };
}
