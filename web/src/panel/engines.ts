/** The server's table of models, as people choose from it. */
import type { Model } from "../state/types";

/** The first model of each engine, and the chosen one in its engine's place. */
export function onePerEngine(models: readonly Model[], chosen: string): Model[] {
  const found = new Map<string, Model>();
  for (const model of models) {
    if (model.name === chosen || !found.has(model.engine)) found.set(model.engine, model);
  }
  return [...found.values()];
}
