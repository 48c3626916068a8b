import { useState } from "preact/hooks";
import { t } from "../i18n";
import { signOut } from "../runs/session";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Switch } from "../ui/Fields";

/** Asks what is to become of what is kept here: devices are shared. */
export default function SignOut({ onClose }: { onClose: () => void }) {
  const words = t().shell;
  const [forget, setForget] = useState(false);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    if (busy) return;
    setBusy(true);
    await signOut({ forget });
    // Still here: it failed, and that was said.
    setBusy(false);
    onClose();
  };
  return (
    <Dialog
      title={words.signOutTitle}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {words.cancel}
          </Button>
          <Button kind={forget ? "danger" : "primary"} data-focus busy={busy} onClick={go}>
            {forget ? words.signOutForget : words.signOut}
          </Button>
        </>
      }
    >
      <div class="shell-prose">
        <p>{words.signOutText}</p>
        <Switch
          label={words.forget}
          hint={words.forgetHint}
          checked={forget}
          onChange={setForget}
        />
      </div>
    </Dialog>
  );
}
