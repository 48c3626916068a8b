import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { Switch } from "../ui/Fields";
import { keysOf } from "../ui/keys";
import { type Group, setSingleKeys, shortcuts, singleKeys } from "./shortcuts";

const GROUPS: readonly Group[] = ["picture", "view", "tools", "mask", "run"];
const TITLES = {
  picture: "groupPicture",
  tools: "groupTools",
  mask: "groupMask",
  view: "groupView",
  run: "groupRun",
} as const;

/** All keys, and a switch for those that are a single letter. */
export default function CheatSheet({ onClose }: { onClose: () => void }) {
  const words = t().help;
  return (
    <Dialog title={words.title} onClose={onClose} wide>
      <div class="shell-sheets">
        {GROUPS.map((group) => (
          <Table key={group} title={words[TITLES[group]]}>
            {shortcuts
              .filter((one) => one.group === group)
              .map((one) => (
                <Row key={one.id} words={one.words()} keys={one.keys.slice(0, 2)} />
              ))}
            {group === "picture" && <Row words={words.paste} keys={["Mod+V"]} />}
            {group === "view" && (
              <Row words={words.panSpace} keys={["Space"]} then={words.panDrag} />
            )}
            {group === "view" && <Row words={words.wheelZoom} keys={[]} then={words.wheel} />}
          </Table>
        ))}
        <Table title={words.groupKeys}>
          <Row
            words={words.moveCursor}
            keys={["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"]}
          />
          <Row words={words.stampCursor} keys={["Space", "Enter"]} />
          <Row words={words.cancelStroke} keys={["Escape"]} />
        </Table>
      </div>
      <Switch
        label={words.single}
        hint={words.singleHint}
        checked={singleKeys.value}
        onChange={setSingleKeys}
      />
    </Dialog>
  );
}

function Table({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>{children}</dl>
    </section>
  );
}

function Row({ words, keys, then }: { words: string; keys: string[]; then?: string }) {
  const arrows = keys[0]?.startsWith("Arrow");
  return (
    <div>
      <dt>{words}</dt>
      <dd>
        {keys.map((combo, index) => (
          <span key={combo}>
            {index > 0 && !arrows && <small>{t().help.or}</small>}
            {keysOf(combo).map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
        ))}
        {then && <small>{keys.length > 0 ? `+ ${then}` : then}</small>}
      </dd>
    </div>
  );
}
