import { t } from "../i18n";
import { limits } from "../state/session";
import { ask, model, wish } from "../state/wish";
import { Field, Slider, Switch } from "../ui/Fields";
import { cannotRead } from "./languages";
import { complaints, engineName, lacking, takesSteps } from "./options";
import { StepsField } from "./StepsField";

const FEATHER_AT_FIRST = 8; // px

/** What most need not touch. */
export function Fine() {
  const words = t().prompt;
  const { negative, strength, guidance, feather } = wish.value;
  const { guidance: range, maxFeather } = limits.value;
  const unread =
    model.value && cannotRead(model.value, negative)
      ? words.englishOnly(engineName(model.value))
      : undefined;
  const strengthSays =
    strength === 0
      ? words.strengthNone
      : takesSteps.value
        ? words.strengthStart
        : strength <= 0.5
          ? words.strengthLight
          : words.strengthColors;
  const guidanceSays = takesSteps.value ? words.guidanceModel : words.guidanceHint;
  return (
    <>
      <Field
        label={words.negative}
        hint={lacking("negative_prompt") ?? unread}
        error={complaints.value.negative}
      >
        {(of) => (
          <textarea
            {...of}
            rows={1}
            value={negative}
            placeholder={words.negativePlaceholder}
            spellcheck={false}
            disabled={lacking("negative_prompt") !== undefined}
            onInput={(event) => ask({ negative: event.currentTarget.value })}
          />
        )}
      </Field>
      <Slider
        label={words.strength}
        value={strength}
        min={0}
        max={1}
        step={0.05}
        shown={`${Math.round(strength * 100)}%`}
        disabled={lacking("strength") !== undefined}
        hint={lacking("strength") ?? strengthSays}
        onInput={(value) => ask({ strength: value })}
      />
      <Slider
        label={words.guidance}
        value={guidance}
        min={range[0]}
        max={range[1]}
        step={0.5}
        shown={guidance.toFixed(1)}
        disabled={lacking("guidance") !== undefined}
        hint={lacking("guidance") ?? guidanceSays}
        onInput={(value) => ask({ guidance: value })}
      />
      <StepsField />
      <Switch
        label={words.featherAuto}
        hint={words.featherAutoHint}
        checked={feather === null}
        onChange={(checked) => ask({ feather: checked ? null : FEATHER_AT_FIRST })}
      />
      {feather !== null && (
        <Slider
          label={words.feather}
          value={feather}
          min={0}
          max={maxFeather}
          shown={words.pixels(feather)}
          onInput={(value) => ask({ feather: value })}
        />
      )}
    </>
  );
}
