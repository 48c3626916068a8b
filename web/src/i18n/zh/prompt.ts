import type { prompt as en } from "../en/prompt";
import type { Translation } from "../words";

export const prompt: Translation<typeof en> = {};
