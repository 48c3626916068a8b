const ordinal = (n: number) => {
  const ending = { one: "st", two: "nd", few: "rd" } as Record<string, string>;
  return `${n}${ending[new Intl.PluralRules("en", { type: "ordinal" }).select(n)] ?? "th"}`;
};

export const runs = {
  sending: (percent: number) => `Uploading, ${percent}%`,
  ordering: "Submitting",
  waiting: "In the queue",
  next: "Next in the queue",
  queued: (place: number) => `${ordinal(place)} in the queue`,
  painting: "Painting",
  erasing: "Removing",
  looking: "Analysing the picture",
  blending: "Finishing",
  step: (what: string, done: number, total: number) => `${what} ${done}/${total}`,
  fetching: "Loading the picture",
  done: "Done",
  partly: (done: number, of: number) => `${done} of ${of} done`,
  failed: "Failed",
  canceled: "Cancelled",
  lost: "The server no longer has this task",
  waitsForSignIn: "Waiting for you to sign in",
  waitsForServer: "Waiting for the server",

  needsPicture: "Open a picture first.",
  needsMask: "Brush over what should change.",
  needsPrompt: "Describe what should be there.",
  needsSignIn: "Sign in first.",
  needsServer: "The server is not responding.",
  promptTooLong: (most: number) => `The prompt is too long: at most ${most} characters.`,
  usedUp: (all: number) => `All ${all} pictures of your plan are used up.`,
  fewLeft: (left: number, n: number) =>
    `Your plan has ${left} ${left === 1 ? "picture" : "pictures"} left, and this run asks for ${n}.`,

  memoryOnly: "Nothing can be saved on this device.",
  memoryOnlyHint:
    "The browser gives this page no storage: a private window, or a full disk. Download what you want to keep before you close the page.",
  madeRoom: (n: number) =>
    `Browser storage was full: ${n === 1 ? "the oldest result was" : `the ${n} oldest results were`} deleted.`,
  ended: (n: number) => (n === 1 ? "Done" : `${n} done`),
} as const;
