import { Eraser, PencilLine, Undo2 } from "lucide-preact";
import { t } from "../i18n";
import { part } from "../state/ui";
import { ask, wish } from "../state/wish";
import { editor } from "../state/work";
import { Button } from "../ui/Button";
import { Switch } from "../ui/Fields";
import { lacking } from "./options";
import { onFirstLine } from "./sketching";

onFirstLine(editor, () => ask({ useSketch: true }));

/** Lines to follow, drawn over the picture on a layer of their own. */
export function SketchField() {
  const words = t().prompt;
  const reason = lacking("sketch");
  const drawn = editor.hasSketch.value;
  const drawing = editor.layer.value === "sketch";
  const { useSketch } = wish.value;
  return (
    <>
      <Switch
        label={words.useSketch}
        hint={reason ?? (useSketch && !drawn && !drawing ? words.sketchEmpty : words.sketchHint)}
        checked={useSketch && reason === undefined}
        disabled={reason !== undefined}
        onChange={(checked) => {
          ask({ useSketch: checked });
          editor.layer.value = checked && !drawn ? "sketch" : "mask";
        }}
      />
      {reason === undefined && (useSketch || drawn || drawing) && (
        <div class="panel-row">
          {drawing ? (
            <Button
              icon={Undo2}
              onClick={() => {
                editor.layer.value = "mask";
              }}
            >
              {words.backToMask}
            </Button>
          ) : (
            <Button
              icon={PencilLine}
              onClick={() => {
                ask({ useSketch: true });
                editor.layer.value = "sketch";
                part.value = "picture";
              }}
            >
              {words.drawSketch}
            </Button>
          )}
          {drawn && (
            <Button kind="quiet" icon={Eraser} onClick={() => editor.clearSketch()}>
              {words.clearSketch}
            </Button>
          )}
        </div>
      )}
      {drawing && (
        <p class="hint" role="status">
          {words.sketchDrawing}
        </p>
      )}
    </>
  );
}
