import { Clipboard, ImagePlus } from "lucide-preact";
import { t } from "../i18n";
import { useThumb } from "../results/thumbs";
import { limits } from "../state/session";
import type { Run } from "../state/types";
import { say } from "../state/ui";
import { runs } from "../state/work";
import { getBlob } from "../store/store";
import { Button } from "../ui/Button";
import { shown } from "../ui/keys";
import { opening, openPicture, pickPicture } from "./picture";
import { fetching, openSample, SAMPLES, type Sample } from "./samples";

/** The first view: a sheet to drop a picture on, samples, and what one worked on lately. */
export function Welcome() {
  const words = t().shell;
  const { minSide, maxSide, maxBytes } = limits.value;
  return (
    <div class="shell-welcome">
      <div class="shell-hello">
        <div class="shell-claim">
          <h2>{words.claim}</h2>
          <p>{words.promise}</p>
          <ol class="shell-steps" aria-label={words.steps}>
            <Step title={words.step1} text={words.step1Text} />
            <Step title={words.step2} text={words.step2Text} />
            <Step title={words.step3} text={words.step3Text} />
          </ol>
        </div>
        <section class="shell-sheet" aria-label={words.newPicture} aria-busy={opening.value}>
          <Drawing />
          <p class="shell-drop">{words.drop}</p>
          <Button icon={ImagePlus} kind="primary" busy={opening.value} onClick={pickPicture}>
            {words.pick}
          </Button>
          <p class="shell-paste">
            <Clipboard size={15} aria-hidden="true" />
            {words.paste(shown("Mod+V"))}
          </p>
          <p class="hint">
            {words.limits(String(Math.round(maxBytes / 1048576)), minSide, maxSide)}
          </p>
          <p class="sr-only" role="status">
            {opening.value ? words.reading : ""}
          </p>
        </section>
      </div>
      <Recent />
      <section class="shell-shelf" aria-labelledby="shell-samples">
        <h3 id="shell-samples">{words.samples}</h3>
        <ul>
          {SAMPLES.map((one) => (
            <li key={one.id}>
              <SampleCard sample={one} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function Step({ title, text }: { title: string; text: string }) {
  return (
    <li>
      <strong>{title}</strong>
      <span>{text}</span>
    </li>
  );
}

const SAMPLE_WORDS = {
  chelsea: ["sampleChelsea", "sampleChelseaTry"],
  coffee: ["sampleCoffee", "sampleCoffeeTry"],
  rocket: ["sampleRocket", "sampleRocketTry"],
} as const;

function SampleCard({ sample }: { sample: Sample }) {
  const words = t().shell;
  const [name, idea] = SAMPLE_WORDS[sample.id];
  return (
    <button
      type="button"
      class="shell-card"
      aria-busy={fetching.value === sample.id || undefined}
      onClick={() => void openSample(sample)}
    >
      <img src={sample.thumb} width={360} height={240} alt="" />
      <span>
        <strong>{words[name]}</strong>
        <small>{words[idea]}</small>
      </span>
    </button>
  );
}

/** The pictures of the latest runs, each once. */
function Recent() {
  const seen = new Map<string, Run>();
  for (const run of runs.value) if (!seen.has(run.baseId)) seen.set(run.baseId, run);
  const latest = [...seen.values()].slice(0, 4);
  if (latest.length === 0) return null;
  return (
    <section class="shell-shelf" aria-labelledby="shell-recent">
      <h3 id="shell-recent">{t().shell.resume}</h3>
      <ul class="small">
        {latest.map((run) => (
          <li key={run.baseId}>
            <RecentCard run={run} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function RecentCard({ run }: { run: Run }) {
  const view = useThumb(run.baseId);
  if (!view) return null;
  const open = async () => {
    const file = await getBlob(run.baseId);
    if (!file) return say("problem", t().shell.recentGone);
    return openPicture(new File([file], run.baseName, { type: file.type }), run.origin);
  };
  return (
    <button type="button" class="shell-card" onClick={() => void open()}>
      <img src={view} width={180} height={120} alt="" />
      <span>
        <strong>
          <bdi>{run.baseName}</bdi>
        </strong>
        <small>{run.wish.prompt}</small>
      </span>
    </button>
  );
}

/** A picture of hills, with a stroke of the brush over the sun. */
function Drawing() {
  return (
    <svg class="shell-drawing" viewBox="0 0 240 132" aria-hidden="true">
      <circle class="line faint" cx="196" cy="30" r="12" />
      <path class="line faint" d="M8 126c40-12 74-10 112-16 44-7 76-6 112 4" />
      <path
        class="line"
        d="M8 116c22-4 34-38 54-44 16-5 26 14 40 10 24-7 34-48 58-50 22-2 38 46 72 56"
      />
      <path class="stroke" d="M40 60c8-22 20-2 34-14s16-26 34-22" />
    </svg>
  );
}
