import type { tools as en } from "../en/tools";
import type { Translation } from "../words";

export const tools: Translation<typeof en> = {};
