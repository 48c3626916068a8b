/** What came from what: the pictures of a chain of edits, in their order. */
import { ChevronRight } from "lucide-preact";
import { t } from "../i18n";
import type { Run } from "../state/types";
import { promptOf } from "./Tile";
import { useThumb, useThumbOf } from "./thumbs";

export function Chain({ chain }: { chain: readonly Run[] }) {
  const words = t().results;
  const [first] = chain;
  if (!first) return null;
  return (
    <ol class="results-chain">
      <Link view={useThumb(first.baseId)} text={words.original} />
      {chain.map((run, at) => (
        <Step key={run.id} run={run} next={chain[at + 1]} />
      ))}
    </ol>
  );
}

/** A run of the chain, seen in the picture that the next one started from. */
function Step({ run, next }: { run: Run; next: Run | undefined }) {
  const origin = next?.origin;
  const index = origin?.kind === "result" ? origin.index : null;
  const taken = run.results.find((one) => one.index === index) ?? run.results.find((o) => o.bytes);
  return <Link view={useThumbOf(taken?.bytes ?? null)} text={promptOf(run)} arrow />;
}

function Link({ view, text, arrow }: { view: string | null; text: string; arrow?: boolean }) {
  return (
    <li>
      {arrow && <ChevronRight size={16} aria-hidden="true" />}
      <figure>
        {view ? <img src={view} alt="" /> : <span class="results-blank" />}
        <figcaption title={text}>{text}</figcaption>
      </figure>
    </li>
  );
}
