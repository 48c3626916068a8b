import { useState } from "preact/hooks";
import { t } from "../i18n";
import { problemText } from "../problems/problems";
import { signIn } from "../runs/session";
import { signedOut } from "../state/session";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Fields";

/** Asks for the key in place, so that nothing on the page is lost. */
export default function SignIn({ onClose }: { onClose: () => void }) {
  const words = t().shell;
  const [key, setKey] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (!key.trim()) {
      setError(words.keyMissing);
      return;
    }
    setBusy(true);
    const problem = await signIn(key.trim());
    setBusy(false);
    if (!problem) {
      signedOut.value = false;
      onClose();
      return;
    }
    const { text, hint } = problemText(problem);
    setError([text, hint].filter(Boolean).join(" "));
  };
  return (
    <Dialog
      title={words.signInTitle}
      onClose={onClose}
      actions={
        <>
          <a class="button quiet" href="/">
            {words.leave}
          </a>
          <Button kind="primary" type="submit" form="shell-sign-in" busy={busy}>
            {words.signIn}
          </Button>
        </>
      }
    >
      <form id="shell-sign-in" class="shell-prose" onSubmit={send}>
        <p>{words.signInText}</p>
        <Field label={words.key} error={error || undefined}>
          {(of) => (
            <input
              {...of}
              data-focus
              type="password"
              name="key"
              autocomplete="current-password"
              spellcheck={false}
              value={key}
              onInput={(event) => {
                setKey(event.currentTarget.value);
                setError("");
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
