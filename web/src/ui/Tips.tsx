import { useEffect, useRef } from "preact/hooks";
import { place } from "./place";

/** Shows what `data-tip` says (and `data-keys`) of what is pointed at or has the focus. */
export function Tips() {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tip = element.current;
    if (!tip?.showPopover) return;
    let wait = 0;
    let anchor: HTMLElement | null = null;
    let last = 0;

    const hide = () => {
      clearTimeout(wait);
      if (anchor && tip.matches(":popover-open")) {
        tip.hidePopover();
        last = performance.now();
      }
      anchor = null;
    };
    const show = (to: HTMLElement) => {
      if (!to.isConnected || !to.dataset.tip) return;
      const [words, keys] = tip.children as unknown as [HTMLElement, HTMLElement];
      words.textContent = to.dataset.tip;
      keys.textContent = to.dataset.keys ?? "";
      keys.hidden = !to.dataset.keys;
      tip.showPopover();
      const side = to.closest("[data-tips]")?.getAttribute("data-tips");
      place(tip, to, { side: side === "right" || side === "above" ? side : "below" });
    };
    const aim = (event: Event) => {
      const to = (event.target as Element | null)?.closest?.<HTMLElement>("[data-tip]") ?? null;
      if (to === anchor) return;
      hide();
      if (!to) return;
      const byKeys = event.type === "focusin";
      if (byKeys && !to.matches(":focus-visible")) return;
      if (event instanceof PointerEvent && event.pointerType !== "mouse") return;
      anchor = to;
      // The next one comes at once while one goes along a bar.
      const soon = byKeys || performance.now() - last < 300;
      wait = window.setTimeout(() => show(to), soon ? 0 : 450);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    document.addEventListener("pointerover", aim);
    document.addEventListener("focusin", aim);
    document.addEventListener("focusout", hide);
    document.addEventListener("pointerdown", hide, true);
    document.addEventListener("keydown", key, true);
    document.addEventListener("scroll", hide, true);
    return () => {
      hide();
      document.removeEventListener("pointerover", aim);
      document.removeEventListener("focusin", aim);
      document.removeEventListener("focusout", hide);
      document.removeEventListener("pointerdown", hide, true);
      document.removeEventListener("keydown", key, true);
      document.removeEventListener("scroll", hide, true);
    };
  }, []);
  // The button has the same name already: this is for the eyes.
  return (
    <div ref={element} class="tip" popover="manual" aria-hidden="true">
      <span />
      <span class="tip-keys" />
    </div>
  );
}
