/** What engines tell the caller, in the page's language. */
import { language, t } from "../i18n";

const THINGS: Record<string, { en: string; zh: string }> = {
  "a prompt": { en: "the prompt", zh: "提示词" },
  "a style": { en: "the style", zh: "风格" },
  "a reference": { en: "the reference", zh: "参考图" },
  "a sketch": { en: "the sketch", zh: "草图" },
  "a palette": { en: "the palette", zh: "配色" },
  "a strength": { en: "“Keep original”", zh: "“保留原图”" },
  guidance: { en: "guidance", zh: "引导强度" },
  "a negative prompt": { en: "the negative prompt", zh: "反向提示词" },
  steps: { en: "steps", zh: "采样步数" },
};

/** A note of a run as it is shown; one that is not known stays as the server said it. */
export function noteText(note: string): string {
  const words = t().problems;
  const instead = /^(.+); the background was continued instead$/s.exec(note);
  if (instead) return words.note_instead(noteText(instead[1] ?? ""));
  const rules: Array<[RegExp, (...parts: string[]) => string]> = [
    [
      /^"(.+)" is not in the concept library; the nearest known are (.+)$/s,
      (word, near) => words.note_nearest(word ?? "", near ?? ""),
    ],
    [/^"(.+)" is not in the concept library$/s, (word) => words.note_unknown(word ?? "")],
    [
      /^prompt: names nothing that is in the concept library(?: \(nearest: (.+?)\))?, got (.+)$/s,
      (near, word) =>
        near ? words.note_nearest(bare(word ?? ""), near) : words.note_unknown(bare(word ?? "")),
    ],
    [/^"(.+)" is drawn as your own concept/s, (word) => words.note_own(word ?? "")],
    [/^"(.+)" is drawn as "(.+)"$/s, (word, other) => words.note_drawnAs(word ?? "", other ?? "")],
    [/^"(.+)" is in the negative prompt too/s, (word) => words.note_negative(word ?? "")],
    [
      /^"(.+)": at most (\d+) are drawn, (.+) were asked for$/s,
      (word, most, asked) =>
        words.note_most(word ?? "", most ?? "", (asked ?? "").replace(" or more", "+")),
    ],
    [
      /^(\d+) objects are drawn at most, (\d+) were asked for$/,
      (most, asked) => words.note_mostThings(most ?? "", asked ?? ""),
    ],
    [
      /^the mask is so small or narrow that (.+) can hardly be seen$/s,
      (what) => words.note_narrow(what ?? ""),
    ],
    [
      /^the mask has room for (\d+) of (\d+) things$/,
      (some, every) => words.note_room(some ?? "", every ?? ""),
    ],
    [
      /^the engine \S+ does not take (.+)$/,
      (what) => words.note_takesNot(THINGS[what ?? ""]?.[language.value] ?? what ?? ""),
    ],
    [/^the sketch has no line inside the mask$/, () => words.note_sketch],
    [/^the reference is transparent everywhere$/, () => words.note_clear],
    [/^no object stands out from the reference's background/, () => words.note_noObject],
    [
      /^the (?:negative_)?prompt was cut to (\d+) characters$/,
      (most) => words.note_cut(most ?? ""),
    ],
    [
      /^(.+?) (?:without a usable profile )?was converted to s?RGB$/,
      (from) => words.note_converted(from ?? ""),
    ],
    [
      /^(\S+) reads English only: (.+) was passed as it is$/s,
      (name, said) => words.note_english(name ?? "", said ?? ""),
    ],
    [
      /^(\S+) reads the beginning only: "(.+)" was left out$/s,
      (name, unread) => words.note_unread(name ?? "", unread ?? ""),
    ],
    [
      /^(\S+) was made for one guidance: (\S+) is ignored$/,
      (name, guidance) => words.note_oneGuidance(name ?? "", guidance ?? ""),
    ],
    [
      /^(\S+) is not guided, so the negative prompt has no effect$/,
      (name) => words.note_unguided(name ?? ""),
    ],
    [
      /^"(.+)" only asks to take something away: (\S+) painted without words; /s,
      (_, name) => words.note_takesAway(name ?? ""),
    ],
    [
      /^(\S+) runs with (.+), which changes pixels$/,
      (name, what) => words.note_lossy(name ?? "", what ?? ""),
    ],
    [/^the first frame of (\d+) was taken$/, (frames) => words.note_frame(frames ?? "")],
  ];
  for (const [pattern, say] of rules) {
    const found = pattern.exec(note);
    if (found) return say(...found.slice(1));
  }
  return note;
}

/** Without the quotes that a value comes in. */
function bare(value: string): string {
  return value.replace(/^(['"])(.*)\1$/s, "$2");
}
