import { useComputed } from "@preact/signals";
import {
  CircleUserRound,
  History,
  ImagePlus,
  Info,
  Keyboard,
  LogOut,
  Minus,
  Monitor,
  Moon,
  Plus,
  Redo2,
  Sun,
  Undo2,
  X,
} from "lucide-preact";
import { language, speak, t } from "../i18n";
import { account } from "../state/session";
import { type Theme, theme } from "../state/theme";
import { dialog } from "../state/ui";
import { base, editor } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { Choice } from "../ui/Fields";
import { shown } from "../ui/keys";
import { Menu, MenuItem } from "../ui/Menu";
import { closePicture, pickPicture } from "./picture";
import { keysFor } from "./shortcuts";

/** The brush's stroke in its frame, as on the icon. */
export function Mark() {
  return (
    <svg class="shell-mark" viewBox="0 0 28 28" width="26" height="26" aria-hidden="true">
      <rect x="1.5" y="1.5" width="25" height="25" rx="6" />
      <path d="M7 19c3-8 5 1 8-6 1.5-3.5 3.5-5 6-5" />
    </svg>
  );
}

export function Header() {
  const picture = base.value;
  const words = t().shell;
  return (
    <header class="shell-header">
      {picture && (
        <a class="shell-skip" href="#stage">
          {words.skip}
        </a>
      )}
      <h1 class="shell-word">
        <button
          type="button"
          data-tip={words.about}
          onClick={() => {
            dialog.value = "about";
          }}
        >
          <Mark />
          <span>Overpaint</span>
        </button>
      </h1>
      {picture && <PictureName name={picture.name} width={picture.width} height={picture.height} />}
      <span class="shell-gap" />
      {picture && (
        <>
          <UndoRedo />
          <Zoom />
        </>
      )}
      <div class="shell-more">
        <IconButton
          icon={History}
          label={words.history}
          shortcut={keysFor("history")}
          class="shell-wide"
          onClick={() => {
            dialog.value = "history";
          }}
        />
        <IconButton
          icon={Keyboard}
          label={words.shortcuts}
          shortcut={keysFor("shortcuts")}
          class="shell-wide shell-keys"
          onClick={() => {
            dialog.value = "shortcuts";
          }}
        />
        <Settings />
      </div>
    </header>
  );
}

function PictureName({ name, width, height }: { name: string; width: number; height: number }) {
  const words = t().shell;
  return (
    <div class="shell-picture">
      <p class="shell-name">
        <span class="sr-only">{words.picture}: </span>
        <bdi title={name}>{name}</bdi>
        <small>{words.size(width, height)}</small>
      </p>
      <Button
        icon={ImagePlus}
        kind="quiet"
        class="shell-new"
        aria-label={words.newPicture}
        data-tip={words.openFile}
        data-keys={shown(keysFor("open") ?? "")}
        onClick={pickPicture}
      >
        {words.newPicture}
      </Button>
    </div>
  );
}

function UndoRedo() {
  const words = t().shell;
  return (
    // biome-ignore lint/a11y/useSemanticElements: two buttons, not a form's fields.
    <div class="shell-group" role="group" aria-label={words.edit}>
      <IconButton
        icon={Undo2}
        label={words.undo}
        shortcut={keysFor("undo")}
        disabled={!editor.canUndo.value}
        onClick={() => editor.undo()}
      />
      <IconButton
        icon={Redo2}
        label={words.redo}
        shortcut={keysFor("redo")}
        disabled={!editor.canRedo.value}
        onClick={() => editor.redo()}
      />
    </div>
  );
}

