import { useSignal } from "@preact/signals";
import { ImagePlus, X } from "lucide-preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import type { Attachment } from "../state/types";
import { ask, wish } from "../state/wish";
import { Button, IconButton } from "../ui/Button";
import { focusNext } from "./focus";
import { lacking } from "./options";
import { takeReference } from "./reference";

const ACCEPT = "image/jpeg,image/png,image/webp,image/bmp";

/** A picture of the thing to put in: chosen, dropped or pasted. */
export function ReferenceField() {
  const words = t().prompt;
  const { reference } = wish.value;
  const reason = lacking("reference");
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const error = useSignal("");
  const over = useSignal(false);

  const take = async (file: File | null | undefined) => {
    if (!file || reason) return;
    error.value = (await takeReference(file)) ?? "";
  };
  const onPaste = (event: ClipboardEvent) => {
    const file = pictureIn(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    void take(file);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    over.value = false;
    void take(pictureIn(event.dataTransfer));
  };
  const onDragOver = (event: DragEvent) => {
    if (reason) return;
    event.preventDefault();
    over.value = true;
  };

  const said = error.value || reason || words.referenceHint;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same
    <div
      data-drop="own"
      class={over.value ? "panel-reference over" : "panel-reference"}
      onPaste={onPaste}
      onDragOver={onDragOver}
      onDragLeave={() => {
        over.value = false;
      }}
      onDrop={onDrop}
    >
      <input
        ref={input}
        type="file"
        accept={ACCEPT}
        hidden
        onChange={(event) => {
          void take(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
      {reference ? (
        <div class="panel-thumb">
          <Thumbnail of={reference} />
          <span title={reference.name}>{reference.name}</span>
          <Button
            kind="quiet"
            disabled={reason !== undefined}
            aria-describedby={`${id}-said`}
            onClick={() => input.current?.click()}
          >
            {words.replaceReference}
          </Button>
          <IconButton
            icon={X}
            label={words.removeReference}
            onClick={(event) => {
              focusNext(event.currentTarget.closest("[data-drop]"), ".panel-drop");
              error.value = "";
              ask({ reference: null });
            }}
          />
        </div>
      ) : (
        <button
          type="button"
          class="panel-drop"
          disabled={reason !== undefined}
          aria-describedby={`${id}-said`}
          onClick={() => input.current?.click()}
        >
          <ImagePlus size={20} strokeWidth={1.75} aria-hidden="true" />
          {words.referenceDrop}
        </button>
      )}
      <p
        class={error.value ? "hint error" : "hint"}
        id={`${id}-said`}
        role={error.value ? "alert" : undefined}
      >
        {said}
      </p>
    </div>
  );
}

function Thumbnail({ of }: { of: Attachment }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(of.bytes);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [of.bytes]);
  return url ? <img src={url} alt={t().prompt.referenceOf(of.name)} /> : null;
}

function pictureIn(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
}
