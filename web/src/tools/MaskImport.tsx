import { useEffect, useMemo, useState } from "preact/hooks";
import { type MaskImport as How, MaskError } from "../editor/editor";
import { t } from "../i18n";
import { pickFile } from "../shell/picture";
import { say } from "../state/ui";
import { base, editor } from "../state/work";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choice } from "../ui/Fields";
import { MASKS, markedShare, maskFile } from "./mask";

/** Asks how a file is to be read as a mask, and what becomes of what is marked. */
export default function MaskImport({ onClose }: { onClose: () => void }) {
  const words = t().tools;
  const file = maskFile.value;
  const [read, setRead] = useState<How["read"]>("auto");
  const [into, setInto] = useState<How["into"]>("replace");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const marked = editor.coverage.value.marked > 0;
  const url = useMemo(() => (file ? URL.createObjectURL(file) : ""), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  useEffect(() => setError(""), [file, read]);

  const choose = () =>
    pickFile(MASKS, (next) => {
      maskFile.value = next;
    });
  const run = async () => {
    if (!file) return;
    setBusy(true);
    try {
      await editor.importMask(file, { read, into: marked ? into : "replace" });
      editor.layer.value = "mask";
      say("success", words.imported(markedShare()));
      onClose();
    } catch (problem) {
      setError(wordsFor(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={words.importTitle}
      onClose={onClose}
      actions={
        <>
          <Button kind={file ? "plain" : "primary"} onClick={choose}>
            {file ? words.otherFile : words.chooseFile}
          </Button>
          <Button kind="primary" disabled={!file} busy={busy} onClick={() => void run()}>
            {words.importDo}
          </Button>
        </>
      }
    >
      <div class="tools-import">
        <p>{words.importText}</p>
        {file && (
          <figure>
            <img src={url} alt={words.preview} />
            <figcaption>
              <bdi>{file.name}</bdi>
            </figcaption>
          </figure>
        )}
        <div class="field">
          <div class="field-head">
            <span>{words.read}</span>
          </div>
          <Choice<How["read"]>
            label={words.read}
            value={read}
            options={[
              { value: "auto", label: words.readAuto },
              { value: "light", label: words.readLight },
              { value: "alpha", label: words.readAlpha },
            ]}
            onChange={setRead}
          />
          <p class="hint">{words.readHint}</p>
        </div>
        {marked && (
          <div class="field">
            <div class="field-head">
              <span>{words.into}</span>
            </div>
            <Choice<How["into"]>
              label={words.into}
              value={into}
              options={[
                { value: "replace", label: words.intoReplace },
                { value: "add", label: words.intoAdd },
                { value: "subtract", label: words.intoSubtract },
              ]}
              onChange={setInto}
            />
          </div>
        )}
        <p class="hint error" role="alert">
          {error}
        </p>
      </div>
    </Dialog>
  );
}

function wordsFor(problem: unknown): string {
  const words = t().tools;
  if (!(problem instanceof MaskError)) return words.maskUnreadable;
  if (problem.code === "empty") return words.maskEmpty;
  const { width = 0, height = 0 } = base.value ?? {};
  if (problem.code === "aspect") {
    return words.maskAspect(problem.width, problem.height, width, height);
  }
  return words.maskUnreadable;
}
