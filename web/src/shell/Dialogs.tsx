import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { signedOut } from "../state/session";
import { type DialogName, dialog, say } from "../state/ui";
import { later } from "./Banner";
import { QuestionDialog } from "./Question";
import { question } from "./question";

type Shown = ComponentType<{ onClose: () => void }>;

/** Each comes when it is first asked for. */
const LOAD: Record<DialogName | "signIn", () => Promise<Shown>> = {
  shortcuts: () => import("./CheatSheet").then((file) => file.default),
  about: () => import("./About").then((file) => file.default),
  signIn: () => import("./SignIn").then((file) => file.default),
  signOut: () => import("./SignOut").then((file) => file.default),
  maskImport: () => import("../tools/MaskImport").then((file) => file.default),
  history: () => import("../results/History").then((file) => file.History),
  code: () => import("../results/Code").then((file) => file.Code),
  download: () => import("../results/Download").then((file) => file.Download),
};

/** The dialog that is asked for, a question over it, and the key's where the session has ended. */
export function Dialogs() {
  const name = dialog.value;
  const asked = question.value;
  return (
    <>
      {name && (
        <Lazy
          key={name}
          name={name}
          onClose={() => {
            if (dialog.value === name) dialog.value = null;
          }}
        />
      )}
      {asked && <QuestionDialog key={asked.title} {...asked} />}
      {signedOut.value && !later.value && (
        <Lazy
          name="signIn"
          onClose={() => {
            later.value = true;
          }}
        />
      )}
    </>
  );
}

function Lazy({ name, onClose }: { name: DialogName | "signIn"; onClose: () => void }) {
  const [Content, setContent] = useState<Shown | null>(null);
  useEffect(() => {
    let gone = false;
    LOAD[name]().then(
      (file) => {
        if (!gone) setContent(() => file);
      },
      () => {
        if (gone) return;
        say("problem", t().shell.chunkGone, { hint: t().shell.chunkGoneHint });
        onClose();
      },
    );
    return () => {
      gone = true;
    };
  }, [name]);
  return Content && <Content onClose={onClose} />;
}
