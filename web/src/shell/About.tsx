import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { Mark } from "./Header";

/** What this is, and what leaves the browser. */
export default function About({ onClose }: { onClose: () => void }) {
  const words = t().help;
  return (
    <Dialog title={words.aboutTitle} onClose={onClose}>
      <div class="shell-prose">
        <div class="shell-about">
          <Mark />
          <p>
            <strong>Overpaint</strong>
            <span>{words.version(__VERSION__)}</span>
          </p>
        </div>
        <p>{words.aboutText}</p>
        <h3>{words.privacyTitle}</h3>
        <ul>
          <li>{words.privacySent}</li>
          <li>{words.privacyKept}</li>
          <li>{words.privacyNone}</li>
        </ul>
        <h3>{words.marksTitle}</h3>
        <p>{words.marks}</p>
        <p class="hint">
          {words.source} <a href="/docs">{words.api}</a>
        </p>
      </div>
    </Dialog>
  );
}
