/** What the film strip shows, and the chains of edits, worked out from the runs. Pure. */
import { OPEN_STATES, type Result, type Run } from "../state/types";

export type Item =
  | { kind: "open"; key: string; run: Run }
  | { kind: "result"; key: string; run: Run; result: Result }
  | { kind: "problem"; key: string; run: Run; result: Result | null };

/** The tiles of one run, as they come: one while it is open, then one a picture. */
export function itemsOf(run: Run): Item[] {
  if (OPEN_STATES.has(run.state)) return [{ kind: "open", key: run.id, run }];
  if (run.state !== "SUCCEEDED") return [{ kind: "problem", key: run.id, run, result: null }];
  return run.results.map((result) => {
    const kind = result.problem && !result.bytes ? "problem" : "result";
    return { kind, key: `${run.id}:${result.index}`, run, result };
  });
}

/** Pictures that can be looked at, in the strip's order. */
export function pictures(runs: readonly Run[]): Array<{ run: Run; result: Result }> {
  return runs.flatMap((run) =>
    itemsOf(run).flatMap((item) =>
      item.kind === "result" && item.result.bytes ? [{ run, result: item.result }] : [],
    ),
  );
}

/** How far an open run is, 0 to 1; null: nobody knows. */
export function shareOf(run: Run): number | null {
  if (run.state === "UPLOADING") return run.uploaded;
  if (run.state !== "RUNNING" || !run.progress || run.progress.total <= 0) return null;
  return Math.min(1, run.progress.done / run.progress.total);
}

/** The runs that led to this one, the first first, itself last. A loop in damaged data ends. */
export function chainOf(run: Run, byId: ReadonlyMap<string, Run>): Run[] {
  const chain = [run];
  const seen = new Set([run.id]);
  let at: Run | undefined = run;
  while (at?.origin.kind === "result") {
    at = byId.get(at.origin.run);
    if (!at || seen.has(at.id)) break;
    seen.add(at.id);
    chain.unshift(at);
  }
  return chain;
}

/** Lower case, without accents and widths, for searching. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Everything that a run is found by. `date` writes its day in the page's language. */
function haystack(run: Run, date: (ms: number) => string): string {
  const day = new Date(run.created);
  const iso = [
    day.getFullYear(),
    String(day.getMonth() + 1).padStart(2, "0"),
    String(day.getDate()).padStart(2, "0"),
  ].join("-");
  const seeds = run.results.map((result) => result.seed);
  const { prompt, negative, style } = run.wish;
  return folded(
    [prompt, negative, style, run.baseName, ...seeds, iso, date(run.created)].join("\n"),
  );
}

/** Finds runs by words, all of which must be there; what was folded once is remembered. */
export class Finder {
  private readonly known = new Map<string, { of: Run; text: string }>();

  constructor(private readonly date: (ms: number) => string) {}

  find(runs: readonly Run[], query: string): Run[] {
    const words = folded(query).split(/\s+/).filter(Boolean);
    if (words.length === 0) return [...runs];
    return runs.filter((run) => {
      const text = this.text(run);
      return words.every((word) => text.includes(word));
    });
  }

  private text(run: Run): string {
    const known = this.known.get(run.id);
    if (known?.of === run) return known.text;
    const text = haystack(run, this.date);
    this.known.set(run.id, { of: run, text });
    return text;
  }
}

/** Seconds between the order and its end; null while it is open or was never sent. */
export function tookOf(run: Run): number | null {
  if (run.ended === null) return null;
  return Math.max(0, run.ended - (run.submitted ?? run.created)) / 1000;
}

/** "12.3 MB" */
export function bytesText(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  let value = bytes;
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  const digits = at > 0 && value < 10 ? 1 : 0;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[at],
    unitDisplay: at === 0 ? "long" : "short",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}
