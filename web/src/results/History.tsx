/** The dialog "history"; loaded when it is opened: `const { History } = await import("../results/History")`. */
export function History() {
  return null;
}
