import { X } from "lucide-preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { limits } from "../state/session";
import type { ConceptMatch } from "../state/types";
import { ask, model, wish } from "../state/wish";
import { IconButton } from "../ui/Button";
import { length } from "./changes";
import { Suggester, type Suggestions } from "./concepts";
import { complaints } from "./options";
import { run } from "./run";
import { typedAt } from "./word";

const SAY_LIMIT_AT = 0.75; // of the characters that there may be

/** The text field with its suggestions, which never take the focus. */
export function PromptField({ label }: { label: string }) {
  const words = t().prompt;
  const { prompt } = wish.value;
  const max = limits.value.maxPrompt;
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const composing = useRef(false);
  const suggester = useMemo(() => new Suggester(), []);
  const [suggestions, setSuggestions] = useState<Suggestions | null>(null);
  const [active, setActive] = useState(-1);
  const error = complaints.value.prompt;
  const count = length(prompt);
  const matches = suggestions?.matches ?? [];
  const isOpen = matches.length > 0;

  useEffect(() => () => suggester.cancel(), [suggester]);
  useLayoutEffect(() => grow(area.current));

  const close = () => {
    suggester.cancel();
    setSuggestions(null);
    setActive(-1);
  };
  const look = () => {
    const at = area.current;
    if (!at || at.selectionStart !== at.selectionEnd) return close();
    suggester.look(typedAt(at.value, at.selectionStart), (found) => {
      if (document.activeElement !== at) return;
      setSuggestions(found);
      setActive(-1);
    });
  };
  const pick = (match: ConceptMatch | undefined) => {
    const at = area.current;
    if (!at || !suggestions || !match) return;
    const { start, end, language } = suggestions.typed;
    close();
    insert(at, start, end, match[language]);
    ask({ prompt: at.value });
    suggester.cancel();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter, arrows and Escape belong to the input method while it composes; 229 is Safari's word.
    if (event.isComposing || composing.current || event.keyCode === 229) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      close();
      if (!event.repeat) run();
      return;
    }
    if (event.key === "Escape") suggester.cancel(); // those that are on their way, too
    if (!isOpen || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      // -1 is the text itself, between the last and the first.
      const places = matches.length + 1;
      setActive((now) => ((now + 1 + step + places) % places) - 1);
    } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) {
      event.preventDefault();
      pick(matches[active]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (
      ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"].includes(event.key)
    ) {
      close();
    }
  };

  const said = [`${id}-count`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field panel-words">
      <div class="field-head">
        <label for={id}>{label}</label>
        <span
          id={`${id}-count`}
          class={count >= max * SAY_LIMIT_AT ? "panel-count near" : "panel-count"}
        >
          {words.counter(count, max)}
        </span>
      </div>
      <div class="panel-words-box">
        <textarea
          id={id}
          ref={area}
          rows={3}
          value={prompt}
          placeholder={words.placeholder}
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="enter"
          disabled={model.value?.takes.prompt === false}
          aria-describedby={said}
          aria-invalid={error ? true : undefined}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={isOpen ? `${id}-list` : undefined}
          aria-activedescendant={isOpen && active >= 0 ? `${id}-${active}` : undefined}
          aria-keyshortcuts="Control+Enter Meta+Enter"
          onInput={(event) => {
            ask({ prompt: event.currentTarget.value });
            if (composing.current) close();
            else look();
          }}
          onCompositionStart={() => {
            composing.current = true;
            close();
          }}
          onCompositionEnd={(event) => {
            composing.current = false;
            ask({ prompt: event.currentTarget.value });
            look();
          }}
          onKeyDown={onKeyDown}
          onPointerDown={close}
          onBlur={close}
        />
        {prompt && (
          <IconButton
            class="panel-clear"
            icon={X}
            label={words.clearPrompt}
            onClick={() => {
              const at = area.current;
              if (!at) return;
              insert(at, 0, at.value.length, "");
              ask({ prompt: "" });
            }}
          />
        )}
        {isOpen && (
          <div
            id={`${id}-list`}
            class="panel-suggestions"
            role="listbox"
            aria-label={words.suggestions}
          >
            {matches.map((match, at) => (
              <Suggestion
                key={match.id}
                id={`${id}-${at}`}
                match={match}
                language={suggestions?.typed.language ?? "en"}
                active={at === active}
                onPick={() => pick(match)}
              />
            ))}
          </div>
        )}
      </div>
      {error && (
        <p class="hint error" id={`${id}-error`}>
          {error}
        </p>
      )}
      <p class="sr-only" role="status">
        {words.suggestionCount(matches.length)}
      </p>
    </div>
  );
}

function Suggestion(of: {
  id: string;
  match: ConceptMatch;
  language: "en" | "zh";
  active: boolean;
  onPick: () => void;
}) {
  const other = of.language === "zh" ? "en" : "zh";
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (of.active) element.current?.scrollIntoView({ block: "nearest" });
  }, [of.active]);
  return (
    // Keys are the text field's: the focus stays there.
    <div
      id={of.id}
      ref={element}
      role="option"
      aria-selected={of.active}
      tabIndex={-1}
      onPointerDown={(event) => event.preventDefault()}
      onMouseDown={(event) => event.preventDefault()}
      onClick={of.onPick}
      onKeyDown={undefined}
    >
      <span>{of.match[of.language]}</span>
      <small lang={other === "zh" ? "zh-CN" : "en"}>{of.match[other]}</small>
    </div>
  );
}

/** Replace a stretch so that the browser's undo knows of it. */
function insert(at: HTMLTextAreaElement, start: number, end: number, text: string): void {
  at.focus();
  at.setSelectionRange(start, end);
  const done = document.execCommand(text ? "insertText" : "delete", false, text);
  if (!done) at.setRangeText(text, start, end, "end");
}

/** As high as its text, where CSS alone does not see to it. */
function grow(at: HTMLTextAreaElement | null): void {
  if (!at || CSS.supports("field-sizing", "content")) return;
  at.style.blockSize = "auto";
  at.style.blockSize = `${at.scrollHeight + 2}px`;
}
