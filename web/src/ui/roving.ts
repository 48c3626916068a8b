/** Arrow keys within a toolbar or a menu: one stop for Tab, arrows go from item to item. */
import type { TargetedKeyboardEvent } from "preact";

const ITEMS = "button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled)";

function items(inside: Element): HTMLElement[] {
  return [...inside.querySelectorAll<HTMLElement>(ITEMS)].filter((one) => one.checkVisibility());
}

/** What the focus goes to first. */
export function first(inside: Element): HTMLElement | undefined {
  return items(inside)[0];
}

/** Move the focus by the event's arrow, Home or End; fields keep the arrows they use themselves. */
export function rove(event: TargetedKeyboardEvent<HTMLElement>): void {
  const at = event.target as HTMLElement;
  const field = at instanceof HTMLInputElement || at instanceof HTMLSelectElement;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const all = items(event.currentTarget);
  const index = all.indexOf(at);
  let next: HTMLElement | undefined;
  if (step && !field) next = all[(index + step + all.length) % all.length];
  else if (event.key === "Home" && !field) next = all[0];
  else if (event.key === "End" && !field) next = all.at(-1);
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

/** Leave one item of the toolbar in Tab's order: `current`, or the first. */
export function settle(inside: HTMLElement, current?: Element | null): void {
  const all = items(inside).filter((one) => one.tagName === "BUTTON");
  const stop = all.find((one) => one === current) ?? all[0];
  for (const one of all) one.tabIndex = one === stop ? 0 : -1;
}
