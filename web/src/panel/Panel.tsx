import { RotateCcw } from "lucide-preact";
import { t } from "../i18n";
import { say } from "../state/ui";
import { wish } from "../state/wish";
import { Button } from "../ui/Button";
import { Fine } from "./Fine";
import { Foot } from "./Foot";
import { focusNext } from "./focus";
import { Group } from "./Group";
import { Guides } from "./Guides";
import { ModelField, modelName } from "./ModelField";
import { Output } from "./Output";
import { changedCount, resetOptions } from "./options";
import { Prompt } from "./Prompt";
import { sizeWords } from "./SizeField";
import { StyleCards, styleName } from "./StyleCards";

/** The wish: what should be there, how, and Run. */
export function Panel() {
  const words = t().prompt;
  const { style, n } = wish.value;
  return (
    <section class="panel" aria-label={words.panel}>
      <h2 class="sr-only">{words.panel}</h2>
      <div class="panel-scroll">
        <Prompt />
        <Group name="style" title={words.styleGroup} brief={styleName(style)}>
          <StyleCards />
        </Group>
        <Group name="output" title={words.outputGroup} brief={words.outputBrief(n, sizeWords())}>
          <Output />
        </Group>
        <Group name="guides" title={words.guidesGroup}>
          <Guides />
        </Group>
        <Group name="fine" title={words.fineGroup}>
          <Fine />
        </Group>
        <Group name="model" title={words.modelGroup} brief={modelName()}>
          <ModelField />
        </Group>
        <Reset />
      </div>
      <Foot />
    </section>
  );
}

/** How many options are not as at first, and the way back. */
function Reset() {
  const words = t().prompt;
  const count = changedCount.value;
  if (count === 0) return null;
  return (
    <div class="panel-reset">
      <span>{words.changed(count)}</span>
      <Button
        kind="quiet"
        icon={RotateCcw}
        onClick={(event) => {
          focusNext(event.currentTarget.closest(".panel"), ".panel-group:last-of-type summary");
          const before = resetOptions();
          say("info", words.resetDone, {
            action: {
              label: words.undoReset,
              run: () => {
                wish.value = { ...before, prompt: wish.value.prompt };
              },
            },
          });
        }}
      >
        {words.reset}
      </Button>
    </div>
  );
}
