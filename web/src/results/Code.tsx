/** The result that is looked at, or what is asked for in the panel, as a program. */
import { Check, Copy, Download } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { settled } from "../runs/order";
import { model, wish } from "../state/wish";
import { base, editor, shownResult } from "../state/work";
import { getBlob } from "../store/store";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choice } from "../ui/Fields";
import { save } from "./actions";
import { copyText } from "./clipboard";
import { type CodeLanguage, codeFor, type Order, orderOf } from "./code";

/** An order and the files that go with it, each under the name that the code has for it. */
interface Subject {
  order: Order;
  files: Array<{ name: string; bytes: Blob }>;
  exact: boolean;
}

async function subjectOf(): Promise<Subject | null> {
  const looked = shownResult.peek();
  const picture = base.peek();
  const run = looked?.run;
  const asked = run?.wish ?? settled(wish.peek(), model.peek(), "");
  const bytes = run ? await getBlob(run.baseId) : picture?.bytes;
  if (!bytes) return null;
  const baseType = picture && (!run || run.baseId === picture.id) ? picture.type : bytes.type;
  const marked = run ? null : await editor.maskBlob();
  const mask = run ? await getBlob(run.maskId) : (marked?.blob ?? null);
  const sketch = run
    ? run.sketchId && (await getBlob(run.sketchId))
    : asked.useSketch && (await editor.sketchBlob());
  const order = orderOf(
    { ...asked, useSketch: Boolean(sketch) },
    {
      model: asked.model,
      baseType,
      soft: run ? run.soft : (marked?.soft ?? false),
      ...(looked ? { seed: looked.result.seed, n: 1 } : {}),
    },
  );
  const found: Record<string, Blob | null | undefined | "" | false> = {
    base: bytes,
    mask,
    reference: asked.reference?.bytes,
    sketch,
  };
  const files = order.files.flatMap(({ field, name }) => {
    const one = found[field];
    return one ? [{ name, bytes: one }] : [];
  });
  return { order, files, exact: Boolean(looked) };
}

const LANGUAGES: readonly CodeLanguage[] = ["curl", "python", "java"];

export function Code({ onClose }: { onClose: () => void }) {
  const words = t().results;
  const [language, setLanguage] = useState<CodeLanguage>("curl");
  const [subject, setSubject] = useState<Subject | null | "reading">("reading");
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    subjectOf().then(setSubject, () => setSubject(null));
  }, []);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  if (subject === "reading") return null;
  const code = subject && codeFor(language, subject.order, location.origin);
  const hasMask = subject?.files.some((file) => file.name === "mask.png");
  return (
    <Dialog
      title={words.codeTitle}
      onClose={onClose}
      wide
      actions={
        code && (
          <Button
            icon={copied ? Check : Copy}
            kind="primary"
            onClick={async () => {
              if (await copyText(code)) setCopied(true);
              else selectAll();
            }}
          >
            {copied ? words.codeCopied : words.copyCode}
          </Button>
        )
      }
    >
      {!subject || !code ? (
        <p>{words.noPicture}</p>
      ) : (
        <div class="results-form">
          <p class="results-say">{subject.exact ? words.codeOfResult : words.codeOfWish}</p>
          <Choice
            label={words.codeTitle}
            value={language}
            options={LANGUAGES.map((value) => ({ value, label: words[value] }))}
            onChange={setLanguage}
          />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keys too. */}
          <section class="results-code" tabIndex={0} aria-label={words[language]}>
            <pre id="results-code">
              <code translate={false}>{code}</code>
            </pre>
          </section>
          <div>
            <h3 class="results-heading">{words.files}</h3>
            {!hasMask && <p class="results-say">{words.noMask}</p>}
            <ul class="results-files">
              {subject.files.map(({ name, bytes }) => (
                <li key={name}>
                  <Button
                    icon={Download}
                    aria-label={words.file(name)}
                    onClick={() => save(bytes, name)}
                  >
                    {name}
                  </Button>
                </li>
              ))}
            </ul>
          </div>
          <p class="results-say">
            {words.key} <code translate={false}>export DASHSCOPE_API_KEY=sk-…</code>
          </p>
        </div>
      )}
    </Dialog>
  );
}

/** Where the browser lets nothing be copied, all of it is selected at least. */
function selectAll(): void {
  const code = document.getElementById("results-code");
  if (code) getSelection()?.selectAllChildren(code);
}
