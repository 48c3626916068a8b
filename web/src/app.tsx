/** The page: header, tools, picture, wish, results; see styles/layout.css for where they lie. */
import { Stage } from "./editor/Stage";
import { t } from "./i18n";
import { Panel } from "./panel/Panel";
import { ResultBar } from "./results/ResultBar";
import { Results } from "./results/Results";
import { Dialogs } from "./shell/Dialogs";
import { Header } from "./shell/Header";
import { Parts } from "./shell/Parts";
import { Toasts } from "./shell/Toasts";
import { Welcome } from "./shell/Welcome";
import { part } from "./state/ui";
import { base } from "./state/work";
import { Tools } from "./tools/Tools";

export function App() {
  const open = base.value !== null;
  return (
    <div class="layout" data-part={part.value}>
      <Header />
      {open ? (
        <main class="layout-main">
          <div class="layout-tools">
            <Tools />
          </div>
          <div class="layout-stage">
            <Stage />
            <ResultBar />
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
    </div>
  );
}
