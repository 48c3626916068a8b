import type { LucideIcon } from "lucide-preact";
import type { ComponentChildren, JSX } from "preact";
import { aria, shown } from "./keys";

type Native = Omit<JSX.IntrinsicElements["button"], "icon" | "label" | "size">;

export interface ButtonProps extends Native {
  icon?: LucideIcon;
  /** "primary" is what one came to do; there is one in a view. */
  kind?: "primary" | "plain" | "quiet" | "danger";
  busy?: boolean;
  children?: ComponentChildren;
}

/** A button with words. */
export function Button({
  icon: Icon,
  kind = "plain",
  busy,
  children,
  class: more,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${more ?? ""}`}
      aria-busy={busy || undefined}
    >
      {Icon && <Icon size={18} aria-hidden="true" />}
      {children && <span>{children}</span>}
    </button>
  );
}

export interface IconButtonProps extends Native {
  icon: LucideIcon;
  /** Its name, for those who see it and those who hear it. */
  label: string;
  /** Shown with the name, as in ui/keys.ts: "Mod+Z". */
  shortcut?: string;
  /** For one of several, or on and off. */
  pressed?: boolean;
}

/** A button with a picture; its name shows when it is pointed at or has the focus. */
export function IconButton({
  icon: Icon,
  label,
  shortcut,
  pressed,
  class: more,
  ...rest
}: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut && aria(shortcut)}
      data-tip={label}
      data-keys={shortcut && shown(shortcut)}
      {...rest}
      class={`icon-button ${more ?? ""}`}
    >
      <Icon size={20} strokeWidth={1.75} aria-hidden="true" />
    </button>
  );
}
