import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/shell.css";
import "./styles/stage.css";
import "./styles/tools.css";
import "./styles/results.css";
import "./styles/panel.css";
import "./state/theme";
import { App } from "./app";
import { boot } from "./runs/session";
import { guardLeaving } from "./shell/leaving";
import { listenToKeys } from "./shell/shortcuts";

listenToKeys();
guardLeaving();

// What was kept is there at the first sight of the page, if it can be read that quickly.
const LONGEST_MS = 600;
await Promise.race([boot(), new Promise((resolve) => setTimeout(resolve, LONGEST_MS))]);

const root = document.getElementById("app");
if (root) render(<App />, root);
