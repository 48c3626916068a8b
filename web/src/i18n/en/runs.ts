const ordinal = (n: number) => {
  const ending = { one: "st", two: "nd", few: "rd" } as Record<string, string>;
  return `${n}${ending[new Intl.PluralRules("en", { type: "ordinal" }).select(n)] ?? "th"}`;
};

export const runs = {
  sending: (percent: number) => `Sending, ${percent} %`,
  ordering: "Sending the order",
  waiting: "In the queue",
  next: "Next in the queue",
  queued: (place: number) => `${ordinal(place)} in the queue`,
  painting: "Painting",
  erasing: "Removing",
  looking: "Looking at the picture",
  blending: "Fitting it in",
  step: (what: string, done: number, total: number) => `${what}, ${done} of ${total}`,
  fetching: "Fetching the picture",
  done: "Done",
  partly: (done: number, of: number) => `${done} of ${of} done`,
  failed: "Failed",
  canceled: "Cancelled",
  lost: "The server no longer knows this one",
  waitsForSignIn: "Waits until you have signed in",
  waitsForServer: "Waits for the server",

  needsPicture: "Open a picture first.",
  needsMask: "Mark what should be repainted.",
  needsPrompt: "Say what should be there.",
  needsSignIn: "Sign in first.",
  needsServer: "The server cannot be reached at the moment.",
  promptTooLong: (most: number) => `The words are too long: at most ${most} characters.`,
  usedUp: (all: number) => `All ${all} pictures of your plan are used up.`,
  fewLeft: (left: number, n: number) =>
    `Your plan has ${left} ${left === 1 ? "picture" : "pictures"} left, ${n} are asked for.`,

  memoryOnly: "Nothing can be kept on this device.",
  memoryOnlyHint:
    "The browser gives no room: a private window, or a full disk. Download what you want to keep before you close the page.",
  madeRoom: (n: number) =>
    `The browser's room was full: ${n === 1 ? "the oldest result was" : `the ${n} oldest results were`} removed.`,
  ended: (n: number) => (n === 1 ? "Done" : `${n} done`),
} as const;
