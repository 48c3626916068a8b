/** Where popovers go: beside what opens them, inside the window. */

export type Side = "below" | "above" | "right";

/** Set `popover`'s place beside `anchor`; the far side is taken where the near one has no room. */
export function place(
  popover: HTMLElement,
  anchor: Element,
  { side = "below", align = "center" }: { side?: Side; align?: "start" | "center" | "end" } = {},
): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const { innerWidth, innerHeight } = window;
  const gap = 8;
  let x: number;
  let y: number;
  if (side === "right") {
    x = at.right + gap + width > innerWidth ? at.left - gap - width : at.right + gap;
    y = align === "start" ? at.top : at.top + (at.height - height) / 2;
  } else {
    x = at.left;
    if (align === "center") x = at.left + (at.width - width) / 2;
    if (align === "end") x = at.right - width;
    const below = at.bottom + gap;
    const above = at.top - gap - height;
    const fits = side === "below" ? below + height <= innerHeight : above >= 0;
    y = (side === "below") === fits || above < 0 ? below : above;
  }
  popover.style.left = `${Math.max(gap, Math.min(x, innerWidth - width - gap))}px`;
  popover.style.top = `${Math.max(gap, Math.min(y, innerHeight - height - gap))}px`;
}
