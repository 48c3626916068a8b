import { effect, signal } from "@preact/signals";
import { KeyRound, WifiOff } from "lucide-preact";
import { t } from "../i18n";
import { reachable, signedOut } from "../state/session";
import { Button } from "../ui/Button";

const online = signal(navigator.onLine);
addEventListener("online", () => {
  online.value = true;
});
addEventListener("offline", () => {
  online.value = false;
});

/** The key was asked for, and the dialog closed: what waits for it goes on waiting. */
export const later = signal(false);
effect(() => {
  if (!signedOut.value) later.value = false;
});

/** A line while the server is out of reach. */
export function Banner() {
  const words = t().shell;
  const text = online.value ? (reachable.value ? "" : words.unreachable) : words.offline;
  return (
    <div class="shell-banner" role="status">
      {signedOut.value && later.value && (
        <p>
          <KeyRound size={18} aria-hidden="true" />
          {words.signedOut}
          <Button
            onClick={() => {
              later.value = false;
            }}
          >
            {words.signIn}
          </Button>
        </p>
      )}
      {text && (
        <p>
          <WifiOff size={18} aria-hidden="true" />
          {text}
        </p>
      )}
    </div>
  );
}
