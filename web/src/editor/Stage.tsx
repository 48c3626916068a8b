/** The stage: the picture with its marks, and the hand over it. */
import { effect } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { theme } from "../state/theme";
import { editor } from "../state/work";
import { Announcer } from "./Announcer";
import { Cursor } from "./Cursor";
import { onKeyDown } from "./keys";
import { Painter } from "./painter";
import { Pointers } from "./pointers";
import { Split } from "./Split";
import { SKETCH_TOOLS } from "./values";
import { onWheel } from "./wheel";

export function Stage() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const help = useId();
  useEffect(() => {
    if (canvas.current) return attach(canvas.current);
  }, []);
  const words = t().stage;
  return (
    <div class="stage">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it takes arrows and space. */}
      <canvas
        ref={canvas}
        class="stage-canvas"
        role="application"
        aria-label={words.name}
        aria-describedby={help}
        aria-busy={editor.working.value || undefined}
        tabIndex={0}
        data-cursor={cursor()}
      />
      <div class="stage-focus" />
      <Cursor />
      <Split />
      {editor.working.value && <div class="stage-working" aria-hidden="true" />}
      <p id={help} class="sr-only">
        {words.help}
      </p>
      <Announcer />
    </div>
  );
}

/** What the pointer looks like. */
function cursor(): string {
  const { tool, layer, holdHand, comparison } = editor;
  if (holdHand.value || comparison.value || tool.value === "hand") return "hand";
  if (layer.value === "sketch" && !SKETCH_TOOLS.has(tool.value)) return "none-here";
  return tool.value === "brush" || tool.value === "eraser" ? "ring" : "cross";
}

/** Everything that is not of the component's own drawing; returns how to end it. */
function attach(element: HTMLCanvasElement): () => void {
  const painter = new Painter(element, editor);
  const pointers = new Pointers(element, editor);
  const off = new AbortController();
  const { signal } = off;

  const observer = new ResizeObserver((entries) => {
    const entry = entries.at(-1);
    if (entry) resize(entry, element, painter);
  });
  try {
    observer.observe(element, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(element); // Safari knows no device pixels here
  }

  element.addEventListener("wheel", (event) => onWheel(event, editor, element), {
    signal,
    passive: false,
  });
  element.addEventListener(
    "keydown",
    (event) => {
      if (onKeyDown(event, editor)) event.preventDefault();
    },
    { signal },
  );
  document.addEventListener("keydown", (event) => holdSpace(event, element), { signal });
  document.addEventListener(
    "keyup",
    (event) => {
      if (event.key === " ") editor.holdHand.value = false;
    },
    { signal },
  );
  window.addEventListener("blur", () => (editor.holdHand.value = false), { signal });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => painter.recolour(), { signal });

  const ends = [
    editor.document.watch((rect) => painter.change(rect)),
    effect(() => {
      void [editor.camera.value, editor.picture.value, editor.comparison.value];
      void [editor.inlays.value, editor.peeking.value];
      painter.everything();
    }),
    effect(() => {
      void editor.drawing.value;
      if (editor.inlays.peek().length > 0) painter.everything();
    }),
    effect(() => {
      void [editor.showMask.value, editor.showSketch.value];
      painter.refresh();
    }),
    effect(() => {
      void theme.value;
      // After theme.ts has told the document.
      queueMicrotask(() => painter.recolour());
    }),
  ];
  return () => {
    off.abort();
    observer.disconnect();
    pointers.close();
    for (const end of ends) end();
    painter.close();
  };
}

function resize(entry: ResizeObserverEntry, element: HTMLElement, painter: Painter): void {
  const { width, height } = element.getBoundingClientRect();
  // Out of sight, on a phone: what is seen stays as it is.
  if (width === 0 || height === 0) return;
  const ratio = window.devicePixelRatio || 1;
  const exact = entry.devicePixelContentBoxSize?.[0];
  const device = (side: number, said?: number) =>
    // Emulated screens (developer tools, tests) report CSS pixels there.
    said && Math.abs(said - side * ratio) < 2 ? said : Math.round(side * ratio);
  // The stage's padding is where other things float; the picture fits into what is left.
  const style = getComputedStyle(element.parentElement ?? element);
  const px = (value: string) => Number.parseFloat(value) || 0;
  const [left, top] = [px(style.paddingLeft), px(style.paddingTop)];
  const room = {
    x: left,
    y: top,
    width: Math.max(1, width - left - px(style.paddingRight)),
    height: Math.max(1, height - top - px(style.paddingBottom)),
  };
  editor.setRoom(room, ratio);
  // Last, for it draws: with the camera as it is now.
  painter.resize(device(width, exact?.inlineSize), device(height, exact?.blockSize), ratio);
}

/** The space bar is the hand wherever the focus is, unless something there takes it; so Escape. */
function holdSpace(event: KeyboardEvent, element: HTMLElement): void {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && editor.cancelGesture()) {
    event.preventDefault();
    return;
  }
  const at = event.target instanceof HTMLElement ? event.target : null;
  const takes = at?.closest(
    "button, input, textarea, select, a, summary, [role], [contenteditable]",
  );
  if (event.key !== " " || takes || !editor.pointer.peek() || element.contains(at)) return;
  editor.holdHand.value = true;
  event.preventDefault();
}
