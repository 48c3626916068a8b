import { language, t } from "../i18n";
import { models } from "../state/session";
import type { Model } from "../state/types";
import { ask, model } from "../state/wish";
import { Field, Select } from "../ui/Fields";
import { onePerEngine } from "./engines";
import { engineName, TAKEN } from "./options";

/** What the chosen model is called. */
export const modelName = (): string => (model.value ? engineName(model.value) : "");

/** Who paints: one of each kind, as the server's table has many names for the same. */
export function ModelField() {
  const words = t().prompt;
  const chosen = model.value;
  if (!chosen) return <p class="hint">{words.noModels}</p>;
  const missing = Object.entries(TAKEN)
    .filter(([field]) => !chosen.takes[field as keyof typeof TAKEN])
    .map(([, name]) => words[name]);
  return (
    <>
      <Field label={words.modelLabel} hint={summary(chosen)}>
        {(of) => (
          <Select
            {...of}
            value={chosen.name}
            options={onePerEngine(models.value, chosen.name).map((one) => ({
              value: one.name,
              label: engineName(one) === one.name ? one.name : `${engineName(one)} (${one.name})`,
            }))}
            onChange={(name) => ask({ model: name })}
          />
        )}
      </Field>
      {missing.length > 0 && (
        <p class="hint">{words.lacks(engineName(chosen), missing.join(words.listComma))}</p>
      )}
    </>
  );
}

/** What it does, in the page's language where the page knows the engine. */
function summary(of: Model): string {
  const words = t().prompt;
  const own: Record<string, string> = {
    auto: words.engineAuto,
    builtin: words.engineBuiltin,
    collage: words.engineCollage,
    erase: words.engineErase,
  };
  const said = own[of.engine] ?? of.summary;
  return language.value === "en" ? said.charAt(0).toUpperCase() + said.slice(1) : said;
}
