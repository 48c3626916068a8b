/** Phrases that the server's prompt reader takes for lettering: the red neon text "Sale". */
export type Written = "en" | "zh";

export const EFFECTS = [
  "gold",
  "silver",
  "neon",
  "handwritten",
  "embossed",
  "3d",
  "outline",
  "shadow",
] as const;
export type Effect = (typeof EFFECTS)[number];

const EFFECTS_ZH: Record<Effect, string> = {
  gold: "金色",
  silver: "银色",
  neon: "霓虹",
  handwritten: "手写",
  embossed: "浮雕",
  "3d": "立体",
  outline: "描边",
  shadow: "阴影",
};

/** Colours by the words of the prompt; gold and silver are effects. */
export const INKS = [
  { en: "red", zh: "红色", code: "#d92525" },
  { en: "orange", zh: "橙色", code: "#f5821f" },
  { en: "yellow", zh: "黄色", code: "#f9d71c" },
  { en: "green", zh: "绿色", code: "#2e9e3f" },
  { en: "teal", zh: "蓝绿色", code: "#0f7c80" },
  { en: "sky blue", zh: "天蓝色", code: "#6fc3f2" },
  { en: "blue", zh: "蓝色", code: "#1f63d8" },
  { en: "navy blue", zh: "藏青色", code: "#16244f" },
  { en: "purple", zh: "紫色", code: "#7b2fbf" },
  { en: "pink", zh: "粉色", code: "#f48fb1" },
  { en: "brown", zh: "棕色", code: "#7b4a26" },
  { en: "black", zh: "黑色", code: "#1c1c1e" },
  { en: "gray", zh: "灰色", code: "#8a8d91" },
  { en: "white", zh: "白色", code: "#f7f7f5" },
] as const;

export interface Lettering {
  text: string;
  /** Of `INKS`, by its English word; "" leaves it to the engine. */
  ink: string;
  effects: readonly Effect[];
  /** In columns, in lines, or as it becomes largest. */
  layout: "auto" | "vertical" | "horizontal";
}

/** The phrase, "" where there is nothing to write. */
export function phrase(of: Lettering, language: Written): string {
  const quoted = quote(of.text, language);
  if (!quoted) return "";
  const effects = EFFECTS.filter((effect) => of.effects.includes(effect));
  const ink = INKS.find((one) => one.en === of.ink);
  if (language === "en") {
    const words = [ink?.en, ...effects, of.layout === "auto" ? undefined : of.layout];
    return ["the", ...words.filter(Boolean), "text", quoted].join(" ");
  }
  const layout = { auto: "", vertical: "竖排", horizontal: "横排" }[of.layout];
  const looks = (ink?.zh ?? "") + effects.map((effect) => EFFECTS_ZH[effect]).join("") + layout;
  return `写着${looks ? `${looks}的文字` : ""}${quoted}`;
}

/** In quotation marks that do not occur in it; the reader ends a quotation at the first mark. */
function quote(text: string, language: Written): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter(Boolean)
    .join("\n");
  if (!lines) return "";
  const doubled = /[“”"＂〝〞]/.test(lines);
  if (!doubled) return language === "zh" ? `“${lines}”` : `"${lines}"`;
  if (!/[「」『』]/.test(lines)) return `「${lines}」`;
  return `"${lines.replace(/[“”"＂〝〞]/g, "'")}"`;
}

/** The prompt with the phrase in it: in place of the last one, or behind what is there. */
export function withPhrase(prompt: string, next: string, last: string): string {
  if (last && prompt.includes(last)) return prompt.replace(last, () => next);
  const rest = prompt.trimEnd();
  if (!rest) return next;
  const gap = /[，,。.;；:：]$/.test(rest) ? "" : /\p{Script=Han}/u.test(next) ? "，" : ",";
  return `${rest}${gap}${/[，。；：]$/.test(rest + gap) ? "" : " "}${next}`;
}

/** The language of a prompt, or `otherwise` for an empty one. */
export function languageOf(prompt: string, otherwise: Written): Written {
  if (!prompt.trim()) return otherwise;
  return /\p{Script=Han}/u.test(prompt) ? "zh" : "en";
}
