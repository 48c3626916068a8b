/** How runs and work lie in the database: files by their SHA-256, each kept once. */
import {
  type Attachment,
  EMPTY_WISH,
  type Origin,
  type PictureType,
  type Problem,
  type Run,
  type Wish,
} from "../state/types";

export interface WishRecord extends Omit<Wish, "reference"> {
  reference: { id: string; name: string } | null;
}

export interface RunRecord extends Omit<Run, "wish" | "results" | "preview" | "progress"> {
  wish: WishRecord;
  results: Array<{ index: number; seed: string; id: string | null; problem: Problem | null }>;
}

/** The picture on the table, as one tab has it. */
export interface WorkRecord {
  tab: string;
  /** ms since 1970. */
  at: number;
  base: { id: string; name: string; type: PictureType; origin: Origin } | null;
  mask: string | null;
  sketch: string | null;
  wish: WishRecord;
  /** The camera, and the room that it was for, CSS px. */
  view: { scale: number; x: number; y: number; width: number; height: number } | null;
  shown: { run: string; index: number } | null;
}

/** A file that the server has already. */
export interface UploadRecord {
  /** SHA-256 of the bytes. */
  id: string;
  url: string;
  /** ms since 1970. */
  expires: number;
  /** Whose key sent it: no other can use it; null: any can, it is a result. */
  account: string | null;
}

const ids = new WeakMap<Blob, string>();

/** Remember the SHA-256 of a blob. */
export function know(blob: Blob, id: string): void {
  ids.set(blob, id);
}

/** The SHA-256 of a blob that `know` was told of. */
export function idOf(blob: Blob): string | null {
  return ids.get(blob) ?? null;
}

export function wishRecord(wish: Wish): WishRecord {
  const { reference } = wish;
  return { ...wish, reference: reference && { id: reference.id, name: reference.name } };
}

export function runRecord(run: Run): RunRecord {
  const { preview: _preview, progress: _progress, ...rest } = run;
  return {
    ...rest,
    wish: wishRecord(run.wish),
    results: run.results.map(({ index, seed, bytes, problem }) => ({
      index,
      seed,
      id: bytes && idOf(bytes),
      problem,
    })),
  };
}

type Find = (id: string) => Promise<Blob | null>;

/** The wish; a reference whose file is lost is left out, what is newer than it is as at first. */
export async function wishOf(record: WishRecord, find: Find): Promise<Wish> {
  let reference: Attachment | null = null;
  if (record.reference) {
    const bytes = await find(record.reference.id);
    reference = bytes && { ...record.reference, bytes };
  }
  return { ...EMPTY_WISH, ...record, reference };
}

export async function runOf(record: RunRecord, find: Find): Promise<Run> {
  const results = record.results.map(async ({ id, ...result }) => ({
    ...result,
    bytes: id ? await find(id) : null,
  }));
  return {
    ...record,
    wish: await wishOf(record.wish, find),
    results: await Promise.all(results),
    preview: null,
    progress: null,
  };
}

/** The files that a row needs. */
export function filesOfRun(run: RunRecord): string[] {
  const results = run.results.map((result) => result.id);
  return [run.baseId, run.maskId, run.sketchId, run.wish.reference?.id, ...results].filter(
    (id): id is string => !!id,
  );
}

export function filesOfWork(work: WorkRecord): string[] {
  return [work.base?.id, work.mask, work.sketch, work.wish.reference?.id].filter(
    (id): id is string => !!id,
  );
}
