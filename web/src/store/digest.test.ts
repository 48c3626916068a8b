import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { digest, sha256 } from "./digest";

afterEach(() => vi.unstubAllGlobals());

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("the plain steps give what Node gives, at every length round a block", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 255);
    expect(hex(sha256(bytes))).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});

test("a file of a megabyte has the same digest with and without the browser's own", async () => {
  const blob = new Blob([new Uint8Array(1_000_003).fill(7)]);
  const own = await digest(blob);
  vi.stubGlobal("crypto", {});
  expect(await digest(blob)).toBe(own);
});