function Zoom() {
  const words = t().shell;
  // Drawn anew where the number changes, not with each step of the hand.
  const percent = useComputed(() =>
    Math.round(editor.camera.value.scale * devicePixelRatio * 100),
  ).value;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above.
    <div class="shell-group shell-zoom" role="group" aria-label={words.view}>
      <IconButton
        icon={Minus}
        label={words.zoomOut}
        shortcut={keysFor("out")}
        onClick={() => editor.zoomOut()}
      />
      <Menu
        label={words.view}
        align="center"
        button={(opens) => (
          <button
            type="button"
            class="button quiet shell-percent"
            aria-label={words.zoom(percent)}
            {...opens}
          >
            {percent}%
          </button>
        )}
      >
        <MenuItem keys={keysFor("fit")} onClick={() => editor.fit()}>
          {words.fit}
        </MenuItem>
        <MenuItem keys={keysFor("actual")} onClick={() => editor.actualSize()}>
          {words.actualSize}
        </MenuItem>
        <hr class="menu-line" />
        {[50, 200, 400, 800].map((value) => (
          <MenuItem key={value} onClick={() => editor.zoomTo(value / 100 / devicePixelRatio)}>
            {value}%
          </MenuItem>
        ))}
      </Menu>
      <IconButton
        icon={Plus}
        label={words.zoomIn}
        shortcut={keysFor("in")}
        onClick={() => editor.zoomIn()}
      />
    </div>
  );
}

const THEMES: ReadonlyArray<{
  value: Theme;
  icon: typeof Sun;
  word: "themeSystem" | "themeLight" | "themeDark";
}> = [
  { value: "system", icon: Monitor, word: "themeSystem" },
  { value: "light", icon: Sun, word: "themeLight" },
  { value: "dark", icon: Moon, word: "themeDark" },
];

function Settings() {
  const words = t().shell;
  const show = (name: "about" | "shortcuts" | "history" | "signOut") => () => {
    dialog.value = name;
  };
  return (
    <Menu
      label={words.account}
      class="shell-settings"
      button={(opens) => <IconButton icon={CircleUserRound} label={words.account} {...opens} />}
    >
      <Usage />
      <div class="shell-setting">
        <span>{words.theme}</span>
        <Choice<Theme>
          label={words.theme}
          value={theme.value}
          options={THEMES.map(({ value, icon: Icon, word }) => ({
            value,
            title: words[word],
            label: (
              <>
                <Icon size={16} aria-hidden="true" />
                <span class="sr-only">{words[word]}</span>
              </>
            ),
          }))}
          onChange={(value) => {
            theme.value = value;
          }}
        />
      </div>
      <div class="shell-setting">
        <span>{words.language}</span>
        <Choice
          label={words.language}
          value={language.value}
          options={[
            { value: "en", label: <span lang="en">English</span> },
            { value: "zh", label: <span lang="zh-CN">中文</span> },
          ]}
          onChange={speak}
        />
      </div>
      <hr class="menu-line" />
      {base.value && (
        <div class="shell-narrow">
          <MenuItem icon={ImagePlus} onClick={pickPicture}>
            {words.openFile}
          </MenuItem>
        </div>
      )}
      {base.value && (
        <MenuItem icon={X} onClick={() => void closePicture()}>
          {words.closePicture}
        </MenuItem>
      )}
      <div class="shell-narrow">
        <MenuItem icon={History} onClick={show("history")}>
          {words.history}
        </MenuItem>
      </div>
      <MenuItem icon={Keyboard} keys="?" onClick={show("shortcuts")}>
        {words.shortcuts}
      </MenuItem>
      <MenuItem icon={Info} onClick={show("about")}>
        {words.about}
      </MenuItem>
      <hr class="menu-line" />
      <MenuItem icon={LogOut} onClick={show("signOut")}>
        {words.signOut}
      </MenuItem>
    </Menu>
  );
}

/** Whose key it is, and how much of its plan is used. */
function Usage() {
  const words = t().shell;
  const who = account.value;
  if (!who) return null;
  return (
    <div class="shell-usage">
      <p>
        <span class="sr-only">{words.signedInAs} </span>
        <strong>{who.name}</strong> <code>{who.hint}</code>
      </p>
      {who.images !== null && (
        <progress
          max={who.images}
          value={Math.min(who.used, who.images)}
          aria-label={words.usedOf(who.used, who.images)}
        />
      )}
      <p class="hint">
        <span>
          {who.images === null ? words.used(who.used) : words.usedOf(who.used, who.images)}
        </span>
        {who.plan && <span>{words.plan(who.plan)}</span>}
      </p>
    </div>
  );
}
