import type { runs as en } from "../en/runs";
import type { Translation } from "../words";

export const runs: Translation<typeof en> = {};
