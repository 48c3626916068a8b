/** One frame of the film strip: a result, a run under way, or what went wrong. */
import { ChevronRight, ImageOff, RotateCw, TriangleAlert, X } from "lucide-preact";
import { t } from "../i18n";
import { problemText } from "../problems/problems";
import { cancelRun, retryRun } from "../runs/runs";
import { runText } from "../runs/words";
import type { Result, Run } from "../state/types";
import { base, shown } from "../state/work";
import { IconButton } from "../ui/Button";
import { openAgain } from "./actions";
import { removeRuns } from "./removal";
import { type Item, shareOf } from "./strip";
import { useThumb, useThumbOf } from "./thumbs";

export function promptOf(run: Run): string {
  return run.wish.prompt.trim() || t().results.noPrompt;
}

/** Width over height, within what a strip can show. */
function aspectOf({ width, height }: { width: number; height: number }): number {
  return Math.min(1.9, Math.max(0.62, width / height));
}

export function Tile({ item }: { item: Item }) {
  if (item.kind === "open") return <OpenTile run={item.run} />;
  if (item.kind === "problem") return <ProblemTile run={item.run} result={item.result} />;
  return <ResultTile run={item.run} result={item.result} />;
}

function ResultTile({ run, result }: { run: Run; result: Result }) {
  const words = t().results;
  const view = useThumbOf(result.bytes);
  const current = shown.value?.run === run.id && shown.value.index === result.index;
  const of = run.results.length;
  return (
    <button
      type="button"
      class="results-tile"
      style={{ aspectRatio: aspectOf(run) }}
      aria-current={current || undefined}
      aria-label={words.tile(result.index + 1, of, promptOf(run))}
      aria-busy={!result.bytes || undefined}
      data-key={`${run.id}:${result.index}`}
      onClick={() => {
        shown.value = { run: run.id, index: result.index };
      }}
    >
      {view ? (
        <img src={view} alt="" draggable={false} />
      ) : (
        <span class="results-waiting">{result.bytes ? "" : words.fetching}</span>
      )}
      {of > 1 && <span class="results-number">{result.index + 1}</span>}
    </button>
  );
}

export function OriginalTile() {
  const words = t().results;
  const picture = base.value;
  const view = useThumbOf(picture?.bytes ?? null);
  if (!picture) return null;
  return (
    <button
      type="button"
      class="results-tile"
      style={{ aspectRatio: aspectOf(picture) }}
      aria-current={shown.value === null || undefined}
      aria-label={words.originalTile}
      data-key="original"
      onClick={() => {
        shown.value = null;
      }}
    >
      {view && <img src={view} alt="" draggable={false} />}
    </button>
  );
}

/** A picture that the one on the table came from; opens it again with what was made of it. */
export function EarlierTile({ run, index }: { run: Run; index: number | undefined }) {
  const words = t().results;
  const view = useThumb(run.baseId);
  return (
    <>
      <button
        type="button"
        class="results-tile results-earlier"
        style={{ aspectRatio: aspectOf(run) }}
        aria-label={words.earlier(promptOf(run))}
        data-tip={words.earlierTip}
        onClick={() => void openAgain(run, index)}
      >
        {view && <img src={view} alt="" draggable={false} />}
      </button>
      <ChevronRight class="results-then" size={18} aria-hidden="true" />
    </>
  );
}

function OpenTile({ run }: { run: Run }) {
  const words = t().results;
  const beneath = useThumbOf(base.value?.id === run.baseId ? base.value.bytes : null);
  const share = shareOf(run);
  const prompt = promptOf(run);
  return (
    <div class="results-open" style={{ aspectRatio: aspectOf(run) }}>
      {beneath && <img src={beneath} alt="" class="results-beneath" />}
      {run.preview && <PreviewPart run={run} />}
      <div class="results-progress">
        <span>{runText(run)}</span>
        <progress aria-label={prompt} {...(share === null ? {} : { value: share })} max={1} />
      </div>
      {run.wish.n > 1 && <span class="results-number">× {run.wish.n}</span>}
      <IconButton
        class="results-corner"
        icon={X}
        label={words.cancelRun(prompt)}
        onClick={() => void cancelRun(run.id)}
      />
    </div>
  );
}

/** The part that is being painted, where it lies in the picture. */
function PreviewPart({ run }: { run: Run }) {
  if (!run.preview) return null;
  const { url, box } = run.preview;
  const share = (value: number, of: number) => `${(100 * value) / of}%`;
  return (
    <img
      src={url}
      alt=""
      class="results-part"
      style={{
        left: share(box.x, run.width),
        top: share(box.y, run.height),
        width: share(box.width, run.width),
        height: share(box.height, run.height),
      }}
    />
  );
}

function ProblemTile({ run, result }: { run: Run; result: Result | null }) {
  const words = t().results;
  const problem = result?.problem ?? run.problem;
  const said = problem ? problemText(problem) : { text: runText(run), hint: "" };
  const prompt = promptOf(run);
  const calm = run.state === "CANCELED";
  return (
    <div class="results-problem" data-calm={calm || undefined}>
      <p>
        {calm ? (
          <ImageOff size={16} aria-hidden="true" />
        ) : (
          <TriangleAlert size={16} aria-hidden="true" />
        )}
        <span>
          <strong>{said.text}</strong>
          {said.hint && <span> {said.hint}</span>}
        </span>
      </p>
      <div>
        {!result && (
          <button
            type="button"
            class="button"
            aria-label={words.retryRun(prompt)}
            onClick={() => void retryRun(run)}
          >
            <RotateCw size={15} aria-hidden="true" />
            <span>{words.retry}</span>
          </button>
        )}
        {!result && (
          <IconButton icon={X} label={words.removeRun(prompt)} onClick={() => removeRuns([run])} />
        )}
      </div>
    </div>
  );
}
