/** The handle between before and after. */
import { useRef } from "preact/hooks";
import { t } from "../i18n";
import { editor } from "../state/work";

const STEP = 0.02;
const FAR = 0.1;

export function Split() {
  const grabbed = useRef<number | null>(null);
  const comparison = editor.comparison.value;
  const picture = editor.picture.value;
  if (!comparison || !picture) return null;
  const words = t().stage;
  const camera = editor.camera.value;
  const width = picture.width * camera.scale;
  const { split } = comparison;
  const to = (share: number) => {
    const now = editor.comparison.peek();
    if (now) editor.comparison.value = { ...now, split: Math.min(1, Math.max(0, share)) };
  };
  const onPointerMove = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (grabbed.current === null) return;
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (box) to((event.clientX - grabbed.current - box.left - camera.x) / width);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moved(event.key, split, event.shiftKey);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    to(next);
  };
  const percent = Math.round(split * 100);
  return (
    <div
      class="stage-split"
      data-peeking={editor.peeking.value || undefined}
      data-edge={split < 0.01 ? "start" : split > 0.99 ? "end" : undefined}
    >
      <div
        class="stage-handle"
        role="slider"
        tabIndex={0}
        aria-label={words.split}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={words.splitAt(percent)}
        style={{ "--at": `${(camera.x + width * split).toFixed(1)}px` }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          const box = event.currentTarget.getBoundingClientRect();
          grabbed.current = event.clientX - (box.left + box.width / 2);
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => {
          grabbed.current = null;
        }}
        onPointerCancel={() => {
          grabbed.current = null;
        }}
        onKeyDown={onKeyDown}
      >
        <b class="stage-before">{words.before}</b>
        <b class="stage-after">{words.after}</b>
        <i />
      </div>
    </div>
  );
}

function moved(key: string, split: number, far: boolean): number | null {
  const step = far ? FAR : STEP;
  if (key === "ArrowLeft" || key === "ArrowDown") return split - step;
  if (key === "ArrowRight" || key === "ArrowUp") return split + step;
  if (key === "PageDown") return split - FAR;
  if (key === "PageUp") return split + FAR;
  if (key === "Home") return 0;
  return key === "End" ? 1 : null;
}
