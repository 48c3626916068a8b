/** Where the focus goes when the button that had it is gone. */

/** Focus what `selector` finds in `root`, once the page has been drawn anew. */
export function focusNext(root: Element | null | undefined, selector: string): void {
  requestAnimationFrame(() => root?.querySelector<HTMLElement>(selector)?.focus());
}
