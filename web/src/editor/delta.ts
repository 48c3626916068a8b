/**
 * What a step changed: for each tile the XOR of before and after, run-length coded. XOR undoes
 * itself, so one delta serves undo and redo.
 *
 * A delta is a row of entries: tile number, length in bytes (both as variable-length integers),
 * then tokens. A token is a variable-length integer n: n >> 1 bytes, all equal to the one byte that
 * follows if n is odd, else as they follow.
 */
import { type Levels, tileRect } from "./plane";

/** Shorter runs cost more than they save. */
const LEAST_RUN = 4;

/** Bytes that grow. */
class Writer {
  private bytes = new Uint8Array(4096);
  private length = 0;

  room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  integer(value: number): void {
    this.room(5);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  copy(from: Uint8Array): void {
    this.room(from.length);
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  integer(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }
}

/** A tile's levels, row by row, copied out. */
export function copyTile(levels: Levels, tile: number): Uint8Array<ArrayBuffer> {
  const { x, y, width, height } = tileRect(levels, tile);
  const out = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * levels.width + x;
    out.set(levels.data.subarray(from, from + width), row * width);
  }
  return out;
}

/** Put a copied tile back. */
export function pasteTile(levels: Levels, tile: number, copy: Uint8Array): void {
  const { x, y, width, height } = tileRect(levels, tile);
  for (let row = 0; row < height; row++) {
    const part = copy.subarray(row * width, (row + 1) * width);
    levels.data.set(part, (y + row) * levels.width + x);
  }
}

/** What changed since the tiles were copied; empty where nothing did. */
export function makeDelta(
  levels: Levels,
  before: ReadonlyMap<number, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  const tokens = new Writer();
  for (const [tile, old] of before) {
    const difference = copyTile(levels, tile);
    let changed = false;
    for (let i = 0; i < difference.length; i++) {
      const bits = (difference[i] as number) ^ (old[i] as number);
      difference[i] = bits;
      changed ||= bits !== 0;
    }
    if (!changed) continue;
    encode(difference, tokens);
    const coded = tokens.take();
    out.integer(tile);
    out.integer(coded.length);
    out.copy(coded);
  }
  return out.take();
}

function encode(bytes: Uint8Array, out: Writer): void {
  let plain = 0; // where the bytes that are not in a run begin
  let i = 0;
  while (i < bytes.length) {
    const value = bytes[i] as number;
    let end = i + 1;
    while (end < bytes.length && bytes[end] === value) end++;
    if (end - i >= LEAST_RUN) {
      if (i > plain) literal(bytes.subarray(plain, i), out);
      out.integer((end - i) * 2 + 1);
      out.byte(value);
      plain = end;
    }
    i = end;
  }
  if (plain < bytes.length) literal(bytes.subarray(plain), out);
}

function literal(bytes: Uint8Array, out: Writer): void {
  out.integer(bytes.length * 2);
  out.copy(bytes);
}

/** Turn before into after, or after into before. Returns the tiles that changed. */
export function applyDelta(levels: Levels, delta: Uint8Array): number[] {
  const reader = new Reader(delta);
  const changed: number[] = [];
  while (reader.at < delta.length) {
    const tile = reader.integer();
    const length = reader.integer();
    const end = reader.at + length;
    flip(levels, tile, reader, end);
    changed.push(tile);
  }
  return changed;
}

function flip(levels: Levels, tile: number, reader: Reader, end: number): void {
  const { x, y, width } = tileRect(levels, tile);
  const { data } = levels;
  const { bytes } = reader;
  let done = 0; // pixels of the tile
  while (reader.at < end) {
    const token = reader.integer();
    const until = done + (token >> 1);
    const run = (token & 1) === 1;
    const bits = run ? (bytes[reader.at++] as number) : 0;
    if (run && bits === 0) done = until;
    while (done < until) {
      const column = done % width;
      const stop = Math.min(until, done + width - column); // the row's end
      const at = (y + (done - column) / width) * levels.width + x + column - done;
      if (run) for (; done < stop; done++) data[at + done] = (data[at + done] as number) ^ bits;
      else {
        for (; done < stop; done++) {
          data[at + done] = (data[at + done] as number) ^ (bytes[reader.at++] as number);
        }
      }
    }
  }
}
