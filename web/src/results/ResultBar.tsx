/** What can be done with the result that is looked at; stands where the tools' options stand else. */
import {
  ArrowLeft,
  ChevronLeft,
  ChevronRight,
  Clipboard,
  Code as CodeIcon,
  Columns2,
  Download,
  Ellipsis,
  Eraser,
  Eye,
  Info,
  Layers,
  Shuffle,
  SlidersHorizontal,
  StepForward,
  Trash2,
} from "lucide-preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { varyRun } from "../runs/runs";
import { dialog } from "../state/ui";
import { editor, shown, shownResult } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { Menu, MenuItem } from "../ui/Menu";
import { rove } from "../ui/roving";
import { canCopy, continueFrom, copyPicture, type Looked, reuse } from "./actions";
import { isSplit, otherShape, peek, toggleSplit } from "./compare";
import { Details } from "./Details";
import { step } from "./keys";
import { removeRuns, runsHere } from "./removal";
import { pictures } from "./strip";

/* `data-short` is what stands below a button's icon on a phone; names are given apart from it. */

export function ResultBar() {
  const looked = shownResult.value;
  return looked && <Bar {...looked} />;
}

function Bar(looked: Looked) {
  const words = t().results;
  const { run, result } = looked;
  const [details, setDetails] = useState(false);
  const all = pictures(runsHere.value);
  const at = all.findIndex((one) => one.run.id === run.id && one.result.index === result.index);
  const ready = result.bytes !== null;
  const why = otherShape.value ? words.otherShape : undefined;
  return (
    <div class="results-bar" role="toolbar" aria-label={words.bar} onKeyDown={rove}>
      <Button
        icon={ArrowLeft}
        kind="quiet"
        class="results-back"
        aria-label={words.edit}
        data-short={words.edit}
        data-tip={words.editTip}
        data-keys="Esc"
        onClick={() => {
          shown.value = null;
        }}
      >
        {words.edit}
      </Button>
      {all.length > 1 && (
        <span class="results-steps">
          <IconButton
            icon={ChevronLeft}
            label={words.previous}
            shortcut=","
            disabled={at <= 0}
            onClick={() => step(-1)}
          />
          <span class="results-place">{words.place(at + 1, all.length)}</span>
          <IconButton
            icon={ChevronRight}
            label={words.next}
            shortcut="."
            disabled={at === all.length - 1}
            onClick={() => step(1)}
          />
        </span>
      )}
      <span class="results-line" />
      <IconButton
        icon={Columns2}
        label={why ?? words.split}
        data-short={words.splitShort}
        shortcut="C"
        pressed={isSplit.value}
        disabled={!ready || otherShape.value}
        onClick={toggleSplit}
      />
      <HoldButton disabled={!ready || otherShape.value} />
      <span class="results-gap" />
      <Menu
        label={words.continue}
        align="center"
        button={(of) => (
          <Button
            {...of}
            icon={StepForward}
            kind="quiet"
            class="results-wide"
            aria-label={words.continue}
            data-short={words.continueShort}
            disabled={!ready}
          >
            {words.continue}
          </Button>
        )}
      >
        <p class="results-menu-hint">{words.continueTip}</p>
        <MenuItem icon={Layers} onClick={() => void continueFrom(looked, true)}>
          {words.keepMask}
        </MenuItem>
        <MenuItem icon={Eraser} onClick={() => void continueFrom(looked, false)}>
          {words.clearMask}
        </MenuItem>
      </Menu>
      <Button
        icon={Shuffle}
        kind="quiet"
        class="results-wide"
        aria-label={words.vary}
        data-short={words.vary}
        data-tip={words.varyTip}
        onClick={() => void varyRun(run)}
      >
        {words.vary}
      </Button>
      <Button
        icon={Download}
        kind="quiet"
        class="results-wide"
        aria-label={words.download}
        data-short={words.download}
        disabled={!ready}
        onClick={() => {
          dialog.value = "download";
        }}
      >
        {words.download}
      </Button>
      <Menu
        label={words.more}
        button={(of) => (
          <IconButton {...of} icon={Ellipsis} label={words.more} data-short={words.more} />
        )}
      >
        <MenuItem icon={SlidersHorizontal} onClick={() => reuse(looked)}>
          {words.reuse}
        </MenuItem>
        <MenuItem
          icon={Clipboard}
          disabled={!canCopy || !ready}
          title={canCopy ? undefined : words.copyNeedsHttps}
          onClick={() => void copyPicture(looked)}
        >
          {words.copy}
        </MenuItem>
        <MenuItem
          icon={CodeIcon}
          onClick={() => {
            dialog.value = "code";
          }}
        >
          {words.code}
        </MenuItem>
        <MenuItem icon={Info} onClick={() => setDetails(true)}>
          {words.details}
        </MenuItem>
        <hr class="menu-line" />
        <MenuItem icon={Trash2} onClick={() => removeRuns([run])}>
          {words.remove}
        </MenuItem>
      </Menu>
      {details && <Details {...looked} onClose={() => setDetails(false)} />}
    </div>
  );
}

/** Shows the picture as it was while it is held: by pointer, Space or Enter. */
function HoldButton({ disabled }: { disabled: boolean }) {
  const words = t().results;
  const release = () => peek(false);
  return (
    <Button
      icon={Eye}
      kind="quiet"
      class="results-hold"
      data-short={words.holdShort}
      aria-label={words.hold}
      aria-pressed={editor.peeking.value}
      data-tip={words.hold}
      data-keys="\"
      disabled={disabled}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        peek(true);
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onLostPointerCapture={release}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        peek(true);
      }}
      onKeyUp={release}
      onBlur={release}
    >
      {words.holdShort}
    </Button>
  );
}
