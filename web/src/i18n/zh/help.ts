import type { help as en } from "../en/help";
import type { Translation } from "../words";

export const help: Translation<typeof en> = {};
