import { t } from "../i18n";
import { PaletteField } from "./PaletteField";
import { ReferenceField } from "./ReferenceField";
import { SketchField } from "./SketchField";

/** What leads the brush besides words: a picture, lines, colours. */
export function Guides() {
  const words = t().prompt;
  return (
    <>
      <section class="panel-part">
        <h4>{words.reference}</h4>
        <ReferenceField />
      </section>
      <section class="panel-part">
        <h4>{words.sketchTitle}</h4>
        <SketchField />
      </section>
      <section class="panel-part">
        <h4>{words.palette}</h4>
        <PaletteField />
      </section>
    </>
  );
}
