/** How many steps a picture is painted in: decimal digits, or none. */
export function isSteps(text: string, [least, most]: readonly [number, number]): boolean {
  if (text === "") return true;
  return /^\d{1,4}$/.test(text) && Number(text) >= least && Number(text) <= most;
}
