import { CircleAlert, CircleCheck, Info, X } from "lucide-preact";
import { t } from "../i18n";
import { dismiss, type Toast, toasts } from "../state/ui";
import { Button, IconButton } from "../ui/Button";
import { openDialogs } from "../ui/Dialog";

const ICONS = { info: Info, success: CircleCheck, problem: CircleAlert };

/** What the page says in passing, at the root of the page or of the dialog that covers it. */
export function Toasts({ dialog }: { dialog?: string }) {
  const words = t().shell;
  const here = openDialogs.value.at(-1) === dialog;
  const calm = here ? toasts.value.filter((one) => one.tone !== "problem") : [];
  const urgent = here ? toasts.value.filter((one) => one.tone === "problem") : [];
  return (
    <section class="shell-toasts" aria-label={words.notices}>
      {/* Both are there before anything is said, or it would not be read out. */}
      <div role="alert">
        {urgent.map((one) => (
          <Notice key={one.id} toast={one} />
        ))}
      </div>
      <div role="status">
        {calm.map((one) => (
          <Notice key={one.id} toast={one} />
        ))}
      </div>
    </section>
  );
}

function Notice({ toast }: { toast: Toast }) {
  const Icon = ICONS[toast.tone];
  const { action } = toast;
  return (
    <div class={`shell-toast ${toast.tone}`}>
      <Icon size={20} aria-hidden="true" />
      <div>
        <p>
          {toast.tone === "problem" && <span class="sr-only">{t().shell.problem} </span>}
          {toast.text}
        </p>
        {toast.hint && <p class="hint">{toast.hint}</p>}
      </div>
      {action && (
        <Button
          onClick={() => {
            dismiss(toast.id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon={X} label={t().shell.dismiss} onClick={() => dismiss(toast.id)} />
    </div>
  );
}
