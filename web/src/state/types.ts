/** The data that travels between the parts of the page. Values are replaced, never changed. */

export type PictureType = "image/jpeg" | "image/png" | "image/webp" | "image/bmp" | "image/tiff";

/** Where a picture came from. */
export type Origin =
  | { kind: "file" | "drop" | "paste" }
  | { kind: "sample"; sample: string }
  | { kind: "result"; run: string; index: number };

/** A picture to repaint. Its bytes are the caller's own: nothing ever re-encodes them. */
export interface Base {
  /** SHA-256 of the bytes, hexadecimal. */
  id: string;
  /** The file's name as it was given; shown as text only. */
  name: string;
  bytes: Blob;
  type: PictureType;
  /** Upright, px. */
  width: number;
  height: number;
  /** Upright view for the screen, sRGB, of the same width and height. */
  bitmap: ImageBitmap;
  origin: Origin;
}

export interface Point {
  x: number;
  y: number;
}

export interface Rect extends Point {
  width: number;
  height: number;
}

export const STYLES = [
  "auto",
  "3d cartoon",
  "anime",
  "oil painting",
  "watercolor",
  "sketch",
  "chinese painting",
  "flat illustration",
] as const;
export type Style = (typeof STYLES)[number];

/** A further picture of a wish: a reference. */
export interface Attachment {
  /** SHA-256 of the bytes, hexadecimal. */
  id: string;
  name: string;
  bytes: Blob;
}

/** Everything that is asked for, but picture and mask. */
export interface Wish {
  model: string;
  prompt: string;
  negative: string;
  style: Style;
  /** "original" or WIDTH*HEIGHT. */
  size: string;
  /** 1 to 4. */
  n: number;
  /** Decimal digits, up to 2^63 - 1; "" draws one. */
  seed: string;
  /** Keep the seed for the next run. */
  seedLocked: boolean;
  reference: Attachment | null;
  /** Whether what was drawn on the sketch layer is sent. */
  useSketch: boolean;
  /** Colours, "#rrggbb", most first; at most 8. */
  palette: string[];
  /** 0 to 1. */
  strength: number;
  /** 1 to 10. */
  guidance: number;
  /** Decimal digits, of 1 to 150; "" leaves it to the engine. */
  steps: string;
  /** px; null lets the engine choose. */
  feather: number | null;
  watermark: boolean;
}

export const EMPTY_WISH: Wish = {
  model: "",
  prompt: "",
  negative: "",
  style: "auto",
  size: "original",
  n: 1,
  seed: "",
  seedLocked: false,
  reference: null,
  useSketch: false,
  palette: [],
  strength: 0,
  guidance: 1,
  steps: "",
  feather: null,
  watermark: false,
};

/**
 * UPLOADING: here, before there is a task. LOST: the server does not know the task any more.
 * The others are the API's.
 */
export type RunState =
  | "UPLOADING"
  | "PENDING"
  | "RUNNING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELED"
  | "LOST";

/** What went wrong, as the API says it; `problemText` puts it into words. */
export interface Problem {
  /** The API's code, or one of ours: "Offline", "Unreachable", "SignedOut", ...; see problems/. */
  code: string;
  message: string;
  /** HTTP status, 0 where there was no answer. */
  status: number;
  requestId?: string;
}

export interface Progress {
  stage: string;
  done: number;
  total: number;
}

/** The part that is being painted, as it stands; `box` is in the picture's pixels. */
export interface Preview {
  url: string;
  box: Rect;
}

/** One picture of a run. */
export interface Result {
  index: number;
  seed: string;
  /** The PNG file as it was answered, provenance and all; null while it is fetched or failed. */
  bytes: Blob | null;
  problem: Problem | null;
}

/** One order and what became of it. */
export interface Run {
  /** Made here, a UUID. */
  id: string;
  taskId: string | null;
  /** ms since 1970. */
  created: number;
  ended: number | null;
  /** Ids of what is kept in the pictures' store. */
  baseId: string;
  baseName: string;
  /** Where the base came from: the chain of edits. */
  origin: Origin;
  maskId: string;
  /** The mask has levels between 0 and 255. */
  soft: boolean;
  /** The sketch that was sent along. */
  sketchId: string | null;
  width: number;
  height: number;
  /** As it was sent: the seed is the one that was drawn. */
  wish: Wish;
  state: RunState;
  /** Share of the upload that is done, 0 to 1. */
  uploaded: number;
  /** Tasks before this one in the queue; null: not known. */
  position: number | null;
  progress: Progress | null;
  preview: Preview | null;
  results: Result[];
  /** What the engine says the caller should know. */
  notes: string[];
  problem: Problem | null;
  /** Kept when room is made for others. */
  starred: boolean;
  /** When the order left for the server, ms since 1970; null: it has not. */
  submitted: number | null;
}

export const OPEN_STATES: ReadonlySet<RunState> = new Set(["UPLOADING", "PENDING", "RUNNING"]);

/** What a model takes; from /api/v1/models. */
export interface Model {
  name: string;
  engine: string;
  summary: string;
  takes: {
    prompt: boolean;
    style: boolean;
    reference: boolean;
    sketch: boolean;
    palette: boolean;
    strength: boolean;
    guidance: boolean;
    negative_prompt: boolean;
    steps: boolean;
  };
  /** "" where it is not known; may end with its address. */
  licence: string;
  /** In which it reads prompts: "zh", "en". */
  languages: string[];
}

/** What the server allows; from /api/v1/models. */
export interface Limits {
  minSide: number;
  maxSide: number;
  maxBytes: number;
  maxN: number;
  maxPrompt: number;
  maxPalette: number;
  maxFeather: number;
  guidance: [number, number];
  steps: [number, number];
}

export interface Account {
  name: string;
  hint: string;
  plan: string;
  used: number;
  /** null: no limit. */
  images: number | null;
}

/** A suggestion while typing; from /api/v1/concepts. */
export interface ConceptMatch {
  id: string;
  en: string;
  zh: string;
}
