import { ArrowUp, Pipette, Plus, X } from "lucide-preact";
import { useMemo } from "preact/hooks";
import { language, t } from "../i18n";
import { limits } from "../state/session";
import type { Base } from "../state/types";
import { ask, wish } from "../state/wish";
import { base } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { mainColors, nameOf } from "./colors";
import { focusNext } from "./focus";
import { lacking } from "./options";

const PROPOSED = 6;
const SAMPLE = 96; // px, the longer side that colours are counted at

/** The browser's own picker of colours anywhere on the screen; Chromium has one. */
interface EyeDropper {
  open(): Promise<{ sRGBHex: string }>;
}
const dropper = (globalThis as { EyeDropper?: new () => EyeDropper }).EyeDropper;

/** Colours to paint with, most first. */
export function PaletteField() {
  const words = t().prompt;
  const { palette } = wish.value;
  const reason = lacking("palette");
  const max = limits.value.maxPalette;
  const full = palette.length >= max;
  const picture = base.value;
  const add = (code: string) => {
    const color = code.toLowerCase();
    if (!full && !palette.includes(color)) ask({ palette: [...palette, color] });
  };
  const proposed = useProposed(picture).filter((code) => !palette.includes(code));
  return (
    <>
      {palette.length > 0 && (
        <ol class="panel-colors">
          {palette.map((code, at) => (
            // By its place: the field keeps the focus while its colour changes.
            <Color key={at} code={code} at={at} disabled={reason !== undefined} />
          ))}
        </ol>
      )}
      <div class="panel-row">
        <Button
          class="panel-add-color"
          icon={Plus}
          disabled={reason !== undefined || full}
          onClick={() => add(proposed[0] ?? spare(palette))}
        >
          {words.addColor}
        </Button>
        {dropper && (
          <Button
            kind="quiet"
            icon={Pipette}
            disabled={reason !== undefined || full}
            onClick={async () => {
              try {
                add((await new dropper().open()).sRGBHex);
              } catch {
                // Escape: nothing was picked.
              }
            }}
          >
            {words.pickColor}
          </Button>
        )}
      </div>
      {!reason && !full && proposed.length > 0 && (
        <div class="panel-proposed">
          <span id="panel-proposed">{words.fromPicture}</span>
          <ul aria-labelledby="panel-proposed">
            {proposed.map((code) => {
              const name = nameOf(code, language.value);
              return (
                <li key={code}>
                  <button
                    type="button"
                    class="panel-swatch"
                    style={{ backgroundColor: code }}
                    aria-label={words.addNamed(name, code)}
                    data-tip={`${name} ${code}`}
                    onClick={() => add(code)}
                  />
                </li>
              );
            })}
          </ul>
        </div>
      )}
      <p class="hint">{reason ?? (full ? words.paletteFull(max) : words.paletteHint)}</p>
    </>
  );
}

function Color({ code, at, disabled }: { code: string; at: number; disabled: boolean }) {
  const words = t().prompt;
  const { palette } = wish.value;
  const name = nameOf(code, language.value);
  return (
    <li>
      <input
        type="color"
        class="panel-swatch"
        value={code}
        disabled={disabled}
        aria-label={words.colorNumber(at + 1, `${name}, ${code}`)}
        onChange={(event) => {
          const next = event.currentTarget.value;
          if (palette.includes(next)) event.currentTarget.value = code;
          else ask({ palette: palette.map((one, index) => (index === at ? next : one)) });
        }}
      />
      <span>
        {name} <code>{code}</code>
      </span>
      {at === 0 ? (
        palette.length > 1 && <small>{words.mainColor}</small>
      ) : (
        <IconButton
          icon={ArrowUp}
          label={words.moreImportant(name)}
          disabled={disabled}
          onClick={(event) => {
            // It follows its colour, up to the top, where there is none.
            const selector = `li:nth-child(${at}) .icon-button`;
            focusNext(event.currentTarget.closest("ol"), selector);
            const order = [...palette];
            order.splice(at - 1, 0, ...order.splice(at, 1));
            ask({ palette: order });
          }}
        />
      )}
      <IconButton
        icon={X}
        label={words.removeColor(name)}
        onClick={(event) => {
          const next = Math.min(at + 1, palette.length - 1);
          const selector = next
            ? `li:nth-child(${next}) .icon-button:last-child`
            : ".panel-add-color";
          focusNext(event.currentTarget.closest("section"), selector);
          ask({ palette: palette.filter((one) => one !== code) });
        }}
      />
    </li>
  );
}

/** The picture's own main colours. */
function useProposed(picture: Base | null): string[] {
  return useMemo(() => {
    if (!picture) return [];
    const scale = Math.min(1, SAMPLE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const draw = canvas.getContext("2d", { willReadFrequently: true });
    if (!draw) return [];
    draw.drawImage(picture.bitmap, 0, 0, canvas.width, canvas.height);
    return mainColors(draw.getImageData(0, 0, canvas.width, canvas.height).data, PROPOSED);
  }, [picture]);
}

/** A colour that is not there yet. */
function spare(palette: readonly string[]): string {
  const some = [
    "#d92525",
    "#1f63d8",
    "#f9d71c",
    "#2e9e3f",
    "#7b2fbf",
    "#f5821f",
    "#1c1c1e",
    "#f7f7f5",
  ];
  return some.find((code) => !palette.includes(code)) ?? "#808080";
}
