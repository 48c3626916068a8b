import { signal } from "@preact/signals";
import { X } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Toasts } from "../shell/Toasts";
import { IconButton } from "./Button";

/** The dialogs that are open, by their titles' ids; the last one lies over the others. */
export const openDialogs = signal<readonly string[]>([]);

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at the foot. */
  actions?: ComponentChildren;
  wide?: boolean;
}

/**
 * A modal dialog: the browser's own, which keeps the focus inside and closes with Escape.
 *
 * What has `data-focus` gets the focus first; else the first thing that can have it.
 */
export function Dialog({ title, onClose, children, actions, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    element.current?.querySelector<HTMLElement>("[data-focus]")?.focus();
    openDialogs.value = [...openDialogs.value, name];
    return () => {
      openDialogs.value = openDialogs.value.filter((one) => one !== name);
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={name}
      onClose={onClose}
      closedby="any"
    >
      <div class="dialog-body">
        <header>
          <h2 id={name}>{title}</h2>
          <IconButton icon={X} label={t().shell.close} onClick={() => element.current?.close()} />
        </header>
        <div class="dialog-content">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
      {/* What lies under a modal dialog is out of reach: notices come up with it. */}
      <Toasts dialog={name} />
    </dialog>
  );
}
