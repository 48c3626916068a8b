import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/shell.css";
import "./styles/tools.css";
import "./styles/results.css";
import "./styles/panel.css";
import "./state/theme";
import { App } from "./app";
import { guardLeaving } from "./shell/leaving";
import { listenToKeys } from "./shell/shortcuts";

listenToKeys();
guardLeaving();

const root = document.getElementById("app");
if (root) render(<App />, root);
