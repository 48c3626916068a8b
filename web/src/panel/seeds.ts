/** Seeds: decimal digits, as they go beyond what a number holds exactly. */
const LARGEST = 2n ** 63n - 1n;

/** Whether the server takes it; "" lets it draw one. */
export function isSeed(text: string): boolean {
  return text === "" || (/^\d{1,19}$/.test(text) && BigInt(text) <= LARGEST);
}

/** One at random, short enough to be read out. */
export function drawSeed(): string {
  return String((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 1_000_000_000);
}
