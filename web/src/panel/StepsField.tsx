import { t } from "../i18n";
import { limits, models } from "../state/session";
import { ask, wish } from "../state/wish";
import { Field } from "../ui/Fields";
import { complaints, lackingSteps } from "./options";

/** In how many steps; there only where the server has a model that is told. */
export function StepsField() {
  const words = t().prompt;
  const [, most] = limits.value.steps;
  if (!models.value.some((one) => one.takes.steps)) return null;
  const why = lackingSteps();
  return (
    <Field label={words.steps} hint={why ?? words.stepsHint} error={complaints.value.steps}>
      {(of) => (
        <input
          {...of}
          type="text"
          inputMode="numeric"
          autocomplete="off"
          maxLength={String(most).length}
          placeholder={words.stepsAny}
          disabled={why !== undefined}
          value={wish.value.steps}
          onInput={(event) => ask({ steps: event.currentTarget.value.trim() })}
        />
      )}
    </Field>
  );
}
