/** All that is known of one result. */
import { Copy } from "lucide-preact";
import { language, t } from "../i18n";
import { readSize } from "../panel/sizes";
import { noteText } from "../problems/notes";
import { say } from "../state/ui";
import { runs } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { type Looked, reuse } from "./actions";
import { Chain } from "./Chain";
import { copyText } from "./clipboard";
import { chainOf, tookOf } from "./strip";
import { promptOf } from "./Tile";

export function Details({ run, result, onClose }: Looked & { onClose: () => void }) {
  const words = t().results;
  const { wish } = run;
  const took = tookOf(run);
  const { width, height } = readSize(wish.size) ?? run;
  const when = new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" });
  const chain = chainOf(run, new Map(runs.value.map((one) => [one.id, one])));
  const copy = async () => {
    if (await copyText(result.seed)) say("success", words.seedCopied);
  };
  return (
    <Dialog
      title={words.details}
      onClose={onClose}
      actions={
        <Button
          onClick={() => {
            reuse({ run, result });
            onClose();
          }}
        >
          {words.reuse}
        </Button>
      }
    >
      <dl class="results-facts">
        <Fact name={words.prompt} text={promptOf(run)} wide />
        {wish.negative && <Fact name={words.negative} text={wish.negative} wide />}
        <div>
          <dt>{words.seed}</dt>
          <dd class="results-seed">
            <code>{result.seed || "–"}</code>
            {result.seed && <IconButton icon={Copy} label={words.copySeed} onClick={copy} />}
          </dd>
        </div>
        <Fact name={words.model} text={wish.model || "–"} />
        <Fact name={words.size} text={words.sizeOf(width, height)} />
        {wish.style !== "auto" && <Fact name={words.style} text={wish.style} />}
        {wish.steps && <Fact name={words.steps} text={wish.steps} />}
        {took !== null && <Fact name={words.took} text={words.seconds(took)} />}
        <Fact name={words.made} text={when.format(run.created)} />
        <Fact name={words.picture} text={run.baseName} />
      </dl>
      {run.notes.length > 0 && (
        <>
          <h3 class="results-heading">{words.notes}</h3>
          <ul class="results-list">
            {run.notes.map((note) => (
              <li key={note}>{noteText(note)}</li>
            ))}
          </ul>
        </>
      )}
      {chain.length > 1 && (
        <>
          <h3 class="results-heading">{words.chain}</h3>
          <Chain chain={chain} />
        </>
      )}
    </Dialog>
  );
}

function Fact({ name, text, wide }: { name: string; text: string; wide?: boolean }) {
  return (
    <div data-wide={wide || undefined}>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
