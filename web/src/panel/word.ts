/** The word that is being typed, in Chinese or English, and what may follow from it. */
import type { ConceptMatch } from "../state/types";

/** A stretch of the prompt that a suggestion would replace. */
export interface Typed {
  start: number;
  end: number;
  text: string;
  language: "en" | "zh";
}

/** Words that name nothing: no suggestions for them. */
const PLAIN_EN = new Set(
  (
    "a an the and or with without of on in into onto at by to for from over under it is are as " +
    "this that my his her its wearing holding add put make replace remove draw paint text some " +
    "two three four five six seven eight nine ten next please turn change"
  ).split(" "),
);
const PLAIN_ZH = new Set(
  (
    "的 了 着 在 上 下 里 中 和 与 跟 把 将 被 是 有 一 二 两 三 四 五 六 七 八 九 十 个 只 条 朵 张 件 " +
    "一个 一只 一朵 一顶 一副 一件 一条 两个 两只 戴着 穿着 拿着 换成 变成 改成 写着 放着 去掉 移除 加上 请 给 让"
  ).split(" "),
);
const LATIN = /[\p{Script=Latin}][\p{Script=Latin}'’-]*$/u;
const HAN = /\p{Script=Han}{1,12}$/u;
const LONGEST_ZH = 6; // characters of two segments together
const MOST = 6; // suggestions

const segmenter =
  typeof Intl.Segmenter === "function" ? new Intl.Segmenter("zh", { granularity: "word" }) : null;

/** What ends at the caret and may be a concept's name or its beginning; the longest first. */
export function typedAt(text: string, caret: number): Typed[] {
  const before = text.slice(0, caret);
  const after = text.slice(caret);
  const latin = LATIN.exec(before);
  if (latin) {
    if (/^[\p{Script=Latin}\d]/u.test(after)) return [];
    return latinAt(before, latin[0]);
  }
  const han = HAN.exec(before);
  return han ? hanAt(caret, han[0]) : [];
}

function latinAt(before: string, word: string): Typed[] {
  if (word.length < 2 || PLAIN_EN.has(word.toLowerCase())) return [];
  const end = before.length;
  const start = end - word.length;
  const found: Typed[] = [{ start, end, text: word, language: "en" }];
  const previous = /([\p{Script=Latin}][\p{Script=Latin}'’-]*) $/u.exec(before.slice(0, start));
  if (previous?.[1] && !PLAIN_EN.has(previous[1].toLowerCase())) {
    const from = start - previous[0].length;
    found.unshift({ start: from, end, text: before.slice(from), language: "en" });
  }
  return found;
}

function hanAt(end: number, run: string): Typed[] {
  const parts = segmenter
    ? [...segmenter.segment(run)].map((one) => one.segment)
    : [run.slice(0, -1), run.slice(-1)].filter(Boolean);
  const last = parts.at(-1) ?? "";
  const found: Typed[] = [];
  const previous = parts.at(-2);
  const both = (previous ?? "") + last;
  if (PLAIN_ZH.has(both)) return [];
  if (previous && !PLAIN_ZH.has(previous) && both.length <= LONGEST_ZH) {
    found.push({ start: end - both.length, end, text: both, language: "zh" });
  }
  if (!PLAIN_ZH.has(last))
    found.push({ start: end - last.length, end, text: last, language: "zh" });
  return found;
}

/**
 * Those of the server's matches whose name can come of what was typed, names that begin so first;
 * none where it is whole.
 */
export function fitting(typed: Typed, matches: readonly ConceptMatch[]): ConceptMatch[] {
  const wanted = typed.text.toLowerCase();
  const name = (match: ConceptMatch) => match[typed.language].toLowerCase();
  const fit = matches
    .map((match) => ({ match, rank: rankOf(name(match), wanted, typed.language) }))
    .filter(({ rank }) => rank >= 0)
    .sort((one, other) => one.rank - other.rank)
    .slice(0, MOST)
    .map(({ match }) => match);
  const only = fit[0];
  return fit.length === 1 && only && name(only) === wanted ? [] : fit;
}

/** 0 is best; -1 does not fit. */
function rankOf(name: string, wanted: string, language: Typed["language"]): number {
  if (name.startsWith(wanted)) return 0;
  if (language === "zh") return name.includes(wanted) ? 1 : -1;
  const words = name.split(" ");
  if (words.includes(wanted)) return 0;
  if (words.some((word) => word.startsWith(wanted))) return 1;
  return isNear(name, wanted) ? 2 : -1;
}

/** Whether one is the other with a slip or two: "baloon". */
function isNear(name: string, wanted: string): boolean {
  const allowed = wanted.length >= 8 ? 2 : wanted.length >= 5 ? 1 : 0;
  if (allowed === 0 || Math.abs(name.length - wanted.length) > allowed) return false;
  let row = Array.from({ length: wanted.length + 1 }, (_, at) => at);
  for (let i = 1; i <= name.length; i++) {
    const next = [i];
    for (let j = 1; j <= wanted.length; j++) {
      const same = name[i - 1] === wanted[j - 1] ? 0 : 1;
      next.push(Math.min((row[j - 1] ?? 0) + same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[wanted.length] ?? allowed + 1) <= allowed;
}

/** The text with the suggestion in it, and where the caret goes. */
export function replaced(
  text: string,
  typed: Typed,
  name: string,
): { text: string; caret: number } {
  return {
    text: text.slice(0, typed.start) + name + text.slice(typed.end),
    caret: typed.start + name.length,
  };
}
