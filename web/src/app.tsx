/** The page: header, tools, picture, wish, results; see styles/layout.css for where they lie. */
import { Stage } from "./editor/Stage";
import { Panel } from "./panel/Panel";
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
  return (
    <div class="app" data-part={part.value}>
      <Header />
      <main>
        {base.value ? (
          <>
            <Tools />
            <Stage />
            <Panel />
            <Results />
          </>
        ) : (
          <Welcome />
        )}
      </main>
      {base.value && <Parts />}
      <Dialogs />
      <Toasts />
    </div>
  );
}
