import { Brush, ImagePlus, Shapes } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { lacking } from "../panel/options";
import { takeReference } from "../panel/reference";
import { say } from "../state/ui";
import { base } from "../state/work";
import { importMask } from "../tools/mask";
import { openPicture } from "./picture";

const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
const covered = () => document.querySelector("dialog[open]") !== null;

type Target = "picture" | "mask" | "reference";

async function asReference(file: File): Promise<void> {
  const wrong = await takeReference(file);
  if (wrong) say("problem", wrong);
  else say("success", t().prompt.referenceTaken);
}

/** Takes files that are dropped or pasted anywhere; over a picture, asks what they are to be. */
export function Drop() {
  const [over, setOver] = useState(false);
  const [target, setTarget] = useState<Target>("picture");
  useEffect(() => {
    let wait = 0;
    const drag = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      if (event.target instanceof Element) {
        const own = event.target.closest<HTMLElement>("[data-drop]");
        if (own?.dataset.drop === "own" && !covered()) {
          setOver(false);
          return;
        }
        const named = own?.dataset.drop;
        setTarget(named === "mask" || named === "reference" ? named : "picture");
      }
      if (event.dataTransfer) event.dataTransfer.dropEffect = covered() ? "none" : "copy";
      setOver(!covered());
      // There is no end of a drag that leaves the window: it just stops being told.
      clearTimeout(wait);
      wait = window.setTimeout(() => setOver(false), 300);
    };
    const drop = (event: DragEvent) => {
      clearTimeout(wait);
      setOver(false);
      const at = event.target instanceof Element ? event.target.closest("[data-drop]") : null;
      const to = at?.getAttribute("data-drop");
      if (to === "own" || !holdsFiles(event)) return;
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (!file || covered()) return;
      if (to === "mask" && base.value) importMask(file);
      else if (to === "reference" && base.value) void asReference(file);
      else void openPicture(file, { kind: "drop" });
    };
    const paste = (event: ClipboardEvent) => {
      if (event.defaultPrevented || covered()) return;
      const data = event.clipboardData;
      const file = [...(data?.files ?? [])].find((one) => one.type.startsWith("image/"));
      // Where one writes, text comes first: office programs put a picture of it beside it.
      const writing = (event.target as Element | null)?.closest?.("input, textarea");
      if (!file || (writing && data?.types.includes("text/plain"))) return;
      event.preventDefault();
      const unnamed = /^image\.\w+$/.test(file.name);
      void openPicture(unnamed ? new Blob([file], { type: file.type }) : file, { kind: "paste" });
    };
    document.addEventListener("dragover", drag);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      clearTimeout(wait);
      document.removeEventListener("dragover", drag);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, []);
  if (!over) return null;
  const words = t().shell;
  return (
    <div class="shell-over" aria-hidden="true">
      <div data-drop="picture" class={target === "picture" ? "aimed" : ""}>
        <ImagePlus size={36} strokeWidth={1.5} />
        <strong>{words.dropPicture}</strong>
        {base.value && <span>{words.dropPictureHint}</span>}
      </div>
      {base.value && (
        <div data-drop="mask" class={target === "mask" ? "aimed" : ""}>
          <Brush size={36} strokeWidth={1.5} />
          <strong>{words.dropMask}</strong>
          <span>{words.dropMaskHint}</span>
        </div>
      )}
      {base.value && !lacking("reference") && (
        <div data-drop="reference" class={target === "reference" ? "aimed" : ""}>
          <Shapes size={36} strokeWidth={1.5} />
          <strong>{t().prompt.dropReference}</strong>
          <span>{t().prompt.referenceHint}</span>
        </div>
      )}
    </div>
  );
}
