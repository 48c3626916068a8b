/** All that was made on this device: found by words, opened again, kept or removed. */
import { FolderOpen, Link2, Search, Star, Trash2 } from "lucide-preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { language, t } from "../i18n";
import { problemText } from "../problems/problems";
import { starRun } from "../runs/runs";
import { runText } from "../runs/words";
import { OPEN_STATES, type Run } from "../state/types";
import { runs } from "../state/work";
import { keeping, size } from "../store/store";
import { Button, IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choice } from "../ui/Fields";
import { openAgain } from "./actions";
import { Chain } from "./Chain";
import { keptRuns, removal, removeRuns } from "./removal";
import { bytesText, chainOf, Finder } from "./strip";
import { promptOf } from "./Tile";
import { useThumb, useThumbOf } from "./thumbs";

/** Rows that are drawn at first, and that come with each look at the end. */
const PAGE = 24;
type Show = "all" | "starred";

export function History({ onClose }: { onClose: () => void }) {
  const words = t().results;
  const [query, setQuery] = useState("");
  const [show, setShow] = useState<Show>("all");
  const [root, setRoot] = useState<string | null>(null);
  const [most, setMost] = useState(PAGE);
  const all = keptRuns.value;
  const spoken = language.value;
  const date = useMemo(() => dayText(spoken), [spoken]);
  const finder = useMemo(() => new Finder(date), [date]);
  const byId = useMemo(() => new Map(runs.value.map((run) => [run.id, run])), [runs.value]);
  const found = useMemo(() => {
    const starred = show === "starred" ? all.filter((run) => run.starred) : all;
    const one = root ? starred.filter((run) => chainOf(run, byId)[0]?.id === root) : starred;
    return finder.find(one, query);
  }, [all, query, show, root, finder, byId]);
  const seen = found.slice(0, most);
  useEffect(() => setMost(PAGE), [query, show, root]);
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Where keys are at hand; elsewhere a keyboard would come over the list.
    if (!matchMedia("(pointer: fine)").matches) return;
    const frame = requestAnimationFrame(() => search.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <Dialog title={words.historyTitle} onClose={onClose} wide actions={<Foot all={all} />}>
      <div class="results-find">
        <div class="results-search">
          <Search size={18} aria-hidden="true" />
          <input
            ref={search}
            type="search"
            aria-label={words.search}
            placeholder={words.search}
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
        </div>
        <Choice<Show>
          label={words.starred}
          value={show}
          options={[
            { value: "all", label: words.all },
            { value: "starred", label: words.starred },
          ]}
          onChange={setShow}
        />
      </div>
      <p class="results-count" role="status">
        {found.length > 0 && words.found(found.length)}
        {found.length === 0 && (all.length === 0 ? words.nothing : words.nothingFound)}
      </p>
      {removal.value && (
        <p class="results-undo" role="status">
          <span>{words.removed(removal.value.count)}</span>
          <Button kind="quiet" onClick={removal.value.undo}>
            {words.undo}
          </Button>
        </p>
      )}
      {root && (
        <Button icon={Link2} class="results-filter" onClick={() => setRoot(null)} aria-pressed>
          {words.oneChain} ×
        </Button>
      )}
      <ul class="results-history">
        {seen.map((run, at) => {
          const before = seen[at - 1];
          const day = dayOf(run.created, date);
          const starts = !before || dayOf(before.created, date) !== day;
          return (
            <Row
              key={run.id}
              run={run}
              day={starts ? day : null}
              chain={chainOf(run, byId)}
              onChain={setRoot}
              onOpened={onClose}
            />
          );
        })}
      </ul>
      {seen.length < found.length && <More onMore={() => setMost((now) => now + PAGE)} />}
    </Dialog>
  );
}

interface RowProps {
  run: Run;
  /** The day above it, where one begins. */
  day: string | null;
  chain: Run[];
  onChain: (root: string) => void;
  onOpened: () => void;
}

