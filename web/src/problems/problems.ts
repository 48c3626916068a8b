/** What went wrong, in plain words, and what to do. */
import { language, t } from "../i18n";
import type { Problem } from "../state/types";
import { readSaid, type Said } from "./said";

export interface ProblemText {
  text: string;
  /** What to do about it. */
  hint: string;
}

type Words = ReturnType<typeof t>["problems"];
/** Areas of words that are a text and, with "Hint" behind it, what to do. */
type Topic = {
  [K in keyof Words]: K extends `${infer Name}Hint` ? Name : never;
}[keyof Words] &
  keyof Words;

const TOPICS: Record<string, Topic> = {
  InvalidParameter: "parameter",
  "BadRequest.EmptyModel": "model",
  "BadRequest.EmptyInput": "parameter",
  InvalidURL: "upload",
  "InvalidURL.Timeout": "upload",
  "InvalidURL.ConnectionRefused": "upload",
  "InvalidParameter.FileDownload": "upload",
  InvalidImageFormat: "image",
  "InvalidFile.Size": "fileSize",
  InvalidImageResolution: "resolution",
  DataInspectionFailed: "refused",
  UnsupportedOperation: "ended",
  InvalidApiKey: "key",
  AccessDenied: "denied",
  "AllocationQuota.FreeTierOnly": "usedUp",
  NotFound: "notFound",
  RequestTimeOut: "slow",
  FileAlreadyExists: "upload",
  "BadRequest.TooLarge": "tooLarge",
  "Throttling.RateQuota": "rate",
  "Throttling.AllocationQuota": "queueFull",
  "InternalError.Algo": "engine",
  InternalError: "internal",
  ServiceUnavailable: "unavailable",
  // Ours.
  Offline: "offline",
  Unreachable: "unreachable",
  Timeout: "timeout",
  BadAnswer: "badAnswer",
  SignedOut: "signedOut",
  Interrupted: "interrupted",
  FilesGone: "filesGone",
  Unsure: "unsure",
  ResultLost: "resultLost",
  Lost: "lost",
  PageFailed: "page",
};

/** Codes whose message is worth quoting where nothing better is known of it. */
const QUOTED: ReadonlySet<Topic> = new Set<Topic>(["parameter", "engine", "internal", "denied"]);
/** What the server says where it says nothing. */
const EMPTY_WORDS = /^(An internal error has occurred|Something unforeseen|The engine could not|$)/;

/** A problem in the page's language. Names, limits and values stay what they are. */
export function problemText(problem: Problem): ProblemText {
  const words = t().problems;
  const known = special(problem);
  if (known) return known;
  const topic = TOPICS[problem.code] ?? (problem.status >= 500 ? "internal" : "parameter");
  const said = readSaid(problem.message);
  const field = said?.field === "prompt" && topic === "parameter" ? "prompt" : topic;
  const text = [words[field] as string];
  if (said) text.push(saidText(said));
  else if (QUOTED.has(topic) && !EMPTY_WORDS.test(problem.message)) {
    text.push(words.server(problem.message));
  }
  let hint = words[`${field}Hint` as keyof Words] as string;
  if (problem.requestId && (topic === "internal" || topic === "badAnswer")) {
    hint = words.withId(hint, problem.requestId);
  }
  return { text: text.join(isChinese() ? "" : " "), hint };
}

/** Messages that say more than their code. */
function special({ code, message }: Problem): ProblemText | null {
  const words = t().problems;
  const of = (topic: Topic): ProblemText => ({
    text: words[topic] as string,
    hint: words[`${topic}Hint` as keyof Words] as string,
  });
  if (message === "Model not exist." || message.startsWith("model: must be a model")) {
    return of("model");
  }
  if (code === "AllocationQuota.FreeTierOnly" && message.startsWith("The key's uploads")) {
    return of("uploadsFull");
  }
  const late = /not painted within ([\d.]+) s/.exec(message);
  if (late) return { text: words.tooLong(late[1] ?? ""), hint: words.tooLongHint };
  if (message.startsWith("No font that has")) return of("font");
  if (message.startsWith("There is no space left")) return of("full");
  return null;
}

function saidText({ field, name, limit, value }: Said): string {
  const words = t().problems;
  const called = field ? words[`field_${field}`] : name;
  const allowed = limitText(limit);
  const got =
    value === null ? "" : isChinese() ? `（${words.got(value)}）` : ` (${words.got(value)})`;
  return words.said(called, allowed + got);
}

/** What is allowed; what is not known stays in the server's words. */
function limitText(limit: string): string {
  const words = t().problems;
  const rules: Array<[RegExp, (...parts: string[]) => string]> = [
    [
      /^must be between (\S+) and (\S+?)( px| px a side)?$/,
      (a, b, unit) => words.between(a ?? "", b ?? "", px(unit)),
    ],
    [
      /^must be a whole number between (\S+) and (\S+?)( px| px a side)?$/,
      (a, b, unit) => words.whole(a ?? "", b ?? "", px(unit)),
    ],
    [/^must be one of (.+)$/, (names) => words.oneOf(names ?? "")],
    [/^must be a file of at most (\S+) MB$/, (mb) => words.atMostMb(mb ?? "")],
    [/^must have at most (\d+) characters$/, (most) => words.atMostLetters(most ?? "")],
    [/^each side must be over 256 and under 4096 px$/, () => words.sides("257", "4095")],
    [/^each side must be (\d+) to (\d+) px$/, (a, b) => words.sides(a ?? "", b ?? "")],
    [/^must be "WIDTH\*HEIGHT", each (\d+) to (\d+) px/, (a, b) => words.sides(a ?? "", b ?? "")],
    [
      /^must have the resolution of .*?, (\d+) x (\d+) px/,
      (a, b) => words.sameSize(a ?? "", b ?? ""),
    ],
    [/^must be a whole, undamaged picture$/, () => words.undamaged],
    [/^must be a JPEG, PNG, BMP, TIFF or WEBP/, () => words.formats],
    [/^must mark something to repaint$/, () => words.marks],
    [/^must leave something of the mask/, () => words.marks],
    [/^must say what to paint$/, () => words.saysWhat],
    [/upload|expired/, () => words.uploaded],
  ];
  for (const [pattern, say] of rules) {
    const found = pattern.exec(limit);
    if (found) return say(...found.slice(1));
  }
  return limit;
}

function px(unit: string | undefined): string {
  return unit ? (isChinese() ? " 像素" : " px") : "";
}

function isChinese(): boolean {
  return language.value === "zh";
}
