/**
 * Undo and redo without a limit of steps. Steps beyond a budget of memory are deflated and handed to
 * the browser as Blobs, which lie outside the page's heap and which browsers move to disk.
 */
import type { Layer } from "./values";

/** Bytes of steps that are kept at hand. */
const AT_HAND = 16 * 1024 * 1024;
/** The steps nearest to now are kept at hand whatever they take. */
const NEAREST = 2;

export interface Step {
  layer: Layer;
  delta: Uint8Array<ArrayBuffer>;
}

interface Kept {
  layer: Layer;
  /** Null once it is away. */
  delta: Uint8Array<ArrayBuffer> | null;
  away: Blob | null;
}

export class History {
  private done: Kept[] = [];
  private undone: Kept[] = [];
  private packing = false;

  constructor(private readonly budget = AT_HAND) {}

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Bytes at hand, and bytes put away; for measuring. */
  get size(): { atHand: number; away: number; steps: number } {
    const all = [...this.done, ...this.undone];
    return {
      atHand: all.reduce((sum, step) => sum + (step.delta?.length ?? 0), 0),
      away: all.reduce((sum, step) => sum + (step.away?.size ?? 0), 0),
      steps: all.length,
    };
  }

  clear(): void {
    this.done = [];
    this.undone = [];
  }

  /** Remember a step that was just made; what was undone is gone. */
  push(step: Step): void {
    this.done.push({ ...step, away: null });
    this.undone = [];
    void this.pack();
  }

  /** Forget the last steps that were made. */
  drop(count: number): void {
    this.done.length -= count;
  }

  /** The step to take back, or null; a promise where it must be fetched. */
  undo(): Step | Promise<Step> | null {
    return this.move(this.done, this.undone);
  }

  redo(): Step | Promise<Step> | null {
    return this.move(this.undone, this.done);
  }

  private move(from: Kept[], to: Kept[]): Step | Promise<Step> | null {
    const kept = from.pop();
    if (!kept) return null;
    to.push(kept);
    void this.pack();
    const { layer, delta, away } = kept;
    if (delta) return { layer, delta };
    return unpack(away as Blob).then((bytes) => {
      kept.delta = bytes;
      kept.away = null;
      return { layer, delta: bytes };
    });
  }

  /** Put away the steps that are farthest from now, until the rest fits the budget. */
  async pack(): Promise<void> {
    if (this.packing) return;
    this.packing = true;
    try {
      for (;;) {
        const step = this.size.atHand > this.budget ? this.farthest() : null;
        if (!step?.delta) return;
        const packed = await deflate(step.delta);
        step.away = packed;
        step.delta = null;
      }
    } finally {
      this.packing = false;
    }
  }

  private farthest(): Kept | null {
    const old = this.done.slice(0, -NEAREST).find((step) => step.delta);
    return old ?? this.undone.slice(0, -NEAREST).find((step) => step.delta) ?? null;
  }
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Blob> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Response(stream).blob();
}

async function unpack(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const stream = blob.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
