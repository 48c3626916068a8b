import { Image } from "lucide-preact";
import { useId } from "preact/hooks";
import { t } from "../i18n";
import { STYLES, type Style } from "../state/types";
import { ask, wish } from "../state/wish";
import { lacking } from "./options";
import sheet from "./styles.webp";

const NAMES = {
  auto: "auto",
  "3d cartoon": "cartoon",
  anime: "anime",
  "oil painting": "oil",
  watercolor: "watercolor",
  sketch: "pencil",
  "chinese painting": "chinese",
  "flat illustration": "flat",
} as const satisfies Record<Style, string>;

export const styleName = (style: Style): string => t().prompt[`${NAMES[style]}Short`];

/** The styles, each as a picture of itself. */
export function StyleCards() {
  const name = useId();
  const reason = lacking("style");
  return (
    <fieldset
      class="panel-styles"
      disabled={reason !== undefined}
      aria-describedby={reason ? `${name}-reason` : undefined}
    >
      <legend class="sr-only">{t().prompt.styleGroup}</legend>
      {STYLES.map((style, at) => (
        <label key={style} title={t().prompt[NAMES[style]]}>
          <input
            type="radio"
            name={name}
            value={style}
            aria-label={t().prompt[NAMES[style]]}
            checked={style === wish.value.style}
            onChange={() => ask({ style })}
          />
          {style === "auto" ? (
            <span class="panel-style-picture" aria-hidden="true">
              <Image size={26} strokeWidth={1.5} />
            </span>
          ) : (
            <span
              class="panel-style-picture"
              aria-hidden="true"
              style={{
                backgroundImage: `url(${sheet})`,
                backgroundPosition: `${((at - 1) / (STYLES.length - 2)) * 100}% 0`,
              }}
            />
          )}
          <span>{styleName(style)}</span>
        </label>
      ))}
      {reason && (
        <p class="hint" id={`${name}-reason`}>
          {reason}
        </p>
      )}
    </fieldset>
  );
}
