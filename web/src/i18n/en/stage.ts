export const stage = {
  name: "Picture",
  help: "Arrow keys move a crosshair; Shift takes larger steps, Ctrl single pixels. Space draws a dot or sets a corner of a rectangle. Enter lowers or lifts the pen. Escape cancels the stroke.",
  split: "Before and after",
  splitAt: (percent: number) => `${percent}% before`,
  before: "Before",
  after: "After",
  working: "Working…",
  nothingMarked: "Nothing is masked.",
  marked: (percent: string) => `${percent}% is masked.`,
  crossAt: (x: number, y: number) => `At ${x}, ${y}.`,
  penDown: "The pen is down.",
} as const;
