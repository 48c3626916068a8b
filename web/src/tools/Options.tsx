import { signal } from "@preact/signals";
import {
  Contrast,
  Download,
  Ellipsis,
  Eye,
  EyeOff,
  PenTool,
  Scan,
  SquareCheckBig,
  Trash2,
  Upload,
} from "lucide-preact";
import type { Layer } from "../editor/editor";
import { t } from "../i18n";
import { pickFile } from "../shell/picture";
import { keysFor } from "../shell/shortcuts";
import { editor } from "../state/work";
import { Button, IconButton } from "../ui/Button";
import { Choice, Slider, Switch } from "../ui/Fields";
import { shown } from "../ui/keys";
import { Menu, MenuItem } from "../ui/Menu";
import { changeBrush, shareOf, sizeAt } from "./brush";
import { exportMask, importMask, MASKS, markedShare } from "./mask";

/** What the tool that is chosen takes, and what can be done with the whole mask. */
export function Options() {
  const words = t().tools;
  const sketching = editor.layer.value === "sketch";
  return (
    <div class="tools-options">
      <div class="tools-layer">
        <Choice<Layer>
          label={words.layer}
          value={editor.layer.value}
          options={[
            { value: "mask", label: words.layerMask, title: words.layerMaskHint },
            { value: "sketch", label: words.layerSketch, title: words.layerSketchHint },
          ]}
          onChange={(layer) => {
            editor.layer.value = layer;
          }}
        />
      </div>
      <ToolOptions />
      <span class="tools-gap" />
      {sketching ? <SketchActions /> : <MaskActions />}
      <More />
    </div>
  );
}

function ToolOptions() {
  switch (editor.tool.value) {
    case "brush":
    case "eraser":
      return <BrushOptions />;
    case "lasso":
    case "rectangle":
      return editor.layer.value === "mask" ? <Mode /> : null;
    case "wand":
    case "fill":
      return (
        <>
          {editor.layer.value === "mask" && <Mode />}
          <div class="tools-rest first">
            <Tolerance />
          </div>
          <div class="tools-rest">
            <Contiguous />
          </div>
        </>
      );
    default:
      return null;
  }
}

function BrushOptions() {
  const words = t().tools;
  const { size } = editor.brush.value;
  return (
    <>
      <Slider
        label={words.size}
        min={0}
        max={1}
        step={0.005}
        value={shareOf(size)}
        shown={words.px(size)}
        onInput={(share) => changeBrush({ size: sizeAt(share) })}
      />
      <div class="tools-rest">
        {editor.layer.value === "mask" && <Softness />}
        <Pressure />
      </div>
    </>
  );
}

function Softness() {
  const words = t().tools;
  const { softness } = editor.brush.value;
  return (
    <Slider
      label={words.softness}
      min={0}
      max={1}
      step={0.05}
      value={softness}
      shown={words.percent(Math.round(softness * 100))}
      onInput={(value) => changeBrush({ softness: value })}
    />
  );
}

function Pressure() {
  const { pressure } = editor.brush.value;
  return (
    <IconButton
      icon={PenTool}
      label={t().tools.pressure}
      pressed={pressure}
      onClick={() => changeBrush({ pressure: !pressure })}
    />
  );
}

function Mode() {
  const words = t().tools;
  return (
    <Choice<"add" | "subtract">
      label={words.mode}
      value={editor.subtract.value ? "subtract" : "add"}
      options={[
        { value: "add", label: words.add },
        { value: "subtract", label: words.subtract },
      ]}
      onChange={(mode) => {
        editor.subtract.value = mode === "subtract";
      }}
    />
  );
}

function Tolerance() {
  return (
    <Slider
      label={t().tools.tolerance}
      min={0}
      max={255}
      value={editor.tolerance.value}
      onInput={(value) => {
        editor.tolerance.value = value;
      }}
    />
  );
}

function Contiguous() {
  if (editor.tool.value !== "wand") return null;
  return (
    <label class="tools-check">
      <input
        type="checkbox"
        checked={editor.contiguous.value}
        onChange={(event) => {
          editor.contiguous.value = event.currentTarget.checked;
        }}
      />
      {t().tools.contiguous}
    </label>
  );
}

