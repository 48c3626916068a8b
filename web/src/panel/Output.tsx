import { t } from "../i18n";
import { limits } from "../state/session";
import { ask, wish } from "../state/wish";
import { Choice, Switch } from "../ui/Fields";
import { SeedField } from "./SeedField";
import { SizeField } from "./SizeField";

/** How many pictures, how large, from which seed. */
export function Output() {
  const words = t().prompt;
  const { n, watermark } = wish.value;
  const counts = Array.from({ length: limits.value.maxN }, (_, at) => String(at + 1));
  return (
    <>
      <div class="field">
        <div class="field-head">
          <span>{words.count}</span>
        </div>
        <Choice
          label={words.count}
          value={String(n)}
          options={counts.map((count) => ({ value: count, label: count }))}
          onChange={(count) => ask({ n: Number(count) })}
        />
      </div>
      <SizeField />
      <SeedField />
      <Switch
        label={words.watermark}
        hint={words.watermarkHint}
        checked={watermark}
        onChange={(checked) => ask({ watermark: checked })}
      />
    </>
  );
}
