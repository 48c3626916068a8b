import { signal } from "@preact/signals";
import { ChevronRight } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { models } from "../state/session";
import { wish } from "../state/wish";
import { changedIn, type GroupName } from "./changes";

const KEY = "overpaint.groups";
const AT_FIRST = ["style", "output"];

function kept(): string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return Array.isArray(names) ? names.map(String) : AT_FIRST;
  } catch {
    return AT_FIRST;
  }
}

const open = signal<ReadonlySet<string>>(new Set(kept()));

export interface GroupProps {
  name: GroupName;
  title: string;
  /** What is chosen in it, said while it is closed. */
  brief?: string;
  children: ComponentChildren;
}

/** Options that belong together; whether they are seen is remembered. */
export function Group({ name, title, brief, children }: GroupProps) {
  const isOpen = open.value.has(name);
  const changed = changedIn(name, wish.value, models.value).length;
  return (
    <details
      class="panel-group"
      open={isOpen}
      onToggle={(event) => {
        const now = event.currentTarget.open;
        if (now === open.value.has(name)) return;
        const names = new Set(open.value);
        if (now) names.add(name);
        else names.delete(name);
        open.value = names;
        localStorage.setItem(KEY, JSON.stringify([...names]));
      }}
    >
      <summary>
        <ChevronRight size={16} aria-hidden="true" />
        <h3>{title}</h3>
        {!isOpen && brief && <span class="panel-brief">{brief}</span>}
        {changed > 0 && (isOpen || !brief) && (
          <span class="panel-brief">{t().prompt.changedShort(changed)}</span>
        )}
      </summary>
      <div class="panel-group-body">{children}</div>
    </details>
  );
}
