/** A wish as the API takes it. */
import type { Model, Wish } from "../state/types";

export interface OrderUrls {
  base: string;
  mask: string;
  reference: string | null;
  sketch: string | null;
}

/** What an order says where nothing is to be said: the API wants words. */
const NO_WORDS = "remove it";

/**
 * The wish as it is sent: without what the model passes over, with words, a model and a seed.
 * Drawing the seed here makes an order that is sent again the same order.
 */
export function settled(wish: Wish, model: Model | null, seed: string): Wish {
  const takes = model?.takes;
  return {
    ...wish,
    model: model?.name ?? (wish.model || "wanx-x-painting"),
    prompt: wish.prompt.trim() || (takes?.prompt === false ? NO_WORDS : ""),
    negative: takes?.negative_prompt === false ? "" : wish.negative.trim(),
    seed: /^\d+$/.test(wish.seed) ? wish.seed : seed,
    ...(takes?.style === false ? { style: "auto" as const } : {}),
    ...(takes?.reference === false ? { reference: null } : {}),
    ...(takes?.sketch === false ? { useSketch: false } : {}),
    ...(takes?.palette === false ? { palette: [] } : {}),
    ...(takes?.strength === false ? { strength: 0 } : {}),
    ...(takes?.guidance === false ? { guidance: 1 } : {}),
    ...(takes && !takes.steps ? { steps: "" } : {}),
  };
}

/** The body of an order, JSON. */
export function orderBody(wish: Wish, urls: OrderUrls, soft: boolean): string {
  const input = {
    prompt: wish.prompt,
    ...(wish.negative ? { negative_prompt: wish.negative } : {}),
    base_image_url: urls.base,
    mask_image_url: urls.mask,
    ...(urls.reference ? { reference_image_url: urls.reference } : {}),
    ...(urls.sketch ? { sketch_image_url: urls.sketch } : {}),
  };
  const parameters = {
    size: wish.size,
    n: wish.n,
    ...(wish.style === "auto" ? {} : { style: `<${wish.style}>` }),
    ...(wish.palette.length > 0 ? { palette: wish.palette } : {}),
    ...(wish.strength > 0 ? { strength: wish.strength } : {}),
    ...(wish.guidance === 1 ? {} : { guidance: wish.guidance }),
    ...(wish.steps === "" ? {} : { steps: Number(wish.steps) }),
    ...(wish.feather === null ? {} : { feather: wish.feather }),
    ...(soft ? { soft_mask: true } : {}),
    ...(wish.watermark ? { watermark: true } : {}),
    output_format: "png",
  };
  // A seed goes beyond what a JavaScript number holds exactly: its digits are written as they are.
  const seed = /^\d+$/.test(wish.seed) ? `"seed":${BigInt(wish.seed)},` : "";
  const rest = JSON.stringify(parameters).slice(1);
  return `{"model":${JSON.stringify(wish.model)},"input":${JSON.stringify(input)},"parameters":{${seed}${rest}}`;
}
