/** Over the picture: the brush's ring, the keyboard's cross-hair, the line of lasso and rectangle. */
import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { editor } from "../state/work";
import { toView } from "./camera";

/** Rings smaller than this are drawn at it, so that they can be seen, CSS px. */
const LEAST_RING = 6;

export function Cursor() {
  const ring = useRef<HTMLDivElement>(null);
  const cross = useRef<HTMLDivElement>(null);
  const line = useRef<SVGSVGElement>(null);
  // Straight into the elements: nothing else on the page is drawn anew when the hand moves.
  useSignalEffect(() => {
    if (ring.current) moveRing(ring.current);
  });
  useSignalEffect(() => {
    if (cross.current) moveCross(cross.current);
  });
  useSignalEffect(() => {
    if (line.current) drawLine(line.current);
  });
  return (
    <div class="stage-cursor" aria-hidden="true">
      <div ref={ring} class="stage-ring" hidden>
        <i />
      </div>
      <div ref={cross} class="stage-cross" hidden />
      <svg ref={line} class="stage-line" aria-hidden="true">
        <path />
        <path />
      </svg>
    </div>
  );
}

function moveRing(ring: HTMLDivElement): void {
  const { brush, camera, tool, holdHand, comparison } = editor;
  const at = editor.cross.value ?? editor.pointer.value;
  const brushes = tool.value === "brush" || tool.value === "eraser";
  ring.hidden = !at || !brushes || holdHand.value || comparison.value !== null;
  if (!at || ring.hidden) return;
  const { x, y } = toView(camera.value, at);
  const size = Math.max(LEAST_RING, brush.value.size * camera.value.scale);
  ring.style.inlineSize = `${size}px`;
  ring.style.blockSize = `${size}px`;
  ring.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
  ring.dataset.tool = tool.value;
  const inner = ring.firstElementChild as HTMLElement;
  const { softness } = brush.value;
  inner.hidden = softness === 0 || size < 16;
  inner.style.inset = `${(softness * 50).toFixed(1)}%`;
}

function moveCross(cross: HTMLDivElement): void {
  const { value: at } = editor.cross;
  cross.hidden = !at || editor.comparison.value !== null;
  if (!at) return;
  const { x, y } = toView(editor.camera.value, at);
  cross.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  cross.dataset.down = String(editor.drawing.value);
}

function drawLine(line: SVGSVGElement): void {
  const { value: points } = editor.outline;
  const camera = editor.camera.value;
  const way = (points ?? []).map((point) => {
    const { x, y } = toView(camera, point);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const drawn = way.length > 1 ? `M${way.join("L")}Z` : "";
  for (const path of line.querySelectorAll("path")) path.setAttribute("d", drawn);
}
