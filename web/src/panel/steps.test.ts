import { expect, it } from "vitest";
import { isSteps } from "./steps";

it("takes no steps, and whole numbers within the server's limits", () => {
  for (const good of ["", "1", "30", "150"]) expect(isSteps(good, [1, 150])).toBe(true);
  for (const bad of ["0", "151", "-1", "1.5", "x", " 1", "1e2", "99999"])
    expect(isSteps(bad, [1, 150])).toBe(false);
  expect(isSteps("40", [1, 30])).toBe(false);
});
