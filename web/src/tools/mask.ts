/** Masks from files and to files. */
import { signal } from "@preact/signals";
import { t } from "../i18n";
import { save } from "../results/actions";
import { stem } from "../results/names";
import { dialog, say } from "../state/ui";
import { base, editor } from "../state/work";

/** What is to be imported; the dialog maskImport asks how. */
export const maskFile = signal<File | null>(null);

export const MASKS = "image/png,image/jpeg,image/webp,image/bmp";

export function importMask(file: File): void {
  maskFile.value = file;
  dialog.value = "maskImport";
}

/** Give the mask as a file: 8-bit gray PNG, white is repainted. */
export async function exportMask(): Promise<void> {
  const words = t().tools;
  const mask = await editor.maskBlob().catch(() => undefined);
  if (mask === undefined) say("problem", words.exportFailed);
  else if (mask === null) say("info", words.nothingToExport);
  else {
    const name = `${stem(base.value?.name ?? "") || "overpaint"}-mask.png`;
    save(mask.blob, name);
    say("success", words.exported(name));
  }
}

/** "12 %", with a decimal where little is marked; of all the picture's pixels. */
export function markedShare(): string {
  const picture = base.value;
  if (!picture) return "";
  const share = editor.coverage.value.marked / (picture.width * picture.height);
  if (share > 0 && share < 0.001) return "< 0.1%";
  return `${share < 0.1 ? Math.round(share * 1000) / 10 : Math.round(share * 100)}%`;
}
