/** Names of files that are given to people: readable, and safe on every system. */
import type { Run } from "../state/types";

const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/i;
/** UTF-8 bytes; file systems allow 255 in all. */
const LONGEST = 60;

/** `text` as a part of a file's name: words with hyphens, no path, no control, no hidden file. */
export function slug(text: string, longest = LONGEST): string {
  const words = text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  let short = "";
  let bytes = 0;
  for (const character of words) {
    bytes += new TextEncoder().encode(character).length;
    if (bytes > longest) break;
    short += character;
  }
  short = short.replace(/-+$/, "");
  // Rather end at a word than in it.
  const end = short.lastIndexOf("-");
  if (short.length < words.length && words[short.length] !== "-" && end > short.length / 2) {
    short = short.slice(0, end);
  }
  return RESERVED.test(short) ? `${short}-1` : short;
}

/** A file's name without folders and without its ending. */
export function stem(name: string): string {
  const last = name.split(/[/\\]/).pop() ?? "";
  return last.replace(/(?<=.)\.[A-Za-z0-9]{1,5}$/, "");
}

/** <picture>-<prompt words>-<seed>.<ending> */
export function fileName(run: Run, seed: string, ending: string): string {
  const parts = [slug(stem(run.baseName), 40), slug(run.wish.prompt, LONGEST), slug(seed, 20)];
  return `${parts.filter(Boolean).join("-") || "overpaint"}.${ending}`;
}
