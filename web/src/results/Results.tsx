/** The film strip: the picture, and everything that was made of it, newest first. */
import { effect } from "@preact/signals";
import { History, LayoutGrid, Rows2 } from "lucide-preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { problemText } from "../problems/problems";
import { shortcuts } from "../shell/shortcuts";
import { OPEN_STATES, type Origin, type Run } from "../state/types";
import { dialog, say } from "../state/ui";
import { base, editor, runs, type Shown, shown } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { rove, settle } from "../ui/roving";
import { followShown } from "./compare";
import { resultKeys } from "./keys";
import { Notes } from "./Notes";
import { runsHere } from "./removal";
import { chainOf, itemsOf } from "./strip";
import { EarlierTile, OriginalTile, promptOf, Tile } from "./Tile";

shortcuts.push(...resultKeys);

/** Runs that the strip shows; the others are in the history. */
const MOST = 40;

export function Results() {
  const words = t().results;
  const [grid, setGrid] = useState(false);
  const strip = useRef<HTMLUListElement>(null);
  const here = runsHere.value;
  const at = shown.value;
  const origin = base.value?.origin;
  const byId = new Map(runs.value.map((run) => [run.id, run]));
  const parent = origin?.kind === "result" ? byId.get(origin.run) : undefined;
  const earlier = parent ? chainOf(parent, byId) : [];
  const current = at ? `${at.run}:${at.index}` : "original";
  useEffect(followShown, []);
  useLayoutEffect(() => {
    const inside = strip.current;
    if (!inside) return;
    const focus = inside.contains(document.activeElement) ? document.activeElement : null;
    settle(inside, focus ?? inside.querySelector(`[data-key="${current}"]`));
  });
  useEffect(() => {
    strip.current
      ?.querySelector(`[data-key="${current}"]`)
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  const newest = here[0]?.id;
  const [seen] = useState(() => ({ newest }));
  useEffect(() => {
    // One that has just begun stands at the start.
    if (newest && seen.newest !== newest) strip.current?.scrollTo({ left: 0, top: 0 });
    seen.newest = newest;
  }, [newest]);
  return (
    <section
      class="results"
      aria-label={words.title}
      data-grid={grid || undefined}
      data-empty={here.length === 0 || undefined}
    >
      <header class="results-head">
        <h2>{words.title}</h2>
        {here.length === 0 && <p>{words.empty}</p>}
        <div>
          <IconButton
            icon={History}
            label={words.history}
            onClick={() => {
              dialog.value = "history";
            }}
          />
          {here.length > 0 && (
            <IconButton
              class="results-switch"
              icon={grid ? Rows2 : LayoutGrid}
              label={grid ? words.strip : words.grid}
              onClick={() => setGrid(!grid)}
            />
          )}
        </div>
      </header>
      <Notes place="list" />
      {here.length > 0 && (
        <ul class="results-strip" ref={strip} onKeyDown={rove}>
          {earlier.map((run, step) => (
            <li class="results-run" key={`earlier-${run.id}`}>
              <div class="results-tiles">
                <EarlierTile run={run} index={takenFrom(earlier[step + 1]?.origin ?? origin)} />
              </div>
              <p class="results-caption">{nameOf(earlier[step - 1])}</p>
            </li>
          ))}
          <li class="results-run">
            <div class="results-tiles">
              <OriginalTile />
            </div>
            <p class="results-caption">{nameOf(earlier.at(-1))}</p>
          </li>
          {here.slice(0, MOST).map((run) => (
            <li class="results-run" key={run.id}>
              <div class="results-tiles">
                {itemsOf(run).map((item) => (
                  <Tile key={item.key} item={item} />
                ))}
              </div>
              <p class="results-caption" title={promptOf(run)}>
                {promptOf(run)}
              </p>
            </li>
          ))}
          {here.length > MOST && (
            <li class="results-run">
              <Button
                class="results-rest"
                onClick={() => {
                  dialog.value = "history";
                }}
              >
                {words.rest(here.length - MOST)}
              </Button>
            </li>
          )}
        </ul>
      )}
      <News />
    </section>
  );
}

/** What a picture of the chain is called: by the wish that made it. */
function nameOf(madeBy: Run | undefined): string {
  return madeBy ? promptOf(madeBy) : t().results.original;
}

function takenFrom(origin: Origin | undefined): number | undefined {
  return origin?.kind === "result" ? origin.index : undefined;
}

/** Says when a run has ended; shows it where nobody went on working meanwhile. */
function News() {
  const [news, setNews] = useState("");
  useEffect(() => {
    /** What was on the table and looked at when a run began. */
    const open = new Map<string, { revision: number; looked: Shown | null }>();
    return effect(() => {
      for (const run of runs.value) {
        if (OPEN_STATES.has(run.state)) {
          if (open.has(run.id)) continue;
          open.set(run.id, { revision: editor.revision.peek(), looked: shown.peek() });
        } else if (open.has(run.id) && !isFetching(run)) {
          const then = open.get(run.id);
          open.delete(run.id);
          const same = then?.revision === editor.revision.peek() && then.looked === shown.peek();
          setNews(ended(run, same));
        }
      }
    });
  }, []);
  return (
    <p class="sr-only" role="status">
      {news}
    </p>
  );
}

function isFetching(run: Run): boolean {
  return run.state === "SUCCEEDED" && run.results.some((one) => !one.bytes && !one.problem);
}

/** What is said of a run that has just ended. */
function ended(run: Run, untouched: boolean): string {
  const words = t().results;
  const first = run.results.find((result) => result.bytes);
  if (run.state !== "SUCCEEDED" || !first) {
    return run.problem ? words.failed(promptOf(run), problemText(run.problem).text) : "";
  }
  const said = words.finished(run.results.filter((one) => one.bytes).length, promptOf(run));
  const look = () => {
    shown.value = { run: run.id, index: first.index };
  };
  const isHere = run.baseId === base.peek()?.id;
  if (isHere && untouched) {
    queueMicrotask(look);
    return said;
  }
  say("success", said, isHere ? { action: { label: words.show, run: look } } : {});
  return "";
}