function Row({ run, day, chain, onChain, onOpened }: RowProps) {
  const words = t().results;
  const prompt = promptOf(run);
  const time = new Intl.DateTimeFormat(language.value, { timeStyle: "short" }).format(run.created);
  const [root] = chain;
  const open = async () => {
    if (await openAgain(run)) onOpened();
  };
  return (
    <li class="results-row">
      {day && <h3>{day}</h3>}
      <article aria-label={prompt}>
        <button
          type="button"
          class="results-views"
          aria-label={`${words.open}: ${prompt}`}
          data-tip={words.openTip}
          onClick={open}
        >
          <Views run={run} />
        </button>
        <div class="results-words">
          <p class="results-prompt">{prompt}</p>
          <p class="results-about">
            <span>{time}</span>
            <span>{run.baseName}</span>
            <State run={run} />
          </p>
          {chain.length > 1 && root && (
            <details>
              <summary>
                <Link2 size={14} aria-hidden="true" /> {words.wholeChain(chain.length)}
              </summary>
              <Chain chain={chain} />
              <Button kind="quiet" onClick={() => onChain(root.id)}>
                {words.showChain}
              </Button>
            </details>
          )}
        </div>
        <div class="results-acts">
          <IconButton icon={FolderOpen} label={words.open} onClick={open} />
          <IconButton
            class="results-star"
            icon={Star}
            label={run.starred ? words.unstar : words.star}
            pressed={run.starred}
            onClick={() => void starRun(run.id, !run.starred)}
          />
          <IconButton
            icon={Trash2}
            label={`${words.remove}: ${prompt}`}
            onClick={() => removeRuns([run])}
          />
        </div>
      </article>
    </li>
  );
}

function State({ run }: { run: Run }) {
  const words = t().results;
  if (OPEN_STATES.has(run.state)) return <span>{runText(run)}</span>;
  if (run.problem) return <span class="results-wrong">{problemText(run.problem).text}</span>;
  const [first] = run.results;
  return first?.seed ? (
    <span>
      {words.seed} {first.seed}
    </span>
  ) : null;
}

/** Up to four pictures of a run; the picture it started from where there is none. */
function Views({ run }: { run: Run }) {
  const made = run.results.filter((result) => result.bytes).slice(0, 4);
  if (made.length === 0) return <Pale id={run.baseId} />;
  return (
    <>
      {made.map((result) => (
        <ViewOf key={result.index} bytes={result.bytes} />
      ))}
    </>
  );
}

function Pale({ id }: { id: string }) {
  return <View url={useThumb(id)} pale />;
}

function ViewOf({ bytes }: { bytes: Blob | null }) {
  return <View url={useThumbOf(bytes)} />;
}

function View({ url, pale }: { url: string | null; pale?: boolean }) {
  if (!url) return <span class="results-blank" />;
  return <img src={url} alt="" data-pale={pale || undefined} draggable={false} />;
}

/** Brings more rows when its place comes into sight, and when it is pressed. */
function More({ onMore }: { onMore: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return;
    const watch = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && onMore(),
      { rootMargin: "600px" },
    );
    watch.observe(element.current);
    return () => watch.disconnect();
  });
  return (
    <div ref={element} class="results-more">
      <Button kind="quiet" onClick={onMore}>
        {t().results.loadMore}
      </Button>
    </div>
  );
}

/** How much is kept, and all of it away. */
function Foot({ all }: { all: readonly Run[] }) {
  const words = t().results;
  const [room, setRoom] = useState<{ used: number; quota: number | null } | null>(null);
  const count = runs.value.length;
  useEffect(() => {
    let here = true;
    size().then((found) => here && setRoom(found));
    return () => {
      here = false;
    };
  }, [count]);
  const spoken = language.value;
  const gone = all.filter((run) => !run.starred && !OPEN_STATES.has(run.state));
  return (
    <div class="results-foot">
      <p>
        <span>{keeping.value === "memory" ? words.historyMemory : words.historyHint}</span>
        {room && (
          <span>
            {room.quota === null
              ? words.usedOnly(bytesText(room.used, spoken))
              : words.used(bytesText(room.used, spoken), bytesText(room.quota, spoken))}
          </span>
        )}
      </p>
      <Button
        icon={Trash2}
        kind="danger"
        disabled={gone.length === 0}
        onClick={() => removeRuns(gone)}
      >
        {words.removeAll}
      </Button>
    </div>
  );
}

const DAY_MS = 86_400_000;

/** "Today", "Yesterday", "12 November 2026" */
function dayOf(ms: number, date: (ms: number) => string): string {
  const words = t().results;
  const start = new Date().setHours(0, 0, 0, 0);
  if (ms >= start) return words.today;
  if (ms >= start - DAY_MS) return words.yesterday;
  return date(ms);
}

function dayText(spoken: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat(spoken, { dateStyle: "long" });
  return (ms) => format.format(ms);
}
