/** The dialog "code"; loaded when it is opened: `const { Code } = await import("../results/Code")`. */
export function Code() {
  return null;
}
