/** The server's table of models, as people choose from it. */
import type { Model } from "../state/types";

/**
 * The first model of each engine, and the chosen one in its engine's place. An engine of a family
 * (`diffusers:NAME`) shows no more than a part of what it is, so each such model stands for itself.
 */
export function onePerEngine(models: readonly Model[], chosen: string): Model[] {
  const found = new Map<string, Model>();
  for (const model of models) {
    const kind = model.engine.includes(":") ? `${model.engine} ${model.name}` : model.engine;
    if (model.name === chosen || !found.has(kind)) found.set(kind, model);
  }
  return [...found.values()];
}
