import { useSignal } from "@preact/signals";
import { Brush, Eraser, Type } from "lucide-preact";
import { useId } from "preact/hooks";
import { t } from "../i18n";
import { ask, model, wish } from "../state/wish";
import { Button } from "../ui/Button";
import { Choice } from "../ui/Fields";
import { LetteringHelper } from "./LetteringHelper";
import { cannotRead } from "./languages";
import { setMode } from "./mode";
import { engineName, removes } from "./options";
import { PromptField } from "./PromptField";

/** What should be there: the words, suggestions for them, examples, the lettering helper. */
export function Prompt() {
  const words = t().prompt;
  const { prompt } = wish.value;
  const needsNone = model.value?.takes.prompt === false;
  const lettering = useSignal(false);
  const letteringId = useId();
  return (
    <section class="panel-prompt">
      {!needsNone && (
        <Choice
          label={words.mode}
          value={removes.value ? "remove" : "paint"}
          options={[
            {
              value: "paint",
              label: (
                <>
                  <Brush size={16} aria-hidden="true" />
                  {words.paint}
                </>
              ),
            },
            {
              value: "remove",
              label: (
                <>
                  <Eraser size={16} aria-hidden="true" />
                  {words.remove}
                </>
              ),
            },
          ]}
          onChange={setMode}
        />
      )}
      <PromptField label={removes.value ? words.removeLabel : words.promptLabel} />
      {needsNone ? (
        <p class="hint">{words.noWords}</p>
      ) : removes.value ? (
        <p class="hint">{words.removeHint}</p>
      ) : (
        <>
          {model.value && cannotRead(model.value, prompt) && (
            <p class="hint" role="status">
              {words.englishOnly(engineName(model.value))}
            </p>
          )}
          {!prompt && <Examples />}
          <div class="panel-row">
            <Button
              kind="quiet"
              icon={Type}
              aria-expanded={lettering.value}
              aria-controls={lettering.value ? letteringId : undefined}
              onClick={() => {
                lettering.value = !lettering.value;
              }}
            >
              {words.lettering}
            </Button>
          </div>
          {lettering.value && (
            <div id={letteringId}>
              <LetteringHelper />
            </div>
          )}
        </>
      )}
    </section>
  );
}

/** Prompts to begin with. */
function Examples() {
  const words = t().prompt;
  const examples = [
    words.example1,
    words.example2,
    words.example3,
    words.example4,
    words.example5,
    words.example6,
  ];
  return (
    <ul class="panel-examples" aria-label={words.examples}>
      {examples.map((example) => (
        <li key={example}>
          <button type="button" class="panel-chip" onClick={() => ask({ prompt: example })}>
            {example}
          </button>
        </li>
      ))}
    </ul>
  );
}
