import { language, t } from "../i18n";
import { models } from "../state/session";
import type { Model } from "../state/types";
import { ask, model } from "../state/wish";
import { Field, Select } from "../ui/Fields";
import { onePerEngine } from "./engines";
import { licenceParts } from "./languages";
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
      <Languages of={chosen} />
      <Licence of={chosen} />
    </>
  );
}

function Languages({ of }: { of: Model }) {
  const words = t().prompt;
  const own: Record<string, string> = { zh: words.inChinese, en: words.inEnglish };
  if (!of.takes.prompt || !of.languages?.length) return null;
  const names = of.languages.map((one) => own[one] ?? one);
  return <p class="hint">{words.reads(names.join(words.listAnd))}</p>;
}

/** What may be done with its pictures is for its owner to say. */
function Licence({ of }: { of: Model }) {
  if (!of.licence) return null;
  const { name, address } = licenceParts(of.licence);
  return (
    <p class="hint">
      {t().prompt.licence}
      {address ? (
        <a href={address} target="_blank" rel="noreferrer">
          {name}
        </a>
      ) : (
        name
      )}
    </p>
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
  // The licence has a line of its own.
  const said = own[of.engine] ?? of.summary.replace(`, licence ${of.licence}`, "");
  return language.value === "en" ? said.charAt(0).toUpperCase() + said.slice(1) : said;
}
