export const stage = {
  name: "Picture",
  help: "Arrow keys move a cross-hair; with Shift in longer steps, with Ctrl by one pixel. Space draws a dot, or sets the corners of a rectangle. Enter puts the pen down and lifts it. Escape takes the stroke back.",
  split: "Before and after",
  splitAt: (percent: number) => `${percent} % before`,
  before: "Before",
  after: "After",
  working: "Working it out.",
  nothingMarked: "Nothing is marked.",
  marked: (percent: string) => `${percent} % is marked.`,
  crossAt: (x: number, y: number) => `At ${x}, ${y}.`,
  penDown: "The pen is down.",
} as const;
