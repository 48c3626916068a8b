/** The reference picture: a file from anywhere, checked before it is taken. */
import { t } from "../i18n";
import { limits } from "../state/session";
import { ask } from "../state/wish";
import { digest } from "../store/digest";

const SHORTEST = 16; // px, each side

/** Take a file as the reference; what is wrong with it in words, null: it was taken. */
export async function takeReference(file: File): Promise<string | null> {
  const wrong = await refuse(file);
  if (wrong) return wrong;
  // A copy: the file on the disk may change or go.
  const bytes = new Blob([await file.arrayBuffer()], { type: file.type });
  ask({ reference: { id: await digest(bytes), name: file.name, bytes } });
  return null;
}

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
