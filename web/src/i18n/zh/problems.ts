import type { problems as en } from "../en/problems";
import type { Translation } from "../words";

export const problems: Translation<typeof en> = {};
