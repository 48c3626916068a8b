import type { results as en } from "../en/results";
import type { Translation } from "../words";

export const results: Translation<typeof en> = {};
