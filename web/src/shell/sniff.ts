/** What a file is, by its first bytes: names and types that come with files are often wrong. */
import type { PictureType } from "../state/types";

/** Files that people try and that cannot be repainted as they are. */
export type Other = "gif" | "heic" | "avif" | "svg" | "pdf" | "psd";

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

/** The kind of file that begins with `bytes` (at least 32 of them), null for unknown ones. */
export function kindOf(bytes: Uint8Array): PictureType | Other | null {
  const start = ascii(bytes, 0, 4);
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (ascii(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (start === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return "image/webp";
  if (["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(start)) return "image/tiff";
  if (start === "GIF8") return "gif";
  if (start === "%PDF") return "pdf";
  if (start === "8BPS") return "psd";
  if (ascii(bytes, 4, 8) === "ftyp") {
    const brands = ascii(bytes, 8, 32);
    if (brands.includes("avif") || brands.includes("avis")) return "avif";
    if (/hei[cfmsx]|hev[cmsx]|mif1|msf1/.test(brands)) return "heic";
    return null;
  }
  // A bitmap says its header's size as well: "BM" alone begins many a text.
  if (start.startsWith("BM") && bytes[15] === 0 && bytes[16] === 0) return "image/bmp";
  if (/^\s*(<\?xml[^>]*>?|<!--|<svg)/.test(ascii(bytes, bytes[0] === 0xef ? 3 : 0, bytes.length))) {
    return "svg";
  }
  return null;
}

const ENDINGS: Record<PictureType, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/bmp": "bmp",
  "image/tiff": "tif",
};

export function ending(type: PictureType): string {
  return ENDINGS[type];
}
