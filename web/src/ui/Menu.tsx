import type { ComponentChildren, JSX } from "preact";
import { useId, useRef } from "preact/hooks";
import { place, type Side } from "./place";
import { first, rove } from "./roving";

export interface MenuProps {
  /** The button's attributes beyond what makes it open the menu. */
  button: (of: { popovertarget: string }) => ComponentChildren;
  children: ComponentChildren;
  label: string;
  side?: Side;
  align?: "start" | "center" | "end";
  class?: string;
}

/** A button that opens a sheet of actions and settings; a click elsewhere or Escape closes it. */
export function Menu({ button, children, label, side, align = "end", class: more }: MenuProps) {
  const id = useId();
  const element = useRef<HTMLDivElement>(null);
  return (
    <>
      {button({ popovertarget: id })}
      {/* biome-ignore lint/a11y/useSemanticElements: a group of controls, not of a form's fields. */}
      <div
        ref={element}
        id={id}
        popover="auto"
        class={`menu ${more ?? ""}`}
        role="group"
        aria-label={label}
        onKeyDown={rove}
        onToggle={(event) => {
          if (event.newState !== "open") return;
          const anchor = document.querySelector(`[popovertarget="${id}"]`);
          if (!anchor) return;
          place(event.currentTarget, anchor, { side, align });
          // Opened by keys, it has the focus; Escape gives it back.
          if (anchor.matches(":focus-visible")) first(event.currentTarget)?.focus();
        }}
      >
        {children}
      </div>
    </>
  );
}

export interface MenuItemProps extends Omit<JSX.IntrinsicElements["button"], "icon"> {
  icon?: (props: { size: number; "aria-hidden": "true" }) => ComponentChildren;
  /** Its keys, as they are shown. */
  keys?: string;
  /** Whether the menu stays when it is chosen. */
  stays?: boolean;
}

/** One action of a menu. */
export function MenuItem({ icon: Icon, keys, stays, children, onClick, ...rest }: MenuItemProps) {
  return (
    <button
      type="button"
      class="menu-item"
      {...rest}
      onClick={(event) => {
        if (!stays) event.currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
        (onClick as JSX.MouseEventHandler<HTMLButtonElement> | undefined)?.(event);
      }}
    >
      {Icon && <Icon size={18} aria-hidden="true" />}
      <span>{children}</span>
      {keys && <span class="menu-keys">{keys}</span>}
    </button>
  );
}