/** What has no room on a phone's strip, as the tool takes it. */
function Rest() {
  const words = t().tools;
  const { tool, brush } = editor;
  const mask = editor.layer.value === "mask";
  if (tool.value === "brush" || tool.value === "eraser") {
    return (
      <>
        {mask && <Softness />}
        <Switch
          label={words.pressure}
          checked={brush.value.pressure}
          onChange={(pressure) => changeBrush({ pressure })}
        />
      </>
    );
  }
  if (tool.value !== "wand" && tool.value !== "fill") return null;
  return (
    <>
      <div class="tools-narrow">
        <Tolerance />
      </div>
      <Contiguous />
    </>
  );
}

function SketchActions() {
  const words = t().tools;
  return (
    <>
      <p class="tools-marked">{words.layerSketchHint}</p>
      <IconButton
        icon={Trash2}
        label={words.clearSketch}
        shortcut={keysFor("clear")}
        disabled={!editor.hasSketch.value}
        onClick={() => editor.clearSketch()}
      />
    </>
  );
}

function MaskActions() {
  const words = t().tools;
  const none = editor.coverage.value.marked === 0;
  const visible = editor.showMask.value;
  return (
    <>
      <p class="tools-marked">{none ? words.none : words.marked(markedShare())}</p>
      <IconButton
        class="tools-wide"
        icon={visible ? Eye : EyeOff}
        label={visible ? words.hide : words.show}
        shortcut={keysFor("show")}
        onClick={() => {
          editor.showMask.value = !visible;
        }}
      />
      <IconButton
        class="tools-wide"
        icon={Contrast}
        label={words.invert}
        shortcut={keysFor("invert")}
        onClick={() => editor.invert()}
      />
      <Grow disabled={none} />
      <IconButton
        icon={Trash2}
        label={words.clear}
        shortcut={keysFor("clear")}
        disabled={none}
        onClick={() => editor.clear()}
      />
    </>
  );
}

/** Whatever else there is; on a phone, what the strip has no room for. */
function More() {
  const words = t().tools;
  const mask = editor.layer.value === "mask";
  const none = editor.coverage.value.marked === 0;
  const visible = editor.showMask.value;
  return (
    <Menu
      label={words.more}
      class="tools-menu"
      button={(opens) => (
        <IconButton
          class={mask ? undefined : "tools-close"}
          icon={Ellipsis}
          label={words.more}
          {...opens}
        />
      )}
    >
      <div class="tools-close tools-fields">
        <Rest />
      </div>
      <div class="tools-narrow tools-fields">{mask && <GrowFields disabled={none} />}</div>
      {mask && (
        <>
          <div class="tools-narrow">
            <hr class="menu-line" />
            <MenuItem
              icon={visible ? EyeOff : Eye}
              onClick={() => {
                editor.showMask.value = !visible;
              }}
            >
              {visible ? words.hide : words.show}
            </MenuItem>
            <MenuItem icon={Contrast} onClick={() => editor.invert()}>
              {words.invert}
            </MenuItem>
          </div>
          <MenuItem
            icon={SquareCheckBig}
            keys={shown(keysFor("all") ?? "")}
            onClick={() => editor.selectAll()}
          >
            {words.selectAll}
          </MenuItem>
          <MenuItem icon={Upload} onClick={() => pickFile(MASKS, importMask)}>
            {words.importMask}
          </MenuItem>
          <MenuItem icon={Download} disabled={none} onClick={() => void exportMask()}>
            {words.exportMask}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function Grow({ disabled }: { disabled: boolean }) {
  const words = t().tools;
  return (
    <Menu
      label={words.grow}
      class="tools-fields"
      align="center"
      button={(opens) => (
        <IconButton
          class="tools-wide"
          icon={Scan}
          label={words.grow}
          disabled={disabled}
          {...opens}
        />
      )}
    >
      <GrowFields disabled={disabled} />
    </Menu>
  );
}

const growth = signal(8);

function GrowFields({ disabled }: { disabled: boolean }) {
  const words = t().tools;
  const px = growth.value;
  return (
    <>
      <Slider
        label={words.grow}
        min={1}
        max={64}
        value={px}
        shown={words.px(px)}
        disabled={disabled}
        onInput={(value) => {
          growth.value = value;
        }}
      />
      <div class="tools-pair">
        <Button
          aria-label={words.shrinkBy(px)}
          disabled={disabled}
          onClick={() => editor.grow(-px)}
        >
          {words.shrinkShort}
        </Button>
        <Button aria-label={words.growBy(px)} disabled={disabled} onClick={() => editor.grow(px)}>
          {words.growShort}
        </Button>
      </div>
    </>
  );
}
