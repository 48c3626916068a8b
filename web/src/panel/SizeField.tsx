import { ArrowLeftRight } from "lucide-preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { limits } from "../state/session";
import type { Base } from "../state/types";
import { ask, wish } from "../state/wish";
import { base, editor } from "../state/work";
import { IconButton } from "../ui/Button";
import { Choice } from "../ui/Fields";
import { complaints } from "./options";
import {
  type Crop,
  cropTo,
  inRange,
  readSize,
  SCALES,
  SHAPES,
  scaledSize,
  writeSize,
} from "./sizes";

/** The size in a few words: "original size", "1024 × 1024". */
export function sizeWords(): string {
  const size = readSize(wish.value.size);
  return size ? t().prompt.sizeBrief(size.width, size.height) : t().prompt.originalBrief;
}

/** The picture's own size, or another, and what that does to the picture. */
export function SizeField() {
  const words = t().prompt;
  const { size } = wish.value;
  const picture = base.value;
  const own = size === "original";
  const id = useId();
  const error = complaints.value.size;
  return (
    <div class="field">
      <div class="field-head">
        <span>{words.size}</span>
      </div>
      <Choice
        label={words.size}
        value={own ? "original" : "other"}
        options={[
          { value: "original", label: words.original },
          { value: "other", label: words.otherSize },
        ]}
        onChange={(value) => ask({ size: value === "original" ? "original" : firstOther(picture) })}
      />
      {own ? (
        picture && <p class="hint">{words.originalHint(picture.width, picture.height)}</p>
      ) : (
        <>
          <Shapes />
          <Sides describedBy={error ? `${id}-said` : undefined} />
          {error ? (
            <p class="hint error" id={`${id}-said`}>
              {error}
            </p>
          ) : (
            picture && <Kept picture={picture} />
          )}
        </>
      )}
    </div>
  );
}

/** The shape that is nearest to the picture's, so that little is cut at first. */
function firstOther(picture: Base | null): string {
  const shape = picture ? picture.width / picture.height : 1;
  const off = (one: { width: number; height: number }) =>
    Math.abs(Math.log(one.width / one.height / shape));
  const nearest = [...SHAPES].sort((one, other) => off(one) - off(other))[0];
  return nearest ? writeSize(nearest) : "1024*1024";
}

function Shapes() {
  const words = t().prompt;
  const { size } = wish.value;
  const picture = base.value;
  return (
    // biome-ignore lint/a11y/useSemanticElements: buttons that fill in two fields
    <div class="panel-chips" role="group" aria-label={words.shapes}>
      {SHAPES.map((one) => (
        <button
          key={one.shape}
          type="button"
          class="panel-chip panel-shape"
          aria-pressed={size === writeSize(one)}
          onClick={() => ask({ size: writeSize(one) })}
        >
          <i aria-hidden="true" style={{ aspectRatio: `${one.width} / ${one.height}` }} />
          {one.shape}
        </button>
      ))}
      {picture &&
        SCALES.map((scale) => {
          const scaled = scaledSize(picture, scale, limits.value);
          return (
            scaled && (
              <button
                key={scale}
                type="button"
                class="panel-chip"
                aria-pressed={size === writeSize(scaled)}
                onClick={() => ask({ size: writeSize(scaled) })}
              >
                {words.scaled(scale)}
              </button>
            )
          );
        })}
    </div>
  );
}

function Sides({ describedBy }: { describedBy: string | undefined }) {
  const words = t().prompt;
  const [width = "", height = ""] = wish.value.size.split("*");
  const side = (label: string, value: string, write: (value: string) => string) => (
    <label>
      <span>{label}</span>
      <input
        type="text"
        inputMode="numeric"
        maxLength={6}
        value={value}
        aria-describedby={describedBy}
        aria-invalid={isSide(value) ? undefined : true}
        onInput={(event) => ask({ size: write(event.currentTarget.value.replace(/\D/g, "")) })}
      />
    </label>
  );
  return (
    <div class="panel-sides">
      {side(words.width, width, (value) => `${value}*${height}`)}
      <IconButton
        icon={ArrowLeftRight}
        label={words.swap}
        onClick={() => ask({ size: `${height}*${width}` })}
      />
      {side(words.height, height, (value) => `${width}*${value}`)}
    </div>
  );
}

function isSide(text: string): boolean {
  const length = Number(text || Number.NaN);
  return inRange({ width: length, height: length }, limits.value);
}

/** What is kept of the picture, as a picture and in words. */
function Kept({ picture }: { picture: Base }) {
  const words = t().prompt;
  const size = readSize(wish.value.size);
  if (!size) return null;
  const crop = cropTo(picture, editor.coverage.value.box, size);
  const said =
    crop.cutX > 0
      ? words.cropSides(crop.cutX, crop.scale)
      : crop.cutY > 0
        ? words.cropEnds(crop.cutY, crop.scale)
        : words.cropNothing(crop.scale);
  return (
    <div class="panel-kept">
      <KeptPicture picture={picture} crop={crop} />
      <p class="hint">{said}</p>
    </div>
  );
}

const LONG_SIDE = 192; // px of the small picture, twice what is shown

function KeptPicture({ picture, crop }: { picture: Base; crop: Crop }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = LONG_SIDE / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const { x, y, width: across, height: down } = crop.kept;
  useEffect(() => {
    const draw = canvas.current?.getContext("2d");
    if (!draw) return;
    draw.clearRect(0, 0, width, height);
    draw.globalAlpha = 0.25;
    draw.drawImage(picture.bitmap, 0, 0, width, height);
    draw.globalAlpha = 1;
    draw.save();
    draw.beginPath();
    draw.rect(x * scale, y * scale, across * scale, down * scale);
    draw.clip();
    draw.drawImage(picture.bitmap, 0, 0, width, height);
    draw.restore();
  }, [picture, x, y, across, down, scale, width, height]);
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      role="img"
      aria-label={t().prompt.cropPicture}
    />
  );
}
