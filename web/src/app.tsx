/** The page: header, tools, picture, wish, results; see styles/layout.css for where they lie. */
import { Stage } from "./editor/Stage";
import { t } from "./i18n";
import { Panel } from "./panel/Panel";
import { Notes } from "./results/Notes";
import { ResultBar } from "./results/ResultBar";
import { Results } from "./results/Results";
import { Banner } from "./shell/Banner";
import { Dialogs } from "./shell/Dialogs";
import { Drop } from "./shell/Drop";
import { Header } from "./shell/Header";
import { Parts } from "./shell/Parts";
import { Toasts } from "./shell/Toasts";
import { Welcome } from "./shell/Welcome";
import { part } from "./state/ui";
import { base, shownResult } from "./state/work";
import { Options } from "./tools/Options";
import { Tools } from "./tools/Tools";
import { Tips } from "./ui/Tips";

export function App() {
  const open = base.value !== null;
  const looking = shownResult.value !== null;
  return (
    <div class="layout" data-part={part.value}>
      <div>
        <Header />
        <Banner />
      </div>
      {open ? (
        <main class="layout-main">
          <div class="layout-options" data-looking={looking || undefined}>
            {looking ? <ResultBar /> : <Options />}
          </div>
          <div class="layout-tools">
            <Tools />
          </div>
          <div class="layout-stage" id="stage" tabIndex={-1}>
            <Stage />
            <Notes place="stage" />
          </div>
          <button
            type="button"
            class="layout-veil"
            aria-label={t().shell.close}
            tabIndex={-1}
            onClick={() => {
              part.value = "picture";
            }}
          />
          <div class="layout-panel">
            <Panel />
          </div>
          <div class="layout-results">
            <Results />
          </div>
        </main>
      ) : (
        <main class="layout-main empty">
          <Welcome />
        </main>
      )}
      <div class="layout-parts">{open && <Parts />}</div>
      <Dialogs />
      <Toasts />
      <Drop />
      <Tips />
    </div>
  );
}
