/** Files as masks. */
import type { Compute } from "./compute";
import type { Levels } from "./plane";
import { decodeGray } from "./png";
import { type Reading, sameAspect } from "./reading";
import { MaskError } from "./values";

/** A file as levels of a picture's size. Raises MaskError. */
export async function readMask(
  file: Blob,
  read: Reading,
  size: { width: number; height: number },
  compute: Compute,
): Promise<Levels> {
  const colours = await coloursOf(file);
  if (!sameAspect(colours, size)) throw new MaskError("aspect", colours.width, colours.height);
  const levels = await compute.read(colours, read, file.type === "image/jpeg", size);
  if (!levels.data.some((level) => level > 0)) {
    throw new MaskError("empty", colours.width, colours.height);
  }
  return levels;
}

async function coloursOf(file: Blob) {
  const gray = await decodeGray(file);
  if (gray) return { ...gray, data: spread(gray) };
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new MaskError("unreadable");
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new MaskError("unreadable", width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** Gray levels as colours. */
function spread({ data }: Levels): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(data.length * 4).fill(255);
  for (let i = 0; i < data.length; i++) {
    const level = data[i] as number;
    out[i * 4] = level;
    out[i * 4 + 1] = level;
    out[i * 4 + 2] = level;
  }
  return out;
}
