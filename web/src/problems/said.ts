/** Reads the server's messages: "field: limit, got value". */

export interface Said {
  /** Ours: "base", "negative", ...; null: not one that the page has. */
  field: Field | null;
  /** As the server calls it. */
  name: string;
  limit: string;
  value: string | null;
}

export const FIELDS = {
  base: "base",
  base_image_url: "base",
  mask: "mask",
  mask_image_url: "mask",
  mask_color: "mask",
  reference: "reference",
  reference_image_url: "reference",
  sketch: "sketch",
  sketch_image_url: "sketch",
  prompt: "prompt",
  negative_prompt: "negative",
  model: "model",
  size: "size",
  n: "n",
  seed: "seed",
  style: "style",
  palette: "palette",
  strength: "strength",
  guidance: "guidance",
  steps: "steps",
  feather: "feather",
  grow: "grow",
  file: "file",
} as const;
export type Field = (typeof FIELDS)[keyof typeof FIELDS];

/** The parts of a message; null: it is not of that form. */
export function readSaid(message: string): Said | null {
  const range = /^Range of (\w+) should be \[(\S+), (\S+)\]$/.exec(message);
  if (range) {
    const [, name = "", low, high] = range;
    const limit = `must be a whole number between ${low} and ${high}`;
    return { field: fieldOf(name), name, limit, value: null };
  }
  const parts = /^([a-z_]\w*(?:, [a-z_]\w*)*): (.+)$/s.exec(message);
  if (!parts) return null;
  const [, name = "", rest = ""] = parts;
  const at = rest.lastIndexOf(", got ");
  return {
    field: fieldOf(name),
    name,
    limit: at < 0 ? rest : rest.slice(0, at),
    value: at < 0 ? null : rest.slice(at + ", got ".length),
  };
}

function fieldOf(name: string): Field | null {
  return Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof typeof FIELDS] : null;
}
