import {
  Brush,
  Eraser,
  Hand,
  Lasso,
  type LucideIcon,
  PaintBucket,
  SquareDashed,
  WandSparkles,
} from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import { SKETCH_TOOLS, type Tool } from "../editor/editor";
import { t } from "../i18n";
import { keysFor } from "../shell/shortcuts";
import { editor, shown } from "../state/work";
import { IconButton } from "../ui/Button";
import { rove, settle } from "../ui/roving";

const TOOLS: ReadonlyArray<{ name: Tool; icon: LucideIcon; apart?: boolean }> = [
  { name: "brush", icon: Brush },
  { name: "eraser", icon: Eraser },
  { name: "lasso", icon: Lasso, apart: true },
  { name: "rectangle", icon: SquareDashed },
  { name: "wand", icon: WandSparkles },
  { name: "fill", icon: PaintBucket },
  { name: "hand", icon: Hand, apart: true },
];

/** The tools: a bar at the table's left, under it on a phone. */
export function Tools() {
  const words = t().tools;
  const bar = useRef<HTMLDivElement>(null);
  const tool = editor.tool.value;
  // No tool is in hand while a result is looked at; choosing one goes back to the picture.
  const looking = shown.value !== null;
  const sketching = editor.layer.value === "sketch";
  useEffect(() => {
    if (bar.current) settle(bar.current, bar.current.querySelector("[aria-pressed='true']"));
  }, [tool, sketching, looking]);
  useEffect(() => {
    if (sketching && !SKETCH_TOOLS.has(tool)) editor.tool.value = "brush";
  }, [sketching, tool]);
  return (
    <div
      ref={bar}
      class="tools-bar"
      role="toolbar"
      aria-label={words.title}
      data-tips="right"
      onKeyDown={rove}
      onFocusIn={(event) => settle(event.currentTarget, event.target as Element)}
    >
      {TOOLS.map(({ name, icon, apart }) => (
        <IconButton
          key={name}
          icon={icon}
          label={words[name]}
          shortcut={keysFor(name)}
          pressed={tool === name && !looking}
          disabled={sketching && !SKETCH_TOOLS.has(name)}
          class={apart ? "apart" : undefined}
          onClick={() => {
            shown.value = null;
            editor.tool.value = name;
          }}
        />
      ))}
    </div>
  );
}
