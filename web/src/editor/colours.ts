/** tokens.css for the canvas, which has no style sheet. */
import type { Rgb, Tints } from "./tint";

export interface Colours extends Tints {
  table: string;
  line: string;
  check: readonly [string, string];
}

/** The theme's colours as they are now. */
export function readColours(): Colours {
  const probe = document.createElement("i");
  document.body.append(probe);
  const css = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    table: css("table"),
    line: css("mark-dark"),
    check: [css("check-1"), css("check-2")] as const,
    mark: rgb(css("mark")),
    light: rgb(css("mark-light")),
    dark: rgb(css("mark-dark")),
    ink: rgb(css("sketch-ink")),
  };
  probe.remove();
  return colours;
}

/** "rgb(1, 2, 3)", as computed styles have it. */
function rgb(css: string): Rgb {
  const [r = 0, g = 0, b = 0] = (css.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}
