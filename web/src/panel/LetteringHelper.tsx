import { signal } from "@preact/signals";
import { PenLine } from "lucide-preact";
import { useId } from "preact/hooks";
import { language, t } from "../i18n";
import { ask, wish } from "../state/wish";
import { Button } from "../ui/Button";
import { Field, Select } from "../ui/Fields";
import { EFFECTS, INKS, type Lettering, languageOf, phrase, withPhrase } from "./lettering";

const draft = signal<Lettering>({ text: "", ink: "", effects: [], layout: "auto" });
/** What was written into the prompt last; the next takes its place. */
const written = signal("");

const NAMES = {
  gold: "gold",
  silver: "silver",
  neon: "neon",
  handwritten: "handwritten",
  embossed: "embossed",
  "3d": "threeD",
  outline: "outline",
  shadow: "shadow",
} as const;

/** Writes the phrase that asks for lettering into the prompt. */
export function LetteringHelper() {
  const words = t().prompt;
  const { text, ink, effects, layout } = draft.value;
  const { prompt } = wish.value;
  const effectsId = useId();
  const change = (changes: Partial<Lettering>) => {
    draft.value = { ...draft.value, ...changes };
  };
  const rest = written.value ? prompt.replace(written.value, () => "") : prompt;
  const next = phrase(draft.value, languageOf(rest, language.value));
  const isThere = written.value !== "" && prompt.includes(written.value);
  return (
    <div class="panel-card panel-lettering">
      <Field label={words.letteringText}>
        {(of) => (
          <textarea
            {...of}
            rows={1}
            value={text}
            placeholder={words.letteringPlaceholder}
            spellcheck={false}
            onInput={(event) => change({ text: event.currentTarget.value })}
          />
        )}
      </Field>
      <div class="panel-columns">
        <Field label={words.ink}>
          {(of) => (
            <Select
              {...of}
              value={ink}
              options={[
                { value: "", label: words.inkAuto },
                ...INKS.map((one) => ({ value: one.en, label: capital(one[language.value]) })),
              ]}
              onChange={(value) => change({ ink: value })}
            />
          )}
        </Field>
        <Field label={words.direction}>
          {(of) => (
            <Select
              {...of}
              value={layout}
              options={[
                { value: "auto", label: words.directionAuto },
                { value: "horizontal", label: words.horizontal },
                { value: "vertical", label: words.vertical },
              ]}
              onChange={(value) => change({ layout: value })}
            />
          )}
        </Field>
      </div>
      <div class="field">
        <div class="field-head">
          <span id={effectsId}>{words.effects}</span>
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: toggles, not fields of a form */}
        <div class="panel-chips" role="group" aria-labelledby={effectsId}>
          {EFFECTS.map((effect) => {
            const on = effects.includes(effect);
            return (
              <button
                key={effect}
                type="button"
                class="panel-chip"
                aria-pressed={on}
                onClick={() =>
                  change({
                    effects: on ? effects.filter((one) => one !== effect) : [...effects, effect],
                  })
                }
              >
                {words[NAMES[effect]]}
              </button>
            );
          })}
        </div>
      </div>
      {next && (
        <p class="panel-phrase">
          <span class="sr-only">{words.letteringWrites}: </span>
          {next}
        </p>
      )}
      <Button
        icon={PenLine}
        disabled={!next || (isThere && next === written.value)}
        onClick={() => {
          ask({ prompt: withPhrase(prompt, next, written.value) });
          written.value = next;
        }}
      >
        {isThere ? words.updateLettering : words.writeLettering}
      </Button>
    </div>
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
