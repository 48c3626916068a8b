/** The dialog "download"; loaded when it is opened: `const { Download } = await import("../results/Download")`. */
export function Download() {
  return null;
}
