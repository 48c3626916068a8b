/** Says to screen readers what drawing by keyboard does, and how much is marked. */
import { signal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "../i18n";
import { editor } from "../state/work";

/** Said when the hand has been still for so long, ms. */
const QUIET_MS = 400;
const said = signal("");

export function Announcer() {
  const waiting = useRef(0);
  const first = useRef(true);
  useSignalEffect(() => {
    const text = words();
    clearTimeout(waiting.current);
    if (first.current) {
      first.current = false;
      return;
    }
    waiting.current = window.setTimeout(() => {
      said.value = text;
    }, QUIET_MS);
  });
  return (
    <p class="sr-only" aria-live="polite">
      {said}
    </p>
  );
}

function words(): string {
  const { coverage, cross, drawing, picture, working } = editor;
  const stage = t().stage;
  const size = picture.value;
  if (!size) return "";
  const parts = [];
  if (working.value) parts.push(stage.working);
  else {
    const share = (coverage.value.marked / (size.width * size.height)) * 100;
    parts.push(
      share === 0 ? stage.nothingMarked : stage.marked(share < 1 ? "< 1" : share.toFixed(0)),
    );
  }
  const at = cross.value;
  if (at) parts.push(stage.crossAt(Math.round(at.x), Math.round(at.y)));
  if (at && drawing.value) parts.push(stage.penDown);
  return parts.join(" ");
}
