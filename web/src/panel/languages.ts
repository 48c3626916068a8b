/** In which languages a model reads, and whether a prompt is in another. */
import type { Model } from "../state/types";

/** Chinese characters, of all planes. */
const HAN = /\p{Script=Han}/u;

/** Whether there is Chinese in it and the model reads none; false where that is not known. */
export function cannotRead(model: Model | null, text: string): boolean {
  const languages = model?.languages ?? [];
  return languages.length > 0 && !languages.includes("zh") && HAN.test(text);
}

/** A licence's name, and its address where it ends with one. */
export function licenceParts(licence: string): { name: string; address: string } {
  const found = /^(.*?)[\s(]*(https:\/\/[^\s()]+)\)?$/s.exec(licence.trim());
  if (!found) return { name: licence.trim(), address: "" };
  const [, name = "", address = ""] = found;
  return { name: name.replace(/[\s,:;]+$/, "") || address, address };
}
