import { useSignal } from "@preact/signals";
import { ImagePlus, X } from "lucide-preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { limits } from "../state/session";
import type { Attachment } from "../state/types";
import { ask, wish } from "../state/wish";
import { digest } from "../store/digest";
import { Button, IconButton } from "../ui/Button";
import { lacking } from "./options";

const ACCEPT = "image/jpeg,image/png,image/webp,image/bmp";
const SHORTEST = 16; // px, each side

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
    const wrong = await refuse(file);
    error.value = wrong ?? "";
    if (wrong) return;
    // A copy: the file on the disk may change or go.
    const bytes = new Blob([await file.arrayBuffer()], { type: file.type });
    ask({ reference: { id: await digest(bytes), name: file.name, bytes } });
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
            onClick={() => {
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

/** Why a file cannot be a reference, in words; null: it can. */
async function refuse(file: File): Promise<string | null> {
  const words = t().prompt;
  const { maxBytes, maxSide } = limits.value;
  if (file.size > maxBytes) return words.referenceLarge(Math.floor(maxBytes / 1024 / 1024));
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return words.referenceUnreadable;
  }
  const { width, height } = bitmap;
  bitmap.close();
  const fits = [width, height].every((side) => side >= SHORTEST && side <= maxSide);
  return fits ? null : words.referenceSides(width, height, maxSide);
}
