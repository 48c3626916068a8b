/** Takes the result that is looked at home: format, quality, name. */
import { Download as DownloadIcon, ShieldCheck, ShieldOff } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { language, t } from "../i18n";
import { shownResult } from "../state/work";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choice, Field, Slider } from "../ui/Fields";
import { type Looked, save } from "./actions";
import { type Converted, convert, ENDINGS, FORMATS, type Format } from "./convert";
import { fileName, slug } from "./names";
import { bytesText } from "./strip";

const KEY = "overpaint.download";
/** While the slider moves. */
const PAUSE_MS = 250;

function remembered(): { format: Format; quality: number } {
  const [format, quality] = (localStorage.getItem(KEY) ?? "").split(" ");
  const known = FORMATS.find((one) => one === format);
  const number = Number(quality);
  return { format: known ?? "png", quality: number >= 1 && number <= 100 ? number : 92 };
}

export function Download({ onClose }: { onClose: () => void }) {
  // What was looked at when it was opened, whatever is shown meanwhile.
  const [looked] = useState(() => shownResult.peek());
  useEffect(() => {
    if (!looked?.result.bytes) onClose();
  }, []);
  return looked?.result.bytes ? <Content {...looked} onClose={onClose} /> : null;
}

function Content({ run, result, onClose }: Looked & { onClose: () => void }) {
  const words = t().results;
  const [{ format, quality }, choose] = useState(remembered);
  const [made, setMade] = useState<Converted | "working" | "failed">("working");
  const proposed = fileName(run, result.seed, "").slice(0, -1);
  const [name, setName] = useState(proposed);
  const last = useRef("");
  useEffect(() => {
    const control = new AbortController();
    setMade("working");
    // A slider that moves asks for one picture, at its end.
    const wait = last.current === format ? PAUSE_MS : 0;
    last.current = format;
    const timer = setTimeout(() => {
      convert(run, result, format, quality, control.signal).then(
        (converted) => !control.signal.aborted && setMade(converted),
        () => !control.signal.aborted && setMade("failed"),
      );
    }, wait);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [format, format === "png" ? 0 : quality]);
  const ready = typeof made === "object" ? made : null;
  const file = `${slug(name, 200) || "overpaint"}.${ENDINGS[format]}`;
  const download = () => {
    if (!ready) return;
    localStorage.setItem(KEY, `${format} ${quality}`);
    save(ready.bytes, file);
    onClose();
  };
  return (
    <Dialog
      title={words.download}
      onClose={onClose}
      actions={
        <Button
          icon={DownloadIcon}
          kind="primary"
          busy={made === "working"}
          disabled={!ready}
          onClick={download}
        >
          {ready ? words.saveAs(bytesText(ready.bytes.size, language.value)) : words.working}
        </Button>
      }
    >
      <form
        class="results-form"
        onSubmit={(event) => {
          event.preventDefault();
          download();
        }}
      >
        <Choice
          label={words.format}
          value={format}
          options={FORMATS.map((value) => ({ value, label: words[value] }))}
          onChange={(value) => choose({ format: value, quality })}
        />
        <p class="results-say">{format === "png" ? words.pngHint : words.lossyHint}</p>
        {format !== "png" && (
          <Slider
            label={words.quality}
            value={quality}
            min={1}
            max={100}
            onInput={(value) => choose({ format, quality: value })}
          />
        )}
        <Field label={words.fileName}>
          {(of) => (
            <div class="results-file">
              <input
                {...of}
                type="text"
                value={name}
                spellcheck={false}
                autocomplete="off"
                onInput={(event) => setName(event.currentTarget.value)}
              />
              <span>.{ENDINGS[format]}</span>
            </div>
          )}
        </Field>
        <p class="results-say" role="status">
          {made === "failed" && words.convertFailed}
          {ready &&
            (ready.provenance ? (
              <>
                <ShieldCheck size={18} aria-hidden="true" /> {words.provenance}
              </>
            ) : (
              <>
                <ShieldOff size={18} aria-hidden="true" /> {words.withoutProvenance}
              </>
            ))}
        </p>
      </form>
    </Dialog>
  );
}
